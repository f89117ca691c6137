/**
 * The plan as lines of a Dockerfile for an image that is made from the one that was looked at. No text from the image
 * begins a line, or ends one: what is not plain stands in the JSON form, which has a name for each character.
 */

import type { Action } from '../core/remediation.ts';
import { quoteSh, sedScript } from '../core/shell.ts';
import type { ImageDescription, Target } from '../core/target.ts';
import { visible } from '../core/text.ts';
import type { RemovalPlan } from '../report/removal-plan.ts';
import { commandsOf } from './image-tools.ts';
import { keptRanges, toolOf, type ImageKnowledge, type Script, type ScriptInput } from './script.ts';
import { shContent, shWord, shWords } from './sh-words.ts';

/** Nothing defines a variable in an image: a newline is written as what it is, which calls for the JSON form. */
const NEWLINE = "'\n'";

export function refuseDockerfile({ target }: RemovalPlan): string | undefined {
  if (target.kind !== 'image') return 'It is for an image: --image REFERENCE.';
  return target.platform === 'win32' ? 'An image of Windows has no sh.' : undefined;
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
          ...(image && !image.has('sh')
            ? [
                comment(
                  'The image has no sh: run these in a stage that has one, and COPY the files from there.',
                ),
              ]
            : []),
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
export function dockerfileLines(actions: readonly Action[], target: Target): readonly string[] {
  if (target.platform === 'win32') return [];
  const has = commandsOf(target);
  return actions.flatMap((action) => instructionsOf(action, has));
}

function comment(text: string): string {
  return `# ${text}`.trimEnd();
}

const REFERENCE = /^[a-z0-9][\w.-]*(?::\d+)?(?:\/[\w.-]+)*(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]{64})?$/;

function fromOf(image: ImageDescription | undefined, reference: string): string {
  const inRegistry = /^(?:registry|docker):(?:\/\/)?(.+)$/.exec(reference)?.[1];
  // An OCI layout often names no more than a tag.
  const own = image?.name !== undefined && /[/:]/.test(image.name) ? image.name : undefined;
  const name = [inRegistry, own].find((each) => each !== undefined && REFERENCE.test(each));
  return name === undefined ? '# Put the name of the image here:\nFROM IMAGE' : `FROM ${name}`;
}

