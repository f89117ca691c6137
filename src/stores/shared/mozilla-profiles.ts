/**
 * Profiles of Mozilla programs and of those made from them. A base directory has a profiles.ini that names them,
 * absolutely or from there; profiles that it does not name work too.
 * https://support.mozilla.org/en-US/kb/profiles-where-firefox-stores-user-data
 */

import { posix } from 'node:path';
import { FsError, type Home, type Target } from '../../core/target.ts';
import type { StoreContent, StoreLocation } from '../../core/store.ts';
import { parseIni, type IniSection } from '../../formats/ini.ts';
import { EMPTY_CONTENT, exists, fsProblem, problemContent } from './content.ts';
import { expandDirectories, expandInHome, uniqueDirectories } from './directories.ts';
import { nssLocation, readNss } from './nss.ts';

/** A program and its base directories, below a home; `*` is any run of characters inside one name. */
export interface MozillaProgram {
  readonly name: string;
  readonly bases: readonly string[];
}

const MAX_INI_BYTES = 1 << 20;
/** More profiles than anyone has; a profiles.ini with more is hostile. */
const MAX_PROFILES = 1000;
/** Marks a profiles.ini that exists and cannot be read. */
const UNREADABLE_INI = 'profiles.ini';

/** Every profile of `programs` in every home, each once however it is reached. */
export function locateProfiles(
  target: Target,
  programs: readonly MozillaProgram[],
): readonly StoreLocation[] {
  const locations = target.homes.flatMap((home) =>
    programs.flatMap(({ name, bases }) =>
      expandInHome(target, home.path, bases).flatMap((base) =>
        exists(target, base) ? profilesOf(target, base, name, home) : [],
      ),
    ),
  );
  return uniqueDirectories(target, locations);
}

/** Reads a location that {@link locateProfiles} gave. */
export function readProfile(target: Target, location: StoreLocation): StoreContent {
  if (location.format !== UNREADABLE_INI) return readNss(target, location);
  try {
    target.fs.read(location.path, MAX_INI_BYTES);
    return EMPTY_CONTENT;
  } catch (error) {
    return problemContent(fsProblem(error));
  }
}

function profilesOf(target: Target, base: string, program: string, { user }: Home): StoreLocation[] {
  const about = (profile: string) =>
    ({ application: `${program} (${user}, profile ${profile})`, scope: 'user', user }) as const;
  // One problem, and not one for each place below.
  if (!mayList(target, base)) return [{ ...about('directory'), path: base, format: 'NSS cert9.db' }];
  const found: StoreLocation[] = [];
  const add = (directory: string, profile: string): void => {
    const location = nssLocation(target, directory, about(profile));
    if (location) found.push(location);
  };
  const ini = readProfilesIni(target, `${base}/profiles.ini`);
  if (!ini) found.push({ ...about('list'), path: `${base}/profiles.ini`, format: UNREADABLE_INI });
  for (const { path, name } of ini ?? []) add(posix.resolve(base, path), name);
  add(base, posix.basename(base));
  for (const pattern of [`${base}/*`, `${base}/Profiles/*`]) {
    for (const directory of expandDirectories(target, pattern)) add(directory, posix.basename(directory));
  }
  return found;
}

function mayList(target: Target, directory: string): boolean {
  try {
    target.fs.list(directory);
    return true;
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}

interface NamedProfile {
  readonly path: string;
  readonly name: string;
}

/** Undefined when there is a file that cannot be read. */
function readProfilesIni(target: Target, path: string): NamedProfile[] | undefined {
  try {
    const bytes = target.fs.read(path, MAX_INI_BYTES);
    if (!bytes) return [];
    return parseIni(bytes).entries.slice(0, MAX_PROFILES).flatMap(profileOf);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

function profileOf({ name: section, values }: IniSection): NamedProfile[] {
  const path = values.get('Path') ?? '';
  // No file name has a NUL character.
  if (!/^Profile\d+$/i.test(section) || path === '' || path.includes('\0')) return [];
  const relative = values.get('IsRelative') !== '0';
  // On Windows: relative ones with "/", absolute ones like D:\profiles\main.
  const drive = /^[A-Za-z]:[\\/]/.test(path);
  const usable = drive ? `/${path.replaceAll('\\', '/')}` : path;
  return [
    { path: relative && !drive ? `./${usable}` : usable, name: values.get('Name') ?? posix.basename(path) },
  ];
}
