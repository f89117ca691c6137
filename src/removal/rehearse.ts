/**
 * What files will hold, found out before anything is touched: bytes are cut in memory, and tools work on copies in a
 * private directory. The contents can be judged then, and a tool that fails has changed nothing.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import type { Action } from '../core/remediation.ts';
import { inPlaceOf, type Root } from './place.ts';
import { readIn, stateOf } from './node-state.ts';
import { findTool, runTool } from './tool.ts';

/** A file gets another content; null for none. */
export interface Replacement {
  readonly kind: 'replace';
  readonly path: string;
  /** SHA-256 of what has to be there; null for nothing. */
  readonly before: string | null;
  readonly content: Uint8Array | null;
  /** Permission bits of a file that is new. */
  readonly mode: number;
}

export interface RunStep {
  readonly kind: 'run';
  readonly argv: readonly string[];
  readonly changes: readonly string[];
  readonly undo: readonly (readonly string[])[];
}

export type Step = Replacement | RunStep;

type FileAction = Exclude<Action, { kind: 'run' }>;
type EditAction = Extract<Action, { kind: 'edit' }>;

/** Contents as they will be; what is not in it is as on the disk. */
export type Contents = ReadonlyMap<string, Uint8Array | null>;

const NEW_FILE_MODE = 0o644;

/** One store's files after the other, each action on what those before it would leave. */
export class Rehearsal {
  readonly #root: Root;
  /** Host path of a private directory. */
  readonly #directory: string;
  readonly #contents = new Map<string, Uint8Array | null>();
  /** The files that changed since the last command of the system. */
  readonly #pending = new Map<string, Replacement>();
  readonly #steps: Step[] = [];

  constructor(root: Root, directory: string) {
    this.#root = root;
    this.#directory = directory;
  }

  get contents(): Contents {
    return this.#contents;
  }

  async add(action: Action): Promise<void> {
    if (action.kind === 'run') {
      this.#flush();
      const { argv, changes, undo = [] } = action;
      this.#steps.push({ kind: 'run', argv, changes, undo });
    } else {
      await this.#addFileAction(action);
    }
  }

  /** Every step in order; a file that several actions change is replaced once. */
  steps(): readonly Step[] {
    this.#flush();
    return this.#steps;
  }

