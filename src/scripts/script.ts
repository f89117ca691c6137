/** What scripts are written from, and the order that they all follow: one list of steps with everything decided. */

import { sha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import type { Action } from '../core/remediation.ts';
import { count, visible } from '../core/text.ts';
import type { PlannedStep, RemovalPlan } from '../report/removal-plan.ts';

export interface ScriptInput {
  readonly plan: RemovalPlan;
  /** Host path at which the root of the target lies, without a final slash: empty for the system itself. */
  readonly root: string;
  /** The content of a file as it was planned for; undefined when there is none. */
  readonly read: (path: string) => Uint8Array | undefined;
  /** The bytes of a certificate of the plan, by its SHA-256. */
  readonly certificate: (fingerprint: string) => Uint8Array | undefined;
  /** For an image. */
  readonly image?: ImageKnowledge;
}

export interface ImageKnowledge {
  /** The layer that a file's bytes come from. */
  readonly layerOf: (path: string) => number | undefined;
  /** False where a command is not in the image. */
  readonly has: (command: string) => boolean;
}

/** A file that the plan changes. Its number names its copy. */
export interface ScriptFile {
  readonly number: number;
  readonly path: string;
  /** SHA-256 of what has to be there at first; null for nothing. */
  readonly before: string | null;
  /** SHA-256 at the end, null when it is gone then; undefined where a tool decides that. */
  readonly after: string | null | undefined;
}

interface Common {
  /** From 1. */
  readonly number: number;
  readonly elevated: boolean;
  /** In words, fit to be shown. */
  readonly text: string;
}

interface OfFile extends Common {
  readonly file: ScriptFile;
  /** Of this step; the file may be changed by others too. */
  readonly before: string | null;
  readonly after: string | null;
}

export type ScriptStep =
  | (OfFile & { readonly kind: 'delete' })
  | (OfFile & { readonly kind: 'cut'; readonly kept: readonly Range[]; readonly content: Uint8Array })
  | (OfFile & { readonly kind: 'write'; readonly content: Uint8Array; readonly mode: number })
  | (Common & {
      readonly kind: 'edit';
      readonly path: string;
      readonly directory: boolean;
      readonly files: readonly EditedFile[];
      readonly runs: readonly (readonly string[])[];
      readonly placeholder: string;
    })
  | (Common & {
      readonly kind: 'run';
      readonly argv: readonly string[];
      readonly changes: readonly string[];
      readonly undo: readonly (readonly string[])[];
      /** It comes after everything else, and can be run again whenever a source has changed. */
      readonly regenerates: boolean;
      /** The certificates that it is for. */
      readonly certificates: readonly string[];
    });

interface EditedFile {
  readonly file: ScriptFile;
  readonly before: string;
  /** For the copy: plain, and unlike every other of the step. */
  readonly name: string;
}

/** Bytes that stay; without an end to the end of the file. */
export interface Range {
  readonly start: number;
  readonly end: number | undefined;
}

export interface Script {
  /** Marks this very plan. */
  readonly id: string;
  readonly files: readonly ScriptFile[];
  readonly steps: readonly ScriptStep[];
  /** Root or administrator is needed. */
  readonly elevated: boolean;
  /** What a person has to know, a line each, fit to be shown. */
  readonly heading: readonly string[];
  /** What a person has to do, fit to be shown. */
  readonly byHand: readonly string[];
  /** Names of processes that must not run. */
  readonly inUse: readonly string[];
}

/** Throws RootauditError when a file is no longer the one that was planned for. */
export function prepare(input: ScriptInput): Script {
  const { plan, root } = input;
  const files = new Files();
  const lastChange = plan.steps.findLastIndex(({ action }) => !isRegeneration(action));
  const steps = plan.steps.map((step, index) => scriptStep(step, index, lastChange, files, input));
  const done = plan.stores.filter(({ method }) => method === 'remove' || method === 'distrust');
  return {
    id: sha256(Buffer.from(`${root}\0${plan.steps.map(({ action }) => keyOf(action)).join('\0')}`)).slice(
      0,
      16,
    ),
    files: files.list(),
    steps,
    elevated: plan.target.kind === 'live' && plan.steps.some(({ elevated }) => elevated),
    heading: headingOf(plan),
    byHand: byHandOf(plan),
    inUse: plan.target.kind === 'live' ? [...new Set(done.flatMap(({ inUse = [] }) => inUse))] : [],
  };
}

class Files {
  readonly #files = new Map<string, ScriptFile>();

  /** The file as a step finds it and leaves it. */
  touch(path: string, before: string | null, after: string | null | undefined): ScriptFile {
    const known = this.#files.get(path) ?? { number: this.#files.size + 1, path, before, after };
    const file = { ...known, after };
    this.#files.set(path, file);
    return file;
  }

  list(): readonly ScriptFile[] {
    return [...this.#files.values()];
  }
}

function isRegeneration(action: Action): boolean {
  return action.kind === 'run' && action.undo === undefined && action.changes.length > 0;
}

function keyOf(action: Action): string {
  return JSON.stringify(action.kind === 'write' ? { ...action, content: sha256(action.content) } : action);
}

function scriptStep(
  { action, elevated, certificates }: PlannedStep,
  index: number,
  lastChange: number,
  files: Files,
  { read }: ScriptInput,
): ScriptStep {
  const common = { number: index + 1, elevated, text: stepText(action) };
  switch (action.kind) {
    case 'delete': {
      const { path, sha256: before } = action;
      return { ...common, kind: 'delete', file: files.touch(path, before, null), before, after: null };
    }
    case 'cut': {
      const { path, sha256: before } = action;
      const kept = keptRanges(action.ranges);
      const content = cutContent(read(path), action, kept);
      const after = sha256(content);
      const file = files.touch(path, before, after);
      return { ...common, kind: 'cut', file, before, after, kept, content };
    }
    case 'write': {
      const { path, sha256: before, content, mode } = action;
      const after = sha256(content);
      return {
        ...common,
        kind: 'write',
        file: files.touch(path, before, after),
        before,
        after,
        content,
        mode,
      };
    }
    case 'edit':
      return {
        ...common,
        kind: 'edit',
        path: action.path,
        directory: action.directory,
        files: action.files.map((each, position) => ({
          file: files.touch(each.path, each.sha256, undefined),
          before: each.sha256,
          name: nameFor(each.path, position),
        })),
        runs: [action.argv, ...(action.afterwards ?? [])],
        placeholder: action.placeholder ?? '{}',
      };
    case 'run':
      return {
        ...common,
        kind: 'run',
        argv: action.argv,
        changes: action.changes,
        undo: action.undo ?? [],
        regenerates: index > lastChange,
        certificates,
      };
  }
}

/** A tool takes the name of a keystore for its type; names are kept where that can do no harm. */
function nameFor(path: string, position: number): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(name) ? name : `file-${position}`;
}

export function keptRanges(ranges: Extract<Action, { kind: 'cut' }>['ranges']): Range[] {
  const kept: Range[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    if (start > at) kept.push({ start: at, end: start });
    at = end;
  }
  return [...kept, { start: at, end: undefined }];
}

function cutContent(
  content: Uint8Array | undefined,
  { path, sha256: planned }: Extract<Action, { kind: 'cut' }>,
  kept: readonly Range[],
): Uint8Array {
  if (!content || sha256(content) !== planned) {
    throw new RootauditError(
      `${visible(path)} changed since it was looked at`,
      'Run the same command again.',
    );
  }
  return Buffer.concat(kept.map(({ start, end }) => content.subarray(start, end)));
}

/** What a step does. The arguments of a tool that works on a copy may hold the password of a keystore. */
function stepText(action: Action): string {
  switch (action.kind) {
    case 'delete':
      return `delete ${visible(action.path)}`;
    case 'cut': {
      const bytes = action.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
      return `cut ${count(bytes, 'byte')} out of ${visible(action.path)}`;
    }
    case 'write':
      return `${action.sha256 === null ? 'make' : 'change'} ${visible(action.path)}`;
    case 'edit':
      return `change ${visible(action.path)} with ${visible(toolOf([action.argv, ...(action.afterwards ?? [])].at(-1) ?? []))}`;
    case 'run': {
      const made = directoryOf(action.argv);
      return made === undefined ? `run ${visible(action.argv.join(' '), 300)}` : `make ${visible(made)}`;
    }
  }
}

/** The directory that cmd.exe is to make; undefined for any other command. */
export function directoryOf(argv: readonly string[]): string | undefined {
  return argv[0] === 'cmd' && argv.at(-2) === 'mkdir' ? argv.at(-1) : undefined;
}

/** The command itself, without what sets its environment. */
export function toolOf(argv: readonly string[]): string {
  return argv.find((word) => word !== 'env' && !/^\w+=/.test(word)) ?? '';
}

function headingOf({ tool, certificates, target, stores }: RemovalPlan): readonly string[] {
  const where = target.kind === 'live' ? 'this machine' : visible(target.reference);
  const notes = stores
    .filter(({ method, note }) => (method === 'remove' || method === 'distrust') && note !== undefined)
    .map(({ path, note = '' }) => `Note on ${visible(path)}: ${visible(note)}`);
  const lines = [
    `Written by ${tool.name} ${tool.version}. Ends the trust of ${where} in:`,
    ...certificates.flatMap(({ certificate: { subject, sha256: fingerprint } }) => [
      `  ${visible(subject || '(no readable name)', 200)}`,
      `  SHA-256 ${fingerprint}`,
    ]),
    ...new Set(notes),
  ];
  return lines.flatMap(wrapped);
}

const WIDTH = 110;

/** A long name without blanks is cut, too. */
export function wrapped(line: string): readonly string[] {
  const pieces = line.match(new RegExp(`.{1,${WIDTH}}(?= |$)|.{1,${WIDTH}}`, 'gu')) ?? [line];
  return pieces.map((piece, index) => (index === 0 ? piece : `  ${piece.trim()}`));
}

function byHandOf({ stores }: RemovalPlan): readonly string[] {
  return stores.flatMap(({ method, application, path, note }) => {
    const place = `${visible(application)} (${visible(path)})`;
    if (method === 'hand') return [`${place}: ${visible(note ?? 'has to be done by hand')}`];
    if (method !== 'later') return [];
    return [`${place}: shares a file with what was changed; let rootaudit write another script afterwards`];
  });
}
