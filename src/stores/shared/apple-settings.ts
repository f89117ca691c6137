/**
 * Where macOS keeps trust settings. Since macOS 12 those of the administrator and of each user lie in a directory
 * that, on a running system, only Apple's own programs may enter; before, in /Library/Security.
 */

import { isSelfIssued, sha1Of, type Certificate } from '../../core/certificate.ts';
import type { Problem } from '../../core/errors.ts';
import type { StoreContent } from '../../core/store.ts';
import { FsError, type Target, type TrustSettingsExport } from '../../core/target.ts';
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

/** none: there is an answer for sure, and it is that there are no settings. */
type Answer = ReturnType<typeof readFile> | 'none';

interface Source {
  readonly path: string;
  readonly read: () => Answer;
}

/** The first of the files that is there counts. */
function readDomain(target: Target, name: DomainName, sources: readonly Source[]): TrustDomain {
  const told: StoreContent[] = [];
  let incomplete = false;
  for (const [index, { path, read }] of sources.entries()) {
    const file = read();
    if (file === 'none') break;
    if ('failed' in file) {
      told.push(file.failed);
      incomplete ||= file.failed.problems.length > 0;
      continue;
    }
    const { entries, diagnostics } = parseTrustSettings(file.bytes);
    told.push(diagnosticsContent(path, diagnostics), ...staleNotes(target, path, sources.slice(index + 1)));
    incomplete ||= diagnostics.some(({ level }) => level === 'error');
    const byHash = new Map(entries.map((entry) => [entry.sha1, entry]));
    return { name, path, entries: byHash, told: mergeContents(told), incomplete };
  }
  return { name, path: undefined, entries: new Map(), told: mergeContents(told), incomplete };
}

function staleNotes(target: Target, used: string, older: readonly Source[]): StoreContent[] {
  return older
    .filter(({ path }) => exists(target, path))
    .map(({ path }) => ({ ...EMPTY_CONTENT, notes: [`${path}: an older file; ${used} is the one in use`] }));
}

function fileSource(target: Target, path: string): Source {
  return { path, read: () => readFile(target, path, MAX_PLIST_BYTES) };
}

/** True for what a running Mac keeps even from root. */
function isKept({ kind }: Target, { problems }: StoreContent): boolean {
  return kind === 'live' && problems.some(({ code }) => code === 'unreadable');
}

/** Where a file may not be read (`refused`), Apple's own command may export it. */
function askMac(
  command: TrustSettingsExport | undefined,
  domain: 'user' | 'administrator',
  refused: StoreContent,
): Answer {
  const failed = { ...refused, problems: refused.problems.map(withAdvice) };
  if (!command) return { failed };
  try {
    const bytes = command.export(domain);
    return bytes ? { bytes } : 'none';
  } catch (error) {
    return { failed: { ...failed, notes: [`no export either: ${fsProblem(error).message}`] } };
  }
}

function withAdvice(problem: Problem): Problem {
  const message = `${problem.message}: macOS shows these trust settings only through its own command: "security dump-trust-settings" (yours) and "security dump-trust-settings -d" (all users)`;
  return { ...problem, message };
}

export const administratorSettings = oncePerTarget((target) => {
  const current = fileSource(target, `${VAULT}/Admin.plist`);
  const read = (): Answer => {
    const file = current.read();
    const isRefused = file !== 'none' && 'failed' in file && isKept(target, file.failed);
    return isRefused ? askMac(target.trustSettings, 'administrator', file.failed) : file;
  };
  return readDomain(target, 'administrator', [
    { ...current, read },
    fileSource(target, `${OLD}/Admin.plist`),
  ]);
});

export const systemSettings = oncePerTarget((target) =>
  readDomain(target, 'system', [fileSource(target, SYSTEM)]),
);

/** Files with the settings of users, by the user's UUID in upper case. */
interface UserFiles {
  readonly byUuid: ReadonlyMap<string, readonly string[]>;
  readonly uuidByUser: ReadonlyMap<string, string>;
  readonly told: StoreContent;
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
    told = problemContent(fsProblem(error));
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
  return { byUuid, uuidByUser, told };
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

const knownUsers = oncePerTarget(() => new Map<string, TrustDomain>());

/** `user` is a user name, or the UUID of a user whose name is not known. */
export function userSettings(target: Target, user: string): TrustDomain {
  const known = knownUsers(target);
  const domain = known.get(user) ?? unlessOff(target, readUser(target, user));
  known.set(user, domain);
  return domain;
}

function unlessOff(target: Target, domain: TrustDomain): TrustDomain {
  if (domain.path === undefined || !areUserSettingsOff(target)) return domain;
  const note = `${domain.path}: ignored, because DisableUserTrustSettings is set in ${PREFERENCES}`;
  const told = { ...EMPTY_CONTENT, notes: [note] };
  return { name: 'user', path: undefined, entries: new Map(), told, incomplete: false };
}

function readUser(target: Target, user: string): TrustDomain {
  const { byUuid, uuidByUser, told } = userFiles(target);
  const paths = byUuid.get(uuidByUser.get(user) ?? user) ?? [];
  const files = paths.map((path) => fileSource(target, path));
  if (!isKept(target, told))
    return readDomain(target, 'user', [{ path: VAULT, read: () => ({ failed: told }) }, ...files]);
  // The command tells of the settings of whoever runs it.
  const command = target.homes[0]?.user === user ? target.trustSettings : undefined;
  return readDomain(target, 'user', [{ path: VAULT, read: () => askMac(command, 'user', told) }, ...files]);
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
