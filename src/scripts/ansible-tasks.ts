/** What Ansible does for each step of a plan. Nothing of the target is ever a template, or a part of a program. */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import type { Script, ScriptFile, ScriptStep } from './script.ts';
import { name, Unsafe, type Yaml } from './yaml-text.ts';

export type Task = { readonly [key: string]: Yaml };
type Edit = Extract<ScriptStep, { kind: 'edit' }>;
type Run = Extract<ScriptStep, { kind: 'run' }>;

export const BACKUP = '{{ rootaudit_backup }}';

export interface Context {
  readonly script: Script;
  /** Host path of a path of the target. */
  readonly at: (path: string) => string;
  /** Reads standard input. */
  readonly sum: string;
}

/** Ansible puts variables of the environment into words unless it is told not to; a name is no such word. */
export function command(argv: readonly Yaml[], more: Task = {}): Task {
  const texts = argv.map((word) =>
    word instanceof Unsafe ? word.text : typeof word === 'string' ? word : '',
  );
  const isExpandable = texts.some((text) => text.includes('$') || text.startsWith('~'));
  return {
    'ansible.builtin.command': { argv, ...(isExpandable && { expand_argument_vars: false }), ...more },
  };
}

/** Jinja that is true while the file has this SHA-256; for null, while there is none. */
export function holds({ number }: ScriptFile, hash: string | null): string {
  const stat = `rootaudit_file_${number}.stat`;
  return hash === null ? `not ${stat}.exists` : `${stat}.checksum | default('') == '${hash}'`;
}

export function markerOf(number: number): string {
  return `${BACKUP}/done-${number}`;
}

export function stepTasks(step: ScriptStep, context: Context): Task[] {
  const { at } = context;
  const title = titleOf(step);
  switch (step.kind) {
    case 'delete':
      return [
        {
          name: title,
          'ansible.builtin.file': { path: name(at(step.file.path)), state: 'absent' },
          when: holds(step.file, step.before),
        },
      ];
    case 'cut':
      return [cutTask(step, title, context)];
    case 'write':
      return writeTasks(step, title, context);
    case 'edit':
      return [editTask(step, title, context)];
    case 'run':
      return runTasks(step, title);
  }
}

/** Ansible takes the names of tasks for templates. */
function titleOf({ number, text, kind }: ScriptStep): string {
  const isPlain = /^[\w ./-]+$/.test(text) && text.length < 100;
  return `Step ${number}, ${isPlain ? text : kind}`;
}

/** The words of this are constant; what is the target's comes as arguments. */
function cutProgram(sum: string): string {
  return [
    'set -eu',
    'path=$1 after=$2',
    'shift 2',
    'new=$(mktemp "$path.XXXXXXXX")',
    'cp -p -- "$path" "$new"',
    ': > "$new"',
    'while [ $# -gt 0 ]; do',
    '  if [ "$2" = all ]; then tail -c "+$1" < "$path" >> "$new"',
    '  else tail -c "+$1" < "$path" | head -c "$2" >> "$new"',
    '  fi',
    '  shift 2',
    'done',
    `if [ "$(${sum} < "$new")" != "$after  -" ]; then`,
    '  rm -f -- "$new"',
    '  exit 1',
    'fi',
    'mv -f -- "$new" "$path"',
    '',
  ].join('\n');
}

function cutTask(step: Extract<ScriptStep, { kind: 'cut' }>, title: string, { at, sum }: Context): Task {
  const kept = step.kept.flatMap(({ start, end }) => [
    String(start + 1),
    end === undefined ? 'all' : String(end - start),
  ]);
  const words = ['sh', '-c', cutProgram(sum), 'sh', name(at(step.file.path)), step.after ?? '', ...kept];
  return { name: title, ...command(words, { creates: NEVER }), when: holds(step.file, step.before) };
}

/** Nothing makes this: check mode then tells that the command would be run. */
const NEVER = `${BACKUP}/never`;

const MAX_ARGUMENT = 30_000;