/** What brought each root into the image: there is where it had better stay out. */
function hintsOf(
  { certificates, target }: RemovalPlan,
  image: ImageKnowledge | undefined,
): readonly string[] {
  const layers = target.image?.layers ?? [];
  if (!image || layers.length === 0) return [];
  const numbers = certificates.flatMap(({ places }) =>
    places
      .filter(({ generatedFrom }) => generatedFrom.length === 0)
      .flatMap(({ path }) => image.layerOf(path) ?? []),
  );
  return [...new Set(numbers)]
    .toSorted((a, b) => a - b)
    .map((number) => {
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
    : visible(
        createdBy
          .replace(/^\/bin\/sh -c (?:#\(nop\)\s*)?/, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
        200,
      );
}

function instructionsOf(action: Action, has: ImageKnowledge['has'] | undefined): readonly string[] {
  if (namesOf(action).some((name) => name.includes('\0'))) {
    return [
      comment(
        `A name with a NUL can be given to no command: change ${visible(pathOf(action))} outside of the image.`,
      ),
    ];
  }
  const tool = toolThatWorks(action);
  const lines = instruction(partsOf(action));
  if (tool === undefined || has?.(tool) !== false) return lines;
  return [
    comment(
      `${tool} is not in the image: install it before this, or change ${visible(pathOf(action))} outside and COPY it in.`,
    ),
    ...lines.map(comment),
  ];
}

function namesOf(action: Action): readonly string[] {
  if (action.kind === 'run') return action.argv;
  if (action.kind === 'write') return [action.path, ...(action.lines ?? []).map(({ from }) => from)];
  if (action.kind !== 'edit') return [action.path];
  return [
    action.path,
    ...action.argv,
    ...(action.afterwards ?? []).flat(),
    ...action.files.map(({ path }) => path),
  ];
}

function pathOf(action: Action): string {
  return action.kind === 'run' ? (action.changes[0] ?? '/') : action.path;
}

function toolThatWorks(action: Action): string | undefined {
  if (action.kind === 'write' && action.lines) return 'sed';
  if (action.kind === 'run') return toolOf(action.argv);
  return action.kind === 'edit'
    ? toolOf([action.argv, ...(action.afterwards ?? [])].at(-1) ?? [])
    : undefined;
}

function wordOf(word: string): string {
  return shWord(word, NEWLINE);
}

/** Commands for sh, of which each is run when those before it have succeeded. */
function partsOf(action: Action): readonly string[] {
  switch (action.kind) {
    case 'delete':
      return [unchanged(action.path, action.sha256), `rm ${wordOf(action.path)}`];
    case 'cut': {
      const path = wordOf(action.path);
      const parts = keptRanges(action.ranges).map(({ start, end }) => {
        if (end === undefined) return `tail -c +${start + 1} ${path}`;
        return start === 0
          ? `head -c ${end} ${path}`
          : `tail -c +${start + 1} ${path} | head -c ${end - start}`;
      });
      // Written back, not moved: the file keeps its owner and its permissions.
      const copy = '/tmp/rootaudit';
      const isChecked = unchanged(action.path, action.sha256);
      return [isChecked, `{ ${parts.join('; ')}; } > ${copy}`, `cat ${copy} > ${path}`, `rm ${copy}`];
    }
    case 'write':
      return writeParts(action);
    case 'edit': {
      const place = action.placeholder ?? '{}';
      const checks = action.files.map(({ path, sha256 }) => unchanged(path, sha256));
      const runs = [action.argv, ...(action.afterwards ?? [])].map((argv) =>
        shWords(
          argv.map((word) => word.replaceAll(place, () => action.path)),
          NEWLINE,
        ),
      );
      return [...checks, ...runs];
    }
    case 'run':
      return [shWords(action.argv, NEWLINE)];
  }
}

function writeParts(action: Extract<Action, { kind: 'write' }>): readonly string[] {
  const { path, sha256, content, mode, lines } = action;
  const file = wordOf(path);
  // By its lines, not the whole file: another instruction before this one may have changed others of them.
  if (lines) {
    return lines.flatMap((line) => [
      `grep -xF -e ${wordOf(line.from)} ${file}`,
      `sed -i -e ${wordOf(sedScript([line]))} ${file}`,
    ]);
  }
  const print = `${printOf(content)} > ${file}`;
  if (sha256 !== null) return [unchanged(path, sha256), print];
  const directory = wordOf(path.slice(0, path.lastIndexOf('/')) || '/');
  return [`test ! -e ${file}`, `mkdir -p ${directory}`, print, `chmod ${mode.toString(8)} ${file}`];
}

function printOf(content: Uint8Array): string {
  const written = shContent(content);
  if ('printf' in written)
    return `{ ${written.printf === '' ? ':' : written.printf.split('\n').join('; ')}; }`;
  const lines = written.hereDocument.slice(0, -1).split('\n');
  return [String.raw`printf '%s\n'`, ...lines.map(shLine)].join(' ');
}

function shLine(line: string): string {
  return line === '' ? "''" : quoteSh(line);
}

function unchanged(path: string, sha256: string): string {
  // sha256sum has a form of its own for names with backslashes and newlines.
  if (!/^[\x20-\x5b\x5d-\x7e]+$/.test(path)) return `test "$(sha256sum < ${wordOf(path)})" = '${sha256}  -'`;
  return `echo ${quoteSh(`${sha256}  ${path}`)} | sha256sum -c -`;
}

/**
 * Builders look for comments, line ends, here-documents and directives: where a part could be taken for one, the JSON
 * form hides it.
 */
function instruction(parts: readonly string[]): readonly string[] {
  const isPlain = parts.every((part) => /^[A-Za-z{][\x20-\x7e]*[^\\]$/.test(part) && !/<<|`/.test(part));
  if (isPlain) {
    return parts.map((part, index) => {
      const end = index === parts.length - 1 ? '' : ' \\';
      return index === 0 ? `RUN ${part}${end}` : ` && ${part}${end}`;
    });
  }
  const json = JSON.stringify(['/bin/sh', '-c', parts.join(' && ')]).replaceAll(
    /[^\x20-\x7e]|[<`]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [`RUN ${json}`];
}
