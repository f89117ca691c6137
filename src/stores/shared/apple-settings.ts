/**
 * Where macOS keeps trust settings. Since macOS 12 those of the administrator and of each user lie in a directory
 * that, on a running system, only Apple's own programs may enter; before, in /Library/Security.
 */

import { isSelfIssued, sha1Of, type Certificate } from '../../core/certificate.ts';
import type { StoreContent } from '../../core/store.ts';
import { FsError, type Target } from '../../core/target.ts';
import type { Trust } from '../../core/trust.ts';
import { combineDecisions, decideTrust } from '../../formats/apple-trust-decision.ts';
import { parseTrustSettings, type TrustSettingsEntry } from '../../formats/apple-trust-settings.ts';
import { asArray, asDictionary, asString, MAX_PLIST_BYTES, parsePlist } from '../../formats/plist.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  fsProblem,
  mergeContents,
  problemContent,
  readFile,
} from './content.ts';
import { oncePerTarget } from './once.ts';

export const VAULT = '/private/var/protected/trustd/private';
const OLD = '/Library/Security/Trust Settings';
const SYSTEM = '/System/Library/Keychains/SystemTrustSettings.plist';
const USERS = '/private/var/db/dslocal/nodes/Default/users';
const PREFERENCES = '/Library/Preferences/com.apple.security.plist';

export type DomainName = 'user' | 'administrator' | 'system';

/** The settings of one domain, and what reading them told. */
export interface TrustDomain {
  readonly name: DomainName;
  /** The file they come from; undefined when there is none. */
  readonly path: string | undefined;
  /** By SHA-1 of the certificate, in lower-case hex. */
  readonly entries: ReadonlyMap<string, TrustSettingsEntry>;
  /** Problems and notes. */
  readonly told: StoreContent;
  /** There may be settings that could not be read. */
  readonly incomplete: boolean;
}

function readDomain(target: Target, name: DomainName, paths: readonly string[]): TrustDomain {
  const told: StoreContent[] = [];
  let incomplete = false;
  for (const [index, path] of paths.entries()) {
    const file = readSettingsFile(target, path);
    if ('failed' in file) {
      told.push(file.failed);
      incomplete ||= file.failed.problems.length > 0;
      continue;
    }
    const { entries, diagnostics } = parseTrustSettings(file.bytes);
    told.push(diagnosticsContent(path, diagnostics), ...staleNotes(target, path, paths.slice(index + 1)));
    incomplete ||= diagnostics.some(({ level }) => level === 'error');
    const byHash = new Map(entries.map((entry) => [entry.sha1, entry]));
    return { name, path, entries: byHash, told: mergeContents(told), incomplete };
  }
  return { name, path: undefined, entries: new Map(), told: mergeContents(told), incomplete };
}

function staleNotes(target: Target, used: string, older: readonly string[]): StoreContent[] {
  return older
    .filter((path) => exists(target, path))
    .map((path) => ({ ...EMPTY_CONTENT, notes: [`${path}: an older file; ${used} is the one in use`] }));
}

function readSettingsFile(target: Target, path: string): ReturnType<typeof readFile> {
  const file = readFile(target, path, MAX_PLIST_BYTES);
  if (!('failed' in file) || target.kind !== 'live' || !path.startsWith(VAULT)) return file;
  return { failed: { ...file.failed, problems: file.failed.problems.map(withAdvice) } };
}

/** On a running system not even root may enter: the way to see these settings is Apple's own command. */
function withAdvice(problem: StoreContent['problems'][number]): StoreContent['problems'][number] {
  const message = `${problem.message}: macOS shows these trust settings only through its own command: "security dump-trust-settings" (yours) and "security dump-trust-settings -d" (all users)`;
  return { ...problem, message };
}

export const administratorSettings = oncePerTarget((target) =>
  readDomain(target, 'administrator', [`${VAULT}/Admin.plist`, `${OLD}/Admin.plist`]),
);

export const systemSettings = oncePerTarget((target) => readDomain(target, 'system', [SYSTEM]));

/** Files with the settings of users, by the user's UUID in upper case. */
interface UserFiles {
  readonly byUuid: ReadonlyMap<string, readonly string[]>;
  readonly uuidByUser: ReadonlyMap<string, string>;
  readonly told: StoreContent;
  /** /Library/Preferences/com.apple.security.plist switches them off. */
  readonly ignored: boolean;
}