function writeTasks(step: Extract<ScriptStep, { kind: 'write' }>, title: string, { at }: Context): Task[] {
  const { file, before, content, mode } = step;
  const path = at(file.path);
  const text = Buffer.from(content).toString('utf8');
  const when = `not (${holds(file, step.after)})`;
  const stat = `rootaudit_file_${file.number}.stat`;
  if (!Buffer.from(text, 'utf8').equals(content)) {
    if (content.length > MAX_ARGUMENT) {
      throw new RootauditError(
        `a playbook cannot hold the new content of ${visible(file.path)}`,
        'Take --script sh.',
      );
    }
    const octal = Array.from(content, (byte) => String.raw`\0` + byte.toString(8).padStart(3, '0')).join('');
    const program =
      'new=$(mktemp "$1.XXXXXXXX") && if test -e "$1"; then cp -p -- "$1" "$new"; else chmod "$3" "$new"; fi && printf %b "$2" > "$new" && mv -f -- "$new" "$1"';
    return [
      {
        name: title,
        ...command(['sh', '-c', program, 'sh', name(path), octal, mode.toString(8)], { creates: NEVER }),
        when,
      },
    ];
  }
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  const directory: Task = {
    name: `Make the directory for step ${step.number}`,
    'ansible.builtin.file': { path: name(parent), state: 'directory', mode: '0755' },
  };
  const parentStat: Task = {
    name: `Look for the directory for step ${step.number}`,
    'ansible.builtin.stat': { path: name(parent) },
    register: `rootaudit_parent_${step.number}`,
  };
  return [
    ...(before === null
      ? [
          parentStat,
          { ...directory, when: `not rootaudit_parent_${step.number}.stat.exists` },
          {
            name: `Note that the directory for step ${step.number} was made`,
            'ansible.builtin.copy': {
              content: 'made\n',
              dest: `${BACKUP}/made-${step.number}`,
              mode: '0600',
            },
            when: [`not rootaudit_parent_${step.number}.stat.exists`, 'not ansible_check_mode'],
          },
        ]
      : []),
    {
      name: title,
      'ansible.builtin.copy': {
        content: name(text),
        dest: name(path),
        mode: before === null ? `0${mode.toString(8)}` : `{{ ${stat}.mode }}`,
      },
      when: before === null ? when : [when, `${stat}.exists`],
    },
  ];
}

function editTask(step: Edit, title: string, { at }: Context): Task {
  const { number, files, runs, placeholder } = step;
  const place = `${BACKUP}/edit-${number}`;
  const single = step.directory ? undefined : files.find(({ file }) => file.path === step.path)?.name;
  const copy = single === undefined ? `${place}/copies` : `${place}/copies/${single}`;
  const block: Task[] = [
    ...['', '/copies', '/home'].map((directory) => ({
      name: `Make a directory to work in${directory === '' ? '' : `, ${directory.slice(1)}`}`,
      'ansible.builtin.file': { path: `${place}${directory}`, state: 'directory', mode: '0700' },
    })),
    ...files.map(({ file, name: copyName }) => ({
      name: `Copy file ${file.number} to work on`,
      ...command(['cp', '--', name(at(file.path)), `${place}/copies/${copyName}`]),
      changed_when: true,
    })),
    ...runs.map((argv, index) => ({
      name: `Run ${index + 1} on the copy`,
      ...command(
        argv.map((word) => withPlace(word, placeholder, copy)),
        { chdir: `${place}/copies` },
      ),
      environment: { HOME: `${place}/home`, LC_ALL: 'C.UTF-8' },
      when: 'not ansible_check_mode',
      changed_when: true,
      // Words may hold the password of a keystore.
      ...(argv.some((word) => /pass/i.test(word)) && { no_log: true }),
    })),
    ...files.map(({ file, name: copyName }) => ({
      name: `Put file ${file.number} in place`,
      'ansible.builtin.copy': {
        src: `${place}/copies/${copyName}`,
        dest: name(at(file.path)),
        remote_src: true,
        mode: `{{ rootaudit_file_${file.number}.stat.mode }}`,
      },
      when: 'not ansible_check_mode',
    })),
    ...markTasks(number),
  ];
  return { name: title, when: `not rootaudit_done_${number}.stat.exists`, block };
}

function markTasks(number: number): Task[] {
  return [
    {
      name: `Note that step ${number} is done`,
      'ansible.builtin.copy': { content: 'done\n', dest: markerOf(number), mode: '0600' },
      when: 'not ansible_check_mode',
    },
  ];
}

/** A word with the path of the copy in it; what else is in it is no template. */
function withPlace(word: string, placeholder: string, copy: string): Yaml {
  if (!word.includes(placeholder)) return name(word);
  const parts = word.split(placeholder);
  if (!parts.some((part) => /[{}]/.test(part))) return parts.join(copy);
  const literals = parts.map((part) => `'${part.replaceAll(/[^A-Za-z0-9 _./:=-]/g, jinjaEscape)}'`);
  const [variable, rest] = [`rootaudit_backup`, copy.slice(BACKUP.length)];
  return `{{ ${literals.join(` ~ ${variable} ~ '${rest}' ~ `)} }}`;
}

function jinjaEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function runTasks({ number, argv }: Run, title: string): Task[] {
  return [{ name: title, ...command(argv.map(name), { creates: markerOf(number) }) }, ...markTasks(number)];
}
