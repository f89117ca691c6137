/** Where Windows' own drive is on a target. */

import type { Target } from '../../core/target.ts';
import { targetPath } from './java-homes.ts';

/** What absolute patterns stand below: the drive letter on a live Windows, nothing elsewhere. */
export function systemDrive(target: Target): string {
  if (target.platform !== 'win32' || target.kind !== 'live') return '';
  return targetPath(target.environment['SystemDrive'] ?? '') ?? '/C:';
}
