/** Certificate files that settings name: the variables of an environment, and lines `key = value` of whatever kind. */

import { posix } from 'node:path';
import { asBuffer } from '../../core/bytes.ts';
import type { Home, Target } from '../../core/target.ts';
import type { Trust } from '../../core/trust.ts';
import type { CertificateFile } from './certificate-files.ts';
import { expandInHome, expandPaths } from './directories.ts';
import { environmentSettings } from './environment-settings.ts';
import { targetPath } from './java-homes.ts';
import { readSettings, refuseDirectory, type SettingsKind } from './refused-places.ts';

/** Settings files are small. */
const MAX_FILE_BYTES = 4 << 20;
const MAX_LINES = 200_000;
/** As long as Linux takes them. */
const MAX_PATH_LENGTH = 4096;

export interface NamedValue {
  readonly key: string;
  readonly value: string;
  /** The heading above, without brackets: `http "https://example.com"`. */
  readonly section: string;
  readonly file: string;
  readonly line: number;
  readonly alone: boolean;
}

/**
 * The lines of a settings file that give one of `keys` a value: `key = value`, `key: value`, `key value`, with or
 * without quotes, as INI, YAML, TOML, JSON and curlrc write it. Keys compare without case.
 */
export function namedValues(
  target: Target,
  path: string,
  keys: readonly string[],
  kind?: SettingsKind,
): NamedValue[] {
  const bytes = readSettings(target, path, MAX_FILE_BYTES, kind);
  if (!bytes) return [];
  const names = keys.map((key) => key.replaceAll(/[.[\]*+?(){}|\\^$]/g, String.raw`\$&`)).join('|');
  const line = new RegExp(`^\\s*(?:-\\s+|--)?["']?(${names})["']?(?:\\s*[=:]\\s*|\\s+)(.*)$`, 'i');
  const values: NamedValue[] = [];
  let section = '';
  const lines = asBuffer(bytes).toString('utf8').split('\n', MAX_LINES);
  for (const [index, raw] of lines.entries()) {
    const trimmed = raw.trim();
    const [start = '', heading] = /^\[+([^\][]*)\]+\s*/.exec(trimmed) ?? [];
    if (heading !== undefined) section = heading.trim();
    // git takes a setting on the line of its heading.
    const text = trimmed.slice(start.length);
    const [, key, rest = ''] = line.exec(text) ?? [];
    if (key === undefined || /^[#;]/.test(text)) continue;
    const found = valuesOf(rest);
    // The first key of a YAML list item takes the item's mark with it; JSON needs its commas.
    const alone =
      found.length === 1 &&
      start === '' &&
      !/^[-"]|\\$/.test(text.replace(/^--(?=\w)/, '')) &&
      !path.endsWith('.json');
    for (const value of found) values.push({ key, value, section, file: path, line: index + 1, alone });
  }
  return values;
}

/** One value, or those of a list in brackets; comments and the comma of JSON left out. */
function valuesOf(text: string): string[] {
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/.exec(text);
  if (quoted)
    return [quoted[1]?.replaceAll(/\\(["\\])/g, '$1') ?? quoted[2] ?? ''].filter((value) => value !== '');
  const comment = text.search(/(?<=^|\s)[#;]/);
  const value = (comment < 0 ? text : text.slice(0, comment)).trimEnd().replace(/,$/, '').trimEnd();
  if (value.startsWith('[') && value.endsWith(']')) {
    const items = value.slice(1, -1).matchAll(/"([^"]*)"|'([^']*)'|([^\s,"']+)/g);
    return Array.from(items, ([, double, single, plain]) => double ?? single ?? plain ?? '');
  }
  return value === '' ? [] : [value];
}

/** The path that a setting means: absolute, of a home, or relative to `base`. Undefined where that is not known. */
export function resolvePath(value: string, home: string | undefined, base?: string): string | undefined {
  if (value.length > MAX_PATH_LENGTH) return undefined;
  const text = value.replace(/^file:\/\/(?=\/)/, '');
  const own = /^(?:~|\$HOME|\$\{HOME\}|%h|%USERPROFILE%)(?=[\\/])/.exec(text)?.[0];
  if (own !== undefined) {
    return home === undefined
      ? undefined
      : posix.normalize(home + text.slice(own.length).replaceAll('\\', '/'));
  }
  const absolute = targetPath(text);
  if (absolute !== undefined || base === undefined || text === '') return absolute;
  return posix.normalize(`${base}/${text}`);
}

/** A kind of settings file, where it lies, and which of its keys name certificates. */
export interface SettingsRule {
  /** "curl" */
  readonly program: string;
  readonly keys: readonly string[];
  /** Absolute patterns, the last part may be a pattern too. */
  readonly system?: readonly string[];
  /** Below each home. */
  readonly user?: readonly string[];
  /** Relative values are relative to the settings file. */
  readonly relative?: boolean;
  /** Files that hold passwords, so that root alone reads them on every machine. */
  readonly private?: true;
  /** Values with several paths. */
  readonly separator?: RegExp;
  readonly replaces?: string;
  /** Trust, where it is limited. */
  readonly trust?: (value: NamedValue) => Trust | undefined;
}

export function* filesOfSettings(target: Target, rules: readonly SettingsRule[]): Generator<CertificateFile> {
  for (const rule of rules) {
    const refused = (directory: string): void => refuseDirectory(target, directory, kindOf(rule));
    for (const pattern of rule.system ?? []) {
      for (const path of expandPaths(target, pattern, refused)) {
        yield* filesNamedIn(target, path, rule, undefined);
      }
    }
    for (const home of target.homes) {
      const patterns = (rule.user ?? []).filter((pattern) => pattern !== '');
      for (const path of expandFilesInHome(target, home, patterns, refused))
        yield* filesNamedIn(target, path, rule, home);
    }
  }
}

function kindOf({ private: isPrivate }: SettingsRule): SettingsKind {
  return isPrivate ? 'private' : 'wanted';
}

/** Like {@link expandInHome}, for patterns whose last part may stand for files. */
export function expandFilesInHome(
  target: Target,
  home: Home,
  patterns: readonly string[],
  refused?: (directory: string) => void,
): string[] {
  return patterns.flatMap((pattern) => {
    const slash = pattern.lastIndexOf('/');
    if (slash < 0) return expandPaths(target, `${home.path}/${pattern}`, refused);
    return expandInHome(target, home.path, [pattern.slice(0, slash)]).flatMap((directory) =>
      expandPaths(target, `${directory}/${pattern.slice(slash + 1)}`, refused),
    );
  });
}

export function* filesNamedIn(
  target: Target,
  file: string,
  rule: SettingsRule,
  home: Home | undefined,
): Generator<CertificateFile> {
  for (const named of namedValues(target, file, rule.keys, kindOf(rule))) {
    const values = rule.separator ? named.value.split(rule.separator) : [named.value];
    for (const value of values) {
      const base = rule.relative === true ? posix.dirname(file) : undefined;
      const path = resolvePath(value.trim(), home?.path, base);
      if (path === undefined) continue;
      const trust = rule.trust?.(named);
      yield {
        path,
        application: `${rule.program} (${named.key} in ${file})`,
        setting: { file, line: named.line, alone: named.alone && values.length === 1, name: named.key },
        ...(rule.replaces !== undefined && { replaces: rule.replaces }),
        ...(trust && { trust }),
      };
    }
  }
}

export interface VariableRule {
  readonly program: string;
  readonly names: readonly string[];
  /** Values are lists of paths. */
  readonly list?: boolean;
  readonly replaces?: string;
}

export function* filesOfVariables(
  target: Target,
  rules: readonly VariableRule[],
): Generator<CertificateFile> {
  for (const { program, names, list = false, replaces } of rules) {
    for (const { value, ...setting } of environmentSettings(target, names)) {
      const home = target.homes.find(({ user }) => user === setting.user)?.path;
      // A list of Windows has semicolons, because its paths have colons.
      const values = list ? value.split(target.platform === 'win32' ? ';' : ':') : [value];
      for (const each of values) {
        const path = resolvePath(each, home);
        if (path === undefined) continue;
        yield {
          path,
          application: `${program} (${setting.name} in ${setting.file ?? 'the environment'})`,
          setting: { ...setting, alone: setting.alone && values.length === 1 },
          ...(replaces !== undefined && { replaces }),
        };
      }
    }
  }
}
