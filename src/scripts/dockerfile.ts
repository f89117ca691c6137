/**
 * The plan as lines of a Dockerfile for an image that is made from the one that was looked at. No text from the image
 * begins a line, or ends one: what is not plain stands in the JSON form, which has a name for each character.
 */

import type { Action } from '../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import type { ImageDescription } from '../core/target.ts';
import { visible } from '../core/text.ts';
import type { RemovalPlan } from '../report/removal-plan.ts';
import { keptRanges, toolOf, type ImageKnowledge, type Script, type ScriptInput } from './script.ts';
import { shContent, shWord, shWords, shWordWith } from './sh-words.ts';

export function refuseDockerfile({ target }: RemovalPlan): string | undefined {
  return target.kind === 'image' ? undefined : 'It is for an image: --image REFERENCE.';
}

export function dockerfile({ heading, byHand }: Script, { plan, image }: ScriptInput): string {
  const { target, steps } = plan;
  const hints = hintsOf(plan, image);
  const lines = steps.flatMap(({ action }) => ['', ...instructionsOf(action, image?.has)]);
  return [
    ...heading.map(comment),
    ...hints.map(comment),
    fromOf(target.image, target.reference),
    ...(steps.length > 0
      ? [
          'USER root',
          ...lines,
          '',
          comment('Then the user that the image had: docker inspect --format {{.Config.User}} IMAGE'),
          comment('USER …'),
        ]
      : []),
    ...byHand.map((line) => comment(`By hand: ${line}`)),
    '',
  ].join('\n');
}

/** What a scan prints for one store of an image: its instructions, and comments where there can be none. */
export function dockerfileLines(actions: readonly Action[], has: ImageKnowledge['has']): readonly string[] {
  return actions.flatMap((action) => instructionsOf(action, has));
}

function comment(text: string): string {
  return `# ${text}`.trimEnd();
}

const REFERENCE = /^[a-z0-9][\w.-]*(?::\d+)?(?:\/[\w.-]+)*(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]{64})?$/;

function fromOf(image: ImageDescription | undefined, reference: string): string {
  const inRegistry = /^(?:registry|docker):(?:\/\/)?(.+)$/.exec(reference)?.[1];
  const name = [inRegistry, image?.name].find((each) => each !== undefined && REFERENCE.test(each));
  return name === undefined ? '# Put the name of the image here:\nFROM IMAGE' : `FROM ${name}`;
}

/** What brought each root into the image: there is where it had better stay out. */
function hintsOf({ certificates, target }: RemovalPlan, image: ImageKnowledge | undefined): readonly string[] {
  const layers = target.image?.layers ?? [];
  if (!image || layers.length === 0) return [];
  const numbers = certificates.flatMap(({ places }) =>
    places
      .filter(({ generatedFrom }) => generatedFrom.length === 0)
      .flatMap(({ path }) => image.layerOf(path) ?? []),
  );
  return [...new Set(numbers)].toSorted((a, b) => a - b).map((number) => {
    const instruction = instructionOf(layers[number]?.createdBy);
    const made = instruction === undefined ? '' : `: ${instruction}`;
    const advice =
      number === 0
        ? 'If that is a base image, another (or a newer) one may be without it.'
        : 'If that instruction is yours, drop it instead.';
    return `Brought by layer ${number + 1} of ${layers.length}${made}. ${advice}`;
  });
}

