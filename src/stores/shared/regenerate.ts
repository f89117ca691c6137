/** Running the target's own update command: directly on this machine, in a chroot on a mounted root. */

import { quoteSh } from '../../core/shell.ts';
import type { Target } from '../../core/target.ts';

/** `command` is ours and needs no quoting, for example "update-ca-trust extract". */
export function regenerate(target: Target, command: string): string {
  return target.kind === 'live' ? command : `chroot ${quoteSh(target.hostPath('/'))} ${command}`;
}
