/**
 * The preference of Firefox and its relatives that makes roots added to the operating system count in them as well. It
 * has no certificates of its own: what it says is a note. On Windows and macOS it is on by default since version 120.
 */

import { posix } from 'node:path';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { parsePreferences, type Preference } from '../formats/firefox-prefs.ts';
import { EMPTY_CONTENT, exists, mergeContents, readFile } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { uniqueDirectories } from './shared/directories.ts';
import { firefoxProfiles } from './shared/firefox-programs.ts';
import { installations } from './shared/mozilla-policies.ts';

const PREFERENCE = 'security.enterprise_roots.enabled';
/** In the order in which a profile applies them. */
const PROFILE_FILES = ['prefs.js', 'user.js'];
const AUTOCONFIG_FILES = ['mozilla.cfg', 'firefox.cfg', 'librewolf.cfg'];
const MAX_BYTES = 16 << 20;
const PROFILE = 'profile preferences';
const AUTOCONFIG = 'AutoConfig';

export const store: StoreType = {
  id: 'firefox-enterprise-roots',
  title: "The setting by which Firefox and its relatives trust the operating system's added roots",
  platforms: ['linux', 'darwin', 'win32'],
  locate: (target) => uniqueDirectories(target, [...profiles(target), ...autoConfig(target)]),
  read: (target, location) => [
    location.format === PROFILE ? readProfile(target, location) : readFiles(target, [location.path]),
  ],
  planRemoval: (_target, location) =>
    manualRemediation(
      location,
      `Set ${PREFERENCE} to false at about:config, or remove the root from the operating system's store.`,
    ),
};

function profiles(target: Target): StoreLocation[] {
  return firefoxProfiles(target).flatMap(({ path, application, scope, user }) => {
    const file = PROFILE_FILES.map((name) => `${path}/${name}`).find((each) => exists(target, each));
    if (file === undefined) return [];
    return [
      {
        path: file,
        application: `${application}, settings`,
        scope,
        format: PROFILE,
        ...(user !== undefined && { user }),
      },
    ];
  });
}

function autoConfig(target: Target): StoreLocation[] {
  return installations(target).flatMap(({ path, program }) =>
    AUTOCONFIG_FILES.map((name) => `${path}/${name}`)
      .filter((file) => exists(target, file))
      .map((file): StoreLocation => ({
        path: file,
        application: `${program}, settings`,
        scope: 'system',
        format: AUTOCONFIG,
      })),
  );
}

function readProfile(target: Target, location: StoreLocation): StoreContent {
  const directory = posix.dirname(location.path);
  const files = PROFILE_FILES.map((name) => `${directory}/${name}`).filter((path) => exists(target, path));
  return readFiles(target, files, location.path);
}

function readFiles(target: Target, files: readonly string[], unset?: string): StoreContent {
  const contents: StoreContent[] = [];
  let last: (Preference & { readonly path: string }) | undefined;
  for (const file of files) {
    const read = readFile(target, file, MAX_BYTES);
    if ('failed' in read) contents.push(read.failed);
    else {
      const found = parsePreferences(read.bytes).findLast(({ name }) => name === PREFERENCE);
      if (found) last = { ...found, path: file };
    }
  }
  const note = noteOf(target, unset, last);
  return mergeContents([...contents, { ...EMPTY_CONTENT, notes: note === undefined ? [] : [note] }]);
}

const UNSET = `${PREFERENCE} is not set: from version 120 on, Firefox then trusts roots added to the operating system's store too`;

/** `unset`: the file to name when nothing is said. */
function noteOf(
  target: Target,
  unset: string | undefined,
  preference: (Preference & { readonly path: string }) | undefined,
): string | undefined {
  if (!preference)
    return target.platform === 'linux' || unset === undefined ? undefined : `${unset}: ${UNSET}`;
  const where = `${preference.path}:${preference.line}: ${PREFERENCE}`;
  if (target.platform === 'linux') {
    return preference.value === true ? `${where} is on, which has no effect on Linux` : undefined;
  }
  return preference.value === true
    ? `${where} is on: roots added to the operating system's store count here too`
    : `${where} is off: roots added to the operating system's store do not count here`;
}
