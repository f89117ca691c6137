/** Where the registry of a Windows machine and of its users begins: places as windows-registry.ts writes them. */

import { findPath } from '../../core/find-path.ts';
import { FsError, type Registry, type Target } from '../../core/target.ts';
import { decodeUtf16, findValue } from '../../formats/registry.ts';
import { exists } from './content.ts';
import { orUndefined } from './java-homes.ts';
import { openKey, windowsDirectory } from './windows-registry.ts';

/** The SOFTWARE branch of the machine. */
export function machineBase(target: Target): string | undefined {
  if (target.registry) return 'HKLM\\SOFTWARE';
  const windows = orUndefined(() => windowsDirectory(target));
  return windows === undefined ? undefined : hiveAt(target, `${windows}/System32/config`, 'SOFTWARE');
}

export interface UserBase {
  readonly base: string;
  readonly user: string;
}

/** Every account with a registry of its own, the current one first on a running Windows. */
export function userBases(target: Target): readonly UserBase[] {
  const { registry } = target;
  return registry ? liveUsers(target, registry) : [...hiveUsers(target), ...serviceAccounts(target)];
}

// A mounted drive

const PROFILE_PARENTS = ['/Users', '/Documents and Settings'];
/** Templates and links that are nobody's. */
const NOBODY = new Set(['default', 'default user', 'public', 'all users']);
const MAX_PROFILES = 10_000;

function hiveUsers(target: Target): readonly UserBase[] {
  const users = new Map<string, UserBase>();
  for (const wanted of PROFILE_PARENTS) {
    const parent = orUndefined(() => findPath(target.fs, wanted));
    for (const { name } of (parent !== undefined && orUndefined(() => target.fs.list(parent))) || []) {
      if (NOBODY.has(name.toLowerCase()) || users.size >= MAX_PROFILES) continue;
      const base = hiveAt(target, `${parent}/${name}`, 'NTUSER.DAT');
      if (base === undefined) continue;
      // "Documents and Settings" is a link to Users on all but old systems.
      const real = orUndefined(() => target.fs.realPath(base)) ?? base;
      if (!users.has(real)) users.set(real, { base, user: name });
    }
  }
  return [...users.values()];
}

function serviceAccounts(target: Target): readonly UserBase[] {
  const windows = orUndefined(() => windowsDirectory(target));
  if (windows === undefined) return [];
  const places: readonly (readonly [string, string, string])[] = [
    ['SYSTEM', `${windows}/System32/config`, 'DEFAULT'],
    ['LocalService', `${windows}/ServiceProfiles/LocalService`, 'NTUSER.DAT'],
    ['NetworkService', `${windows}/ServiceProfiles/NetworkService`, 'NTUSER.DAT'],
  ];
  return places.flatMap(([user, directory, name]) => {
    const base = hiveAt(target, directory, name);
    return base === undefined ? [] : [{ base, user }];
  });
}

/** A hive that may not be looked for counts as there: reading it then tells. */
function hiveAt(target: Target, directory: string, name: string): string | undefined {
  const path = `${directory}/${name}`;
  try {
    return findPath(target.fs, path);
  } catch (error) {
    if (error instanceof FsError) return path;
    throw error;
  }
}

// A running Windows

const PROFILE_LIST = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList';
/** Accounts of people: local or of a domain, and of Entra ID. */
const PERSON = /^S-1-(?:5-21|12-1)-[\d-]+$/i;

/**
 * The current user, then everyone whose registry is loaded, which is who is logged on; then the files of those who are
 * not. The registry of a service account may not be read without elevation and holds no choice of a person.
 */
function liveUsers(target: Target, registry: Registry): readonly UserBase[] {
  const [current] = target.homes;
  const own: UserBase = { base: 'HKCU', user: current?.user ?? 'current user' };
  const loaded = (orUndefined(() => registry.list('HKU')) ?? []).filter((name) => PERSON.test(name));
  const listed = new Set(orUndefined(() => registry.list(PROFILE_LIST)));
  const profiles = loaded.map((sid) => ({
    sid,
    home: listed.has(sid) ? profileOf(target, sid) : undefined,
  }));
  const isCurrent = (home: string | undefined): boolean =>
    home !== undefined && home.toLowerCase() === current?.path.toLowerCase();
  // Without a profile to tell by, the only one is the current user's.
  const others = profiles.filter(({ home }) => !isCurrent(home)).filter(() => profiles.length > 1);
  const files = target.homes
    .slice(1)
    .filter(
      ({ path, user }) =>
        !NOBODY.has(user.toLowerCase()) &&
        !profiles.some(({ home }) => home?.toLowerCase() === path.toLowerCase()),
    );
  return [
    own,
    ...others.map(({ sid, home }) => ({ base: `HKU\\${sid}`, user: home?.split('/').at(-1) ?? sid })),
    ...files.flatMap(({ path, user }) => {
      const base = hiveAt(target, path, 'NTUSER.DAT');
      return base === undefined ? [] : [{ base, user }];
    }),
  ];
}

/** The home of an account, as a path of the target. */
function profileOf(target: Target, sid: string): string | undefined {
  const key = orUndefined(() => openKey(target, `${PROFILE_LIST}\\${sid}`).key);
  const value = findValue(key, 'ProfileImagePath');
  if (!value) return undefined;
  const drive = target.environment['SystemDrive'] ?? 'C:';
  const path = decodeUtf16(value.data).replace(/^%SystemDrive%/i, drive);
  return `/${path.replaceAll('\\', '/')}`;
}

/**
 * Wine runs programs for Windows, but gives them the roots of every user without asking ProtectedRoots, and those in
 * Disallowed too.
 */
export function isWine(target: Target): boolean {
  if (!target.registry) return false;
  const root = target.environment['SystemRoot'] ?? 'C:\\Windows';
  return exists(target, `/${root.replaceAll('\\', '/')}/system32/winecfg.exe`);
}