  #flush(): void {
    for (const each of this.#pending.values()) {
      const isSame = each.content === null ? each.before === null : sha256(each.content) === each.before;
      if (!isSame) this.#steps.push(each);
    }
    this.#pending.clear();
  }

  async #addFileAction(action: FileAction): Promise<void> {
    switch (action.kind) {
      case 'delete':
        this.#expect(action.path, action.sha256);
        return this.#set(action.path, null);
      case 'cut':
        return this.#set(action.path, withoutRanges(this.#expect(action.path, action.sha256), action));
      case 'write':
        this.#expect(action.path, action.sha256);
        return this.#set(action.path, action.content, action.mode);
      case 'edit':
        return this.#edit(action);
    }
  }

  /** The content, which has to be the one that was planned for. */
  #expect(path: string, planned: string | null): Uint8Array {
    const content = this.#current(path);
    if ((content === null ? null : sha256(content)) === planned) return content ?? new Uint8Array();
    throw new RootauditError(
      content === null ? `${path} is no longer there` : `${path} changed since it was looked at`,
      'Run the same command again.',
    );
  }

  #current(path: string): Uint8Array | null {
    const known = this.#contents.get(path);
    return known === undefined ? this.#onDisk(path) : known;
  }

  #onDisk(path: string): Uint8Array | null {
    const { kind } = stateOf(this.#root, path);
    if (kind === 'none') return null;
    if (kind !== 'file') throw new RootauditError(`${path} is no regular file now`);
    return inPlaceOf(this.#root, path, readIn);
  }

  #set(path: string, content: Uint8Array | null, mode = NEW_FILE_MODE): void {
    const pending = this.#pending.get(path);
    const current = pending ? undefined : this.#current(path);
    const before = pending ? pending.before : current ? sha256(current) : null;
    this.#pending.set(path, { kind: 'replace', path, before, content, mode });
    this.#contents.set(path, content);
  }

  async #edit(action: EditAction): Promise<void> {
    const directory = mkdtempSync(join(this.#directory, 'edit-'));
    const copies = join(directory, 'copy');
    const home = join(directory, 'home');
    mkdirSync(copies, { mode: 0o700 });
    mkdirSync(home, { mode: 0o700 });
    try {
      // A tool takes the name of a keystore for its type; names are kept where that can do no harm.
      const names = new Map(action.files.map(({ path }, index) => [path, nameFor(path, index)]));
      for (const { path, sha256: planned } of action.files) {
        const content = this.#expectEdited(path, planned);
        writeFileSync(join(copies, names.get(path) ?? ''), content, { mode: 0o600, flag: 'wx' });
      }
      const copy = action.directory ? copies : join(copies, names.get(action.path) ?? '');
      const runs = [action.argv, ...(action.afterwards ?? [])];
      for (const argv of runs) checkTool(argv, action.path);
      for (const argv of runs) {
        const words = argv.map((word) => word.replaceAll(action.placeholder ?? '{}', () => copy));
        await runOnCopy(words, action.path, home, copies);
      }
      this.#takeBack(action, copies, names);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** A tool that finds its entry by name may follow another that changed the same file. */
  #expectEdited(path: string, planned: string): Uint8Array {
    const known = this.#contents.get(path);
    if (known && this.#pending.get(path)?.before === planned) return known;
    return this.#expect(path, planned);
  }

  #takeBack(action: EditAction, copies: string, names: ReadonlyMap<string, string>): void {
    const unfinished = readdirSync(copies).find(
      (name) => /-(?:journal|wal)$/.test(name) && statSync(join(copies, name)).size > 0,
    );
    if (unfinished !== undefined && ![...names.values()].includes(unfinished)) {
      throw new RootauditError(`${toolOf(action.argv)} left ${action.path} unfinished`);
    }
    for (const [path, name] of names) {
      const file = join(copies, name);
      const exists = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
      const content = exists ? readFileSync(file) : null;
      const before = this.#current(path);
      if (content === null || before === null || !content.equals(before)) this.#set(path, content);
    }
  }
}

function nameFor(path: string, index: number): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /^[A-Za-z0-9._-]{1,100}$/.test(name) && !/^(?:-|\.\.?$)/.test(name) ? name : `file-${index}`;
}

/** The command itself, without what sets its environment. */
function toolOf(argv: readonly string[]): string {
  return argv.find((word) => word !== 'env' && !/^\w+=/.test(word)) ?? '';
}

function checkTool(argv: readonly string[], path: string): void {
  const tool = toolOf(argv);
  if (findTool(tool) !== undefined) return;
  throw new RootauditError(
    `${tool}, which has to change ${path}, is not installed here`,
    'Install it, then run the same command again.',
  );
}

async function runOnCopy(argv: readonly string[], path: string, home: string, cwd: string): Promise<void> {
  const { status, output } = await runTool(argv, { home, cwd, timeout: 120_000 });
  if (status === 0) return;
  throw new RootauditError(
    `${toolOf(argv)} could not change a copy of ${path}${output === '' ? '' : `: ${output.slice(-1000)}`}`,
  );
}

function withoutRanges(content: Uint8Array, { path, ranges }: Extract<Action, { kind: 'cut' }>): Uint8Array {
  const kept: Uint8Array[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    if (start < at || end <= start || end > content.length) {
      throw new RootauditError(`the plan for ${path} does not fit the file`);
    }
    kept.push(content.subarray(at, start));
    at = end;
  }
  return Buffer.concat([...kept, content.subarray(at)]);
}
