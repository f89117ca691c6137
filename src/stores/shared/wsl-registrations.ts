/**
 * Linux distributions of Windows (WSL) that were put into directories of one's own (`wsl --import`): only the registry
 * of their user knows where, in `Software\Microsoft\Windows\CurrentVersion\Lxss`.
 */

import type { Problem } from '../../core/errors.ts';
import type { StoreContent } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { decodeUtf16, findValue } from '../../formats/registry.ts';
import { EMPTY_CONTENT, exists, mergeContents } from './content.ts';
import { systemDrive } from './drive.ts';
import { isLiveKey, openKey } from './windows-registry.ts';

const MAX_DISTRIBUTIONS = 1000;
/** Where the store type of WSL finds the disks itself. */
const USUAL = /\\AppData\\Local\\(?:Packages|wsl|Docker|lxss)(?:\\|$)/i;
/** Without one of them WSL is not installed, and a process to ask the registry can be spared. */
const PROGRAMS = ['/Windows/System32/lxss/LxssManager.dll', '/Program Files/WSL/wslservice.exe'];

/** A problem for each, since they are not read; `software` is the Software key of a user. */
export function unusualDistributions(target: Target, software: string): StoreContent {
  const isInstalled = PROGRAMS.some((path) => exists(target, systemDrive(target) + path));
  if (isLiveKey(software) && !isInstalled) return EMPTY_CONTENT;
  const { key, problems } = openKey(target, `${software}\\Microsoft\\Windows\\CurrentVersion\\Lxss`);
  const found: Problem[] = [];
  for (const each of key?.subkeys() ?? []) {
    const value = findValue(each, 'BasePath');
    const path = value ? decodeUtf16(value.data).replace(/^\\\\\?\\/, '') : '';
    if (path === '' || USUAL.test(path) || found.length >= MAX_DISTRIBUTIONS) continue;
    const message =
      'a Linux distribution (WSL) is registered here, a system of its own, and not read here: run rootaudit inside it, or, once it is stopped, rootaudit scan with its .vhdx file (which needs 7-Zip)';
    found.push({ code: 'unsupported', path, message });
  }
  return mergeContents([{ ...EMPTY_CONTENT, problems: found }, problems()]);
}