const UUID = /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i;

const userFiles = oncePerTarget((target): UserFiles => {
  const byUuid = new Map<string, string[]>();
  const add = (uuid: string, path: string): void => {
    if (!UUID.test(uuid)) return;
    const key = uuid.toUpperCase();
    byUuid.set(key, [...(byUuid.get(key) ?? []), path]);
  };
  let told: StoreContent = EMPTY_CONTENT;
  try {
    for (const { name } of target.fs.list(VAULT)) add(name, `${VAULT}/${name}/TrustSettings.plist`);
  } catch (error) {
    const problem = fsProblem(error);
    told = problemContent(target.kind === 'live' ? withAdvice(problem) : problem);
  }
  for (const name of namesIn(target, OLD)) {
    if (name.endsWith('.plist')) add(name.slice(0, -'.plist'.length), `${OLD}/${name}`);
  }
  const uuidByUser = new Map<string, string>();
  if (byUuid.size > 0) {
    for (const { user } of target.homes) {
      const uuid = uuidOf(target, user);
      if (uuid !== undefined) uuidByUser.set(user, uuid);
    }
  }
  return { byUuid, uuidByUser, told, ignored: byUuid.size > 0 && areUserSettingsOff(target) };
});

function namesIn(target: Target, directory: string): string[] {
  try {
    return target.fs.list(directory).map(({ name }) => name);
  } catch (error) {
    if (error instanceof FsError) return [];
    throw error;
  }
}

/** Who a UUID is stands in the local directory, which only root may read. */
function uuidOf(target: Target, user: string): string | undefined {
  if (user.includes('/') || user === '' || user.startsWith('.')) return undefined;
  const record = readDictionary(target, `${USERS}/${user}.plist`);
  const [value] = asArray(record?.get('generateduid')) ?? [];
  return asString(value)?.toUpperCase();
}

function areUserSettingsOff(target: Target): boolean {
  return readDictionary(target, PREFERENCES)?.get('DisableUserTrustSettings') === true;
}

function readDictionary(target: Target, path: string): ReturnType<typeof asDictionary> {
  const file = readFile(target, path, MAX_PLIST_BYTES);
  return 'failed' in file ? undefined : asDictionary(parsePlist(file.bytes).entries[0]);
}

/** `user` is a user name, or the UUID of a user whose name is not known. */
export function userSettings(target: Target, user: string): TrustDomain {
  const { byUuid, uuidByUser, told, ignored } = userFiles(target);
  const domain = readDomain(target, 'user', byUuid.get(uuidByUser.get(user) ?? user) ?? []);
  if (ignored && domain.path !== undefined) {
    const note = `${domain.path}: ignored, because DisableUserTrustSettings is set in ${PREFERENCES}`;
    const notes = { ...EMPTY_CONTENT, notes: [note] };
    return { name: 'user', path: undefined, entries: new Map(), told: notes, incomplete: false };
  }
  const incomplete = domain.incomplete || told.problems.length > 0;
  return { ...domain, told: mergeContents([told, domain.told]), incomplete };
}

/** The settings file of a user, the one in use. */
export function userSettingsPath(target: Target, user: string): string | undefined {
  const { byUuid, uuidByUser } = userFiles(target);
  return byUuid.get(uuidByUser.get(user) ?? user)?.find((path) => exists(target, path));
}

/** UUIDs of users that have settings and no home that is known. */
export function strangers(target: Target): string[] {
  const { byUuid, uuidByUser } = userFiles(target);
  const known = new Set(uuidByUser.values());
  return [...byUuid.keys()].filter((uuid) => !known.has(uuid));
}

/** `domains` in the order in which they count; `base` is what holds without any settings. */
export function trustBy(domains: readonly TrustDomain[], certificate: Certificate, base: Trust): Trust {
  if (domains.every(({ entries }) => entries.size === 0)) return base;
  const sha1 = sha1Of(certificate);
  const decisions = domains.flatMap(({ name, entries }) => {
    const entry = entries.get(sha1);
    return entry ? [{ domain: name, ...decideTrust(entry.settings, isSelfIssued(certificate)) }] : [];
  });
  return combineDecisions(decisions, base);
}
