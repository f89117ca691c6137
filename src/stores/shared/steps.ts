/** The parts of a removal, each as shell commands and as data, and how they become one remediation. */

import type { Action, Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { saveCommands } from './backup.ts';
import { scannedFile } from './scanned-file.ts';
import { stillHolds } from './unchanged.ts';

export interface Step {
  /** Undefined where no shell can do it. */
  readonly commands: readonly string[] | undefined;
  readonly undo: readonly string[];
  readonly actions: readonly Action[];
}

interface Plan {
  readonly disposition?: 'safe' | 'unsafe';
  readonly elevated: boolean;
  readonly notes?: readonly (string | undefined)[];
  /** What a person does where there are no commands. */
  readonly byHand?: string;
  readonly inUse?: readonly string[];
}

/** One remediation of `steps`, in their order. Those without commands leave it with actions only. */
export function planOf(
  target: Target,
  steps: readonly Step[],
  { disposition = 'safe', elevated, notes = [], byHand, inUse = [] }: Plan,
): Remediation {
  const hasCommands = steps.every(({ commands }) => commands !== undefined);
  const words = [hasCommands ? undefined : byHand, ...notes].filter((note) => note !== undefined);
  return {
    disposition,
    shell: 'sh',
    commands: hasCommands ? steps.flatMap(({ commands = [] }) => commands) : [],
    // An image stays as it is: another one is made of it.
    undo: hasCommands && target.kind !== 'image' ? steps.flatMap(({ undo }) => undo) : [],
    actions: steps.flatMap(({ actions }) => actions),
    elevated,
    ...(inUse.length > 0 && { inUse }),
    ...(words.length > 0 && { note: words.join(' ') }),
  };
}

/** The file goes, after a check that it is still the scanned one and a copy. `file` has no links. */
export function deleteStep(target: Target, location: StoreLocation, file: string): Step {
  const { sha256 } = scannedFile(target, file);
  const actions: readonly Action[] = [{ kind: 'delete', path: file, sha256 }];
  return changeStep(target, location, file, actions, (path) => `rm ${path}`);
}

/** A change of one file, after a check that it is still the scanned one and a copy. */
export function changeStep(
  target: Target,
  location: StoreLocation,
  file: string,
  actions: readonly Action[],
  change: (path: string) => string,
): Step {
  const hostFile = target.hostPath(file);
  if (!canQuoteSh(hostFile)) return { commands: undefined, undo: [], actions };
  const { commands, undo } = saveCommands(target, location, file);
  return { commands: [stillHolds(target, file), ...commands, change(quoteSh(hostFile))], undo, actions };
}

/** A file of ours with this content; one that has it already stays as it is. `path` leads through no link. */
export function writeAction(target: Target, path: string, content: Uint8Array, mode: number): Action {
  const { exists, sha256 } = scannedFile(target, path);
  return { kind: 'write', path, sha256: exists ? sha256 : null, content, mode };
}

/** Runs of a tool on one copy, in order. `{}` in them is the placeholder of {@link placeholderFor} the names. */
export function editAction(
  target: Target,
  { path, directory, files }: EditedFiles,
  [argv = [], ...afterwards]: readonly (readonly string[])[],
  placeholder: Placeholder,
): Action {
  return {
    kind: 'edit',
    path,
    directory,
    files: files.map((file) => ({ path: file, sha256: scannedFile(target, file).sha256 })),
    argv,
    ...(afterwards.length > 0 && { afterwards }),
    ...placeholder,
  };
}

interface EditedFiles {
  readonly path: string;
  readonly directory: boolean;
  readonly files: readonly string[];
}

/** The same certificate may be held several times. */
export function certificatesOf(anchors: readonly TrustAnchor[]): TrustAnchor['certificate'][] {
  return [...new Map(anchors.map(({ certificate }) => [certificate.sha256, certificate])).values()];
}

interface Placeholder {
  readonly placeholder?: string;
}

/** What stands for the path instead of `{}` where one of the names has that in it. */
export function placeholderFor(words: readonly string[]): Placeholder {
  if (!words.some((word) => word.includes('{}'))) return {};
  let placeholder = '{path}';
  while (words.some((word) => word.includes(placeholder))) placeholder = `{${placeholder}}`;
  return { placeholder };
}
