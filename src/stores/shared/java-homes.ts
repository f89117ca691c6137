/** Where Java runtimes are installed. A home is a directory with `lib/security` or `jre/lib/security`. */

import { posix } from 'node:path';
import { FsError, type Platform, type Target } from '../../core/target.ts';

export interface JavaHome {
  /** Without links. */
  readonly path: string;
  /** In words: the directory's name, or that of the macOS bundle or the program around it. */
  readonly name: string;
}

/** Absolute; `*` stands for one name or a part of it, once in a name. On Windows below the drive. */
const SYSTEM_PLACES: Readonly<Record<'unix' | 'darwin' | 'win32', readonly string[]>> = {
  unix: [
    '/usr/lib/jvm/*',
    '/usr/lib64/jvm/*',
    '/usr/lib32/jvm/*',
    '/usr/local/lib/jvm/*',
    '/usr/java/*',
    '/usr/local/java/*',
    '/usr/local/openjdk*',
    '/usr/local/jdk*',
    '/usr/local/graalvm*',
    '/usr/jdk/instances/*',
    '/opt/*',
    '/opt/*/jbr',
    '/opt/*/jre',
    '/opt/java/*',
    '/opt/jdk/*',
    '/opt/jvm/*',
    '/snap/*/current/jbr',
    '/snap/openjdk/current/jdk',
    '/run/current-system/sw/lib/openjdk',
    '/home/linuxbrew/.linuxbrew/opt/openjdk*/libexec',
  ],
  darwin: [
    '/Library/Java/JavaVirtualMachines/*/Contents/Home',
    '/System/Library/Java/JavaVirtualMachines/*/Contents/Home',
    '/Library/Internet Plug-Ins/JavaAppletPlugin.plugin/Contents/Home',
    '/Applications/*.app/Contents/jbr/Contents/Home',
    '/Applications/*.app/Contents/jre/Contents/Home',
    '/Applications/*.app/Contents/Home',
    '/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home',
    '/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home',
    '/opt/local/Library/Java/JavaVirtualMachines/*/Contents/Home',
  ],
  win32: [
    '/Program Files/Java/*',
    '/Program Files (x86)/Java/*',
    '/Program Files/Eclipse Adoptium/*',
    '/Program Files/Eclipse Foundation/*',
    '/Program Files/AdoptOpenJDK/*',
    '/Program Files/Microsoft/jdk*',
    '/Program Files/Zulu/*',
    '/Program Files/Amazon Corretto/*',
    '/Program Files/BellSoft/*',
    '/Program Files/RedHat/*',
    '/Program Files/SapMachine/*',
    '/Program Files/OpenJDK/*',
    '/Program Files/Android/Android Studio/*',
    '/Program Files/JetBrains/*/jbr',
    '/Program Files/*/jre',
  ],
};

/** Below every home directory. */
const USER_PLACES: readonly string[] = [
  '.sdkman/candidates/java/*',
  '.jdks/*',
  '.asdf/installs/java/*',
  '.local/share/mise/installs/java/*',
  '.jabba/jdk/*',
  '.jenv/versions/*',
  '.gradle/jdks/*',
  '.gradle/jdks/*/*',
  '.local/share/JetBrains/Toolbox/apps/*/jbr',
  '.vscode/extensions/redhat.java-*/jre/*',
  'Library/Java/JavaVirtualMachines/*/Contents/Home',
  'Applications/*.app/Contents/jbr/Contents/Home',
  'android-studio/jbr',
  'AppData/Local/Programs/*/jbr',
  'AppData/Local/Programs/Eclipse Adoptium/*',
  'scoop/apps/*/current',
];

const HOME_VARIABLES = ['JAVA_HOME', 'JDK_HOME', 'JRE_HOME'];

/** A directory with more names than this is no place for programs. */
const MAX_MATCHES = 5000;

/** Every Java home on the target, each once, whatever links lead to it. */
export function findJavaHomes(target: Target): JavaHome[] {
  const found = new Map<string, JavaHome>();
  for (const candidate of candidates(target)) {
    const path = orUndefined(() => target.fs.realPath(candidate));
    if (path === undefined || found.has(path) || !isJavaHome(target, path)) continue;
    found.set(path, { path, name: nameOf(path) });
  }
  return [...found.values()];
}

function* candidates(target: Target): Generator<string> {
  for (const place of systemPlaces(target)) yield* expand(target, place);
  for (const home of target.homes) {
    for (const place of USER_PLACES) yield* expand(target, `${home.path}/${place}`);
  }
  for (const variable of HOME_VARIABLES) {
    const path = targetPath(target.environment[variable] ?? '');
    if (path !== undefined) yield path;
  }
}

function systemPlaces(target: Target): readonly string[] {
  if (target.platform !== 'win32') return SYSTEM_PLACES[familyOf(target.platform)];
  // A mounted drive is the root of its target; on a live system it has a letter.
  const drive = target.kind === 'live' ? (targetPath(target.environment['SystemDrive'] ?? '') ?? '/C:') : '';
  return SYSTEM_PLACES.win32.map((place) => drive + place);
}

function familyOf(platform: Platform): 'unix' | 'darwin' {
  return platform === 'darwin' ? 'darwin' : 'unix';
}

/** A path from the environment in the form the target uses; undefined for a relative one. */
export function targetPath(text: string): string | undefined {
  if (/^[A-Za-z]:(?:[\\/]|$)/.test(text)) return `/${text.replaceAll('\\', '/')}`.replace(/\/$/, '');
  return text.startsWith('/') ? posix.normalize(text) : undefined;
}

/** The paths that match `pattern`, one directory level per `*`. What may not be listed matches nothing. */
function expand(target: Target, pattern: string): string[] {
  let paths = [''];
  for (const part of pattern.split('/').slice(1)) {
    paths = part.includes('*')
      ? paths.flatMap((path) => namesLike(target, path, part).map((name) => `${path}/${name}`))
      : paths.map((path) => `${path}/${part}`);
    paths = paths.slice(0, MAX_MATCHES);
  }
  return paths;
}

function namesLike(target: Target, directory: string, pattern: string): string[] {
  const [start = '', end = ''] = pattern.split('*');
  const entries = orUndefined(() => target.fs.list(directory)) ?? [];
  return entries
    .filter(({ kind }) => kind === 'directory' || kind === 'link')
    .map(({ name }) => name)
    .filter((name) => name.startsWith(start) && name.endsWith(end));
}

function isJavaHome(target: Target, path: string): boolean {
  const directories = SECURITY_DIRECTORIES.map((directory) => `${path}/${directory}`);
  return directories.some((directory) => orUndefined(() => target.fs.kind(directory)) === 'directory');
}

/** A JRE and JDKs from 9 on have the first, JDKs up to 8 the second. */
export const SECURITY_DIRECTORIES = ['lib/security', 'jre/lib/security'];

function nameOf(path: string): string {
  const parts = path
    .split('/')
    .filter((part) => !/^(?:Contents|Home|jbr|jre|libexec|current|openjdk\.jdk)$/.test(part));
  return parts.at(-1) ?? path;
}

/** What may not be looked at is taken as not being there: that is what programs of this user see as well. */
export function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}