function instructionOf(createdBy: string | undefined): string | undefined {
  return createdBy === undefined
    ? undefined
    : visible(createdBy.replace(/^\/bin\/sh -c (?:#\(nop\)\s*)?/, '').replaceAll(/\s+/g, ' ').trim(), 200);
}

function instructionsOf(action: Action, has: ImageKnowledge['has'] | undefined): readonly string[] {
  if (namesOf(action).some((name) => name.includes('\0'))) {
    return [comment(`A name with a NUL can be given to no command: change ${visible(pathOf(action))} outside of the image.`)];
  }
  const tool = toolThatWorks(action);
  const missing = tool === undefined || has?.(tool) !== false ? undefined : tool;
  const script = scriptOf(action);
  const line = instruction(script);
  if (missing === undefined) return [line];
  return [
    comment(`${missing} is not in the image: install it before the next line, or change ${visible(pathOf(action))} outside and COPY it in.`),
    comment(line),
  ];
}

function namesOf(action: Action): readonly string[] {
  if (action.kind === 'run') return action.argv;
  if (action.kind !== 'edit') return [action.path];
  return [action.path, ...action.argv, ...(action.then ?? []).flat(), ...action.files.map(({ path }) => path)];
}

function pathOf(action: Action): string {
  return action.kind === 'run' ? (action.changes[0] ?? '/') : action.path;
}

function toolThatWorks(action: Action): string | undefined {
  if (action.kind === 'run') return toolOf(action.argv);
  return action.kind === 'edit' ? toolOf([action.argv, ...(action.then ?? [])].at(-1) ?? []) : undefined;
}

/** One command for sh. */
function scriptOf(action: Action): string {
  switch (action.kind) {
    case 'delete':
      return `${unchanged(action.path, action.sha256)} && rm ${shWord(action.path)}`;
    case 'cut': {
      const path = shWord(action.path);
      const parts = keptRanges(action.ranges).map(({ start, end }) => {
        if (end === undefined) return `tail -c +${start + 1} ${path}`;
        return start === 0 ? `head -c ${end} ${path}` : `tail -c +${start + 1} ${path} | head -c ${end - start}`;
      });
      // Written back, not moved: the file keeps its owner and its permissions.
      const copy = '/tmp/rootaudit';
      return `${unchanged(action.path, action.sha256)} && { ${parts.join('; ')}; } > ${copy} && cat ${copy} > ${path} && rm ${copy}`;
    }
    case 'write':
      return writeScript(action);
    case 'edit': {
      const place = action.placeholder ?? '{}';
      const checks = action.files.map(({ path, sha256 }) => unchanged(path, sha256));
      const runs = [action.argv, ...(action.then ?? [])].map((argv) =>
        argv.map((word) => shWordWith(word.replaceAll(place, () => action.path), '\0', '')).join(' '),
      );
      return [...checks, ...runs].join(' && ');
    }
    case 'run':
      return shWords(action.argv);
  }
}

function writeScript({ path, sha256, content, mode }: Extract<Action, { kind: 'write' }>): string {
  const file = shWord(path);
  const written = shContent(content);
  const words =
    'hereDocument' in written
      ? String.raw`printf '%s\n' ` + written.hereDocument.trimEnd().split('\n').map(shLine).join(' ')
      : `{ ${written.printf.split('\n').join('; ')}; }`;
  const exact = 'hereDocument' in written && /[^\n]\n$/.test(written.hereDocument);
  const print = exact || 'printf' in written ? words : `{ ${printfOf(content)}; }`;
  if (sha256 !== null) return `${unchanged(path, sha256)} && ${print} > ${file}`;
  const directory = shWord(path.slice(0, path.lastIndexOf('/')) || '/');
  return `test ! -e ${file} && mkdir -p ${directory} && ${print} > ${file} && chmod ${mode.toString(8)} ${file}`;
}

function shLine(line: string): string {
  return line === '' ? "''" : quoteSh(line);
}

function printfOf(content: Uint8Array): string {
  const octal = Array.from(content, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return octal === '' ? ':' : `printf '${octal}'`;
}

function unchanged(path: string, sha256: string): string {
  // sha256sum has a form of its own for names with backslashes and newlines.
  if (!/^[\x20-\x5b\x5d-\x7e]+$/.test(path)) return `test "$(sha256sum < ${shWord(path)})" = '${sha256}  -'`;
  return `echo ${quoteSh(`${sha256}  ${path}`)} | sha256sum -c -`;
}

/** Builders look for comments, line ends, here-documents and escapes: where there may be one, the JSON form hides it. */
function instruction(script: string): string {
  const shown = script.replaceAll('"$newline"', '\'\n\'');
  const isPlain = /^[A-Za-z{][\x20-\x7e]*$/.test(shown) && !/\\|<<|`/.test(shown);
  if (isPlain) return `RUN ${shown}`;
  const json = JSON.stringify(['/bin/sh', '-c', shown]).replaceAll(
    /[^\x20-\x7e]|[<`]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `RUN ${json}`;
}
