/**
 * Places that cannot be looked into: settings files, whose certificates are then not known, and directories in which
 * something may lie. Whoever looks there puts them down, and the last of the store types reports each of them once.
 */

import { posix } from 'node:path';
import type { Problem } from '../../core/errors.ts';
import { FsError, type Target } from '../../core/target.ts';
import { fsProblem } from './content.ts';
import { oncePerTarget } from './once.ts';

/**
 * wanted: a file that is there to name certificates or variables. private: one of a kind that root alone reads on
 * every machine, because of the passwords in it, and of which few name a certificate; or a directory of some service
 * that might have settings in it.
 */
export type SettingsKind = 'wanted' | 'private';

export interface RefusedPlace {
  /** The file, or the directory in which it would lie and that may not be entered. */
  readonly path: string;
  readonly kind: SettingsKind;
  readonly problem: Problem;
}

/** More than anyone wants to read about. */
const MAX_REFUSED = 10_000;

const byPath = oncePerTarget(() => new Map<string, RefusedPlace>());

export function refusedPlaces(target: Target): readonly RefusedPlace[] {
  return [...byPath(target).values()];
}

/** The bytes of a settings file; undefined when there is none, or none that can be had, which is then put down. */
export function readSettings(
  target: Target,
  path: string,
  maxBytes: number,
  kind: SettingsKind = 'wanted',
): Uint8Array | undefined {
  try {
    return target.fs.read(path, maxBytes);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    // Not a file: a unit that is masked by a link to /dev/null, say.
    if (error.code !== 'not-a-file') putDown(target, path, error, kind, true);
    return undefined;
  }
}

/** Puts down a directory whose files cannot be listed. */
export function refuseDirectory(target: Target, path: string, kind: SettingsKind = 'wanted'): void {
  try {
    target.fs.list(path);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    putDown(target, path, error, kind, true);
  }
}

/** True for what lies in a directory that may not be entered: that is put down, and nobody knows whether it exists. */
export function isOutOfReach(target: Target, path: string): boolean {
  try {
    target.fs.kind(path);
    return false;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    if (error.code !== 'denied') return false;
    putDown(target, path, error, 'wanted');
    return true;
  }
}

/** `isGuess`: settings are looked for in many places, of which few have any. */
function putDown(target: Target, path: string, error: FsError, kind: SettingsKind, isGuess = false): void {
  const place = firstRefused(target, path);
  const refused = byPath(target);
  if (refused.size >= MAX_REFUSED || refused.get(place)?.kind === 'wanted') return;
  const { code, message } = fsProblem(error);
  const told = `certificates, or settings that name them, may be here: ${message}`;
  // A refusal is what is to be expected of private ones; anything else is not.
  const isFar = isGuess && place !== path && !isForSettings(target, place);
  const known = error.code !== 'denied' ? 'wanted' : isFar ? 'private' : kind;
  refused.set(place, { path: place, kind: known, problem: { code, path: place, message: told } });
}

function isForSettings({ homes }: Target, path: string): boolean {
  return path.startsWith('/etc/') || homes.some((home) => path.startsWith(`${home.path}/`));
}

/**
 * What cannot even be asked for lies in a directory that may not be entered. Many files may be looked for there: then
 * it is the directory that is put down, once.
 */
function firstRefused({ fs }: Target, path: string): string {
  let refused = path;
  while (refused !== '/' && isRefused(() => fs.kind(refused))) refused = posix.dirname(refused);
  return refused;
}

function isRefused(ask: () => unknown): boolean {
  try {
    ask();
    return false;
  } catch (error) {
    if (error instanceof FsError) return error.code === 'denied';
    throw error;
  }
}
