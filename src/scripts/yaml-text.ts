/** YAML as Ansible reads it: block style, every doubtful text in double quotes, and names that are no templates. */

import { RootauditError } from '../core/errors.ts';

export type Yaml = string | number | boolean | Unsafe | readonly Yaml[] | { readonly [key: string]: Yaml };

/** Text that Ansible must not take for a template, whatever braces are in it. */
export class Unsafe {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Text from the target. */
export function name(text: string): Yaml {
  return /\{[{%#]/.test(text) ? new Unsafe(text) : text;
}

const INDENT = 2;

/** A document part that begins at the given depth, without a newline at the end. */
export function yamlText(value: Yaml, depth = 0): string {
  if (Array.isArray(value)) {
    const items: readonly Yaml[] = value;
    return items.map((item) => `${' '.repeat(depth)}- ${inItem(item, depth + INDENT)}`).join('\n');
  }
  if (isTable(value)) {
    return Object.entries(value)
      .map(([key, each]) => `${' '.repeat(depth)}${key}:${afterKey(each, depth)}`)
      .join('\n');
  }
  return scalar(value, depth);
}

function isTable(value: Yaml): value is { readonly [key: string]: Yaml } {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Unsafe);
}

function inItem(item: Yaml, depth: number): string {
  return isTable(item) || Array.isArray(item) ? yamlText(item, depth).trimStart() : scalar(item, depth);
}

function afterKey(value: Yaml, depth: number): string {
  const isEmpty = Array.isArray(value) && value.length === 0;
  if (isEmpty) return ' []';
  if (isTable(value) || Array.isArray(value)) return `\n${yamlText(value, depth + INDENT)}`;
  return ` ${scalar(value, depth + INDENT)}`;
}

function scalar(value: Yaml, depth: number): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Unsafe) return `!unsafe ${quoted(value.text, depth)}`;
  const text = typeof value === 'string' ? value : '';
  return isPlain(text) ? text : quoted(text, depth);
}

/** Neither a number nor any of the words that YAML takes for something else. */
function isPlain(text: string): boolean {
  return (
    /^(?:[A-Za-z/]|-{1,2}[A-Za-z])[\w/.,()+ -]*$/.test(text) &&
    !text.endsWith(' ') &&
    text.length < 120 &&
    !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text)
  );
}

const LINE = 130;

/** On several lines where it is long: a backslash before the line's end joins them again. */
function quoted(text: string, depth: number): string {
  const lines: string[] = [];
  let line = '';
  for (const character of text) {
    const piece = escaped(character);
    // What a line begins with is dropped when it is a blank.
    line += line === '' && lines.length > 0 && piece === ' ' ? String.raw`\x20` : piece;
    if (line.length >= LINE) {
      lines.push(line);
      line = '';
    }
  }
  lines.push(line);
  return `"${lines.filter((each, index) => each !== '' || index === 0).join(`\\\n${' '.repeat(depth)}`)}"`;
}

const NAMED: Readonly<Record<string, string>> = {
  '"': String.raw`\"`,
  '\\': '\\\\',
  '\n': String.raw`\n`,
  '\t': String.raw`\t`,
};

function escaped(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  if (/^[\x20-\x7e]$/.test(character)) return character;
  const point = character.codePointAt(0) ?? 0;
  if (point >= 0xd800 && point <= 0xdfff) {
    throw new RootauditError('a playbook cannot hold a name that is not UTF-8', 'Take --script sh.');
  }
  return point > 0xffff
    ? `\\U${point.toString(16).padStart(8, '0')}`
    : `\\u${point.toString(16).padStart(4, '0')}`;
}
