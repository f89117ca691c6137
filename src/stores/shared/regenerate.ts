/** Running the target's own update command: directly on this machine and in an image, in a chroot on a mounted root. */

import { quoteSh } from '../../core/shell.ts';
import type { Target } from '../../core/target.ts';
import { realPathOr } from './content.ts';
import type { Step } from './steps.ts';

/** `command` is ours and needs no quoting, for example "update-ca-trust extract"; `changes` is what it may write. */
export function regenerate(target: Target, command: string, changes: readonly string[]): Step {
  const isHere = target.kind === 'live' || target.kind === 'image';
  const root = target.hostPath('/');
  const line = isHere ? command : `chroot ${quoteSh(root)} ${command}`;
  const argv = isHere ? command.split(' ') : ['chroot', root, ...command.split(' ')];
  const places = [...new Set(changes.map((path) => realPathOr(target, path)))];
  return { commands: [line], undo: [line], actions: [{ kind: 'run', argv, changes: places }] };
}
