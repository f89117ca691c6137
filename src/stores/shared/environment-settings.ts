/**
 * Variables that certificates depend on, such as SSL_CERT_FILE: from the environment at hand, and from the files
 * that give programs theirs: shell profiles, pam_env, environment.d(5), systemd units (systemd.exec(5),
 * "Environment="), /etc/default and launchd's property lists.
 */

import { asBuffer } from '../../core/bytes.ts';
import type { Target } from '../../core/target.ts';
import { realPathOr } from './content.ts';
import { expandPaths } from './directories.ts';
import { oncePerTarget } from './once.ts';
import { readSettings, refuseDirectory, type SettingsKind } from './refused-places.ts';

export interface EnvironmentSetting {
  readonly name: string;
  readonly value: string;
  /** The file that sets it; undefined for the environment at hand. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Nothing else is on that line, so that the line can go. */
  readonly alone: boolean;
  /** Whose programs see it; undefined for everyone's. */
  readonly user?: string;
}

const SYSTEM_FILES = [
  '/etc/environment',
  '/etc/profile',
  '/etc/bash.bashrc',
  '/etc/bashrc',
  '/etc/zsh/zshenv',
  '/etc/zshenv',
  '/etc/zshrc',
  '/etc/csh.cshrc',
  '/etc/security/pam_env.conf',
  '/etc/systemd/system.conf',
  '/etc/systemd/user.conf',
  '/etc/profile.d/*.sh',
  '/etc/environment.d/*.conf',
  '/etc/fish/conf.d/*.fish',
  '/etc/default/*',
  '/etc/sysconfig/*',
  '/etc/systemd/system/*.service',
  '/etc/systemd/system/*.service.d/*.conf',
  '/etc/systemd/system.conf.d/*.conf',
  '/etc/systemd/user.conf.d/*.conf',
  '/etc/systemd/user/*.service',
  '/etc/systemd/user/*.service.d/*.conf',
  '/run/systemd/system/*.service',
  '/run/systemd/system/*.service.d/*.conf',
  '/usr/local/lib/systemd/system/*.service',
  '/usr/local/lib/systemd/system/*.service.d/*.conf',
  // Of packages: hundreds of units, which are read in a few milliseconds. /lib is the same directory on most systems.
  ...['/usr/lib', '/lib'].flatMap((lib) => [
    `${lib}/systemd/system/*.service`,
    `${lib}/systemd/system/*.service.d/*.conf`,
    `${lib}/systemd/user/*.service`,
    `${lib}/systemd/user/*.service.d/*.conf`,
  ]),
  '/usr/lib/environment.d/*.conf',
  '/Library/LaunchDaemons/*.plist',
  '/Library/LaunchAgents/*.plist',
];

const USER_FILES = [
  '.profile',
  '.bash_profile',
  '.bashrc',
  '.zshenv',
  '.zprofile',
  '.zshrc',
  '.cshrc',
  '.tcshrc',
  '.pam_environment',
  '.config/environment.d/*.conf',
  '.config/fish/config.fish',
  '.config/fish/conf.d/*.fish',
  '.config/systemd/user/*.service',
  '.config/systemd/user/*.service.d/*.conf',
  'Library/LaunchAgents/*.plist',
];

/** Some of the files there hold passwords, and few have anything to do with certificates. */
function kindOf(path: string): SettingsKind {
  return /^\/etc\/(?:default|sysconfig)(?:\/|$)/.test(path) ? 'private' : 'wanted';
}

/** A start-up file is text of a few kilobytes. */
const MAX_FILE_BYTES = 1 << 20;
const MAX_FILES = 5000;
const MAX_SETTINGS = 10_000;

/** The files are read once per target. */
const allSettings = oncePerTarget((target): readonly EnvironmentSetting[] => [
  ...ownSettings(target),
  ...fileSettings(target),
]);

/** Every setting of one of these variables. */
export function environmentSettings(target: Target, names: readonly string[]): EnvironmentSetting[] {
  return allSettings(target).filter(({ name }) => names.includes(name));
}

function ownSettings(target: Target): EnvironmentSetting[] {
  return Object.entries(target.environment).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, alone: false }],
  );
}

interface Owner {
  readonly user: string;
  readonly home: string;
}

function fileSettings(target: Target): readonly EnvironmentSetting[] {
  const settings: EnvironmentSetting[] = [];
  const seen = new Set<string>();
  const add = (path: string, owner?: Owner): void => {
    // A unit may be linked from elsewhere under other names.
    const real = realPathOr(target, path);
    if (seen.has(real) || seen.size >= MAX_FILES || settings.length >= MAX_SETTINGS) return;
    seen.add(real);
    const found = settingsIn(target, path, owner);
    settings.push(...found.filter(({ name }) => name !== 'EnvironmentFile'));
    for (const { name, value } of found) {
      // The minus sign lets the file be missing.
      if (name === 'EnvironmentFile' && /^-?\/.{0,4000}$/.test(value)) add(value.replace(/^-/, ''), owner);
    }
  };
  const filesAt = (pattern: string): string[] =>
    expandPaths(target, pattern, (directory) => refuseDirectory(target, directory, kindOf(pattern)));
  for (const path of SYSTEM_FILES.flatMap(filesAt)) add(path);
  for (const { user, path: home } of target.homes) {
    const paths = USER_FILES.flatMap((pattern) => filesAt(`${home}/${pattern}`));
    for (const path of paths) add(path, { user, home });
  }
  return settings;
}

/** Names that certificate settings have; PATH and the like would only fill the memory. */
const WANTED = /CERT|CA|SSL|TLS|ROOTS|CONFIG|OPT|ARGS|^EnvironmentFile$/i;
/** `NAME=value`, `export NAME="value"`, pam_env's `NAME DEFAULT=value`, csh's `setenv NAME value`, fish's `set -gx`. */
const LINE =
  /^[ \t]*(?:export[ \t]+|setenv[ \t]+|set[ \t]+(?:-[a-zA-Z-]+[ \t]+)+)?([A-Za-z_]\w*)(?:[ \t]+DEFAULT)?(?:=|[ \t]+)(?:"([^"]*)"|'([^']*)'|([^\s;#]*))(.*)$/;
/** systemd: any number of assignments, each as a whole in quotes or not. */
const UNIT_LINE = /^[ \t]*(?:Environment|DefaultEnvironment|ManagerEnvironment)=(.*)$/;
const UNIT_ASSIGNMENT =
  /(?<=^|\s)(?:"([A-Za-z_]\w*)=([^"]*)"|'([A-Za-z_]\w*)=([^']*)'|([A-Za-z_]\w*)=(\S*))/g;
/** In the EnvironmentVariables of an XML property list. */
const PLIST = /<key>([A-Za-z_]\w*)<\/key>\s*<string>([^<]*)<\/string>/g;

function settingsIn(target: Target, path: string, owner: Owner | undefined): EnvironmentSetting[] {
  const bytes = readSettings(target, path, MAX_FILE_BYTES, kindOf(path));
  if (!bytes) return [];
  // Most units set nothing.
  if (path.endsWith('.service') && !asBuffer(bytes).includes('Environment')) return [];
  const text = asBuffer(bytes).toString('utf8');
  const found: EnvironmentSetting[] = [];
  const add = (name: string, raw: string, alone: boolean, line?: number): void => {
    if (!WANTED.test(name) || found.length >= MAX_SETTINGS) return;
    const value = owner ? raw.replace(/^(?:~(?=\/)|\$HOME\b|\$\{HOME\}|%h)/, () => owner.home) : raw;
    const place = { file: path, ...(line !== undefined && { line }), ...(owner && { user: owner.user }) };
    found.push({ name, value, alone, ...place });
  };
  if (path.endsWith('.plist')) {
    for (const [, name = '', value = ''] of text.matchAll(PLIST)) add(name, value, false);
    return found;
  }
  let continued = false;
  for (const [index, content] of text.split('\n').entries()) {
    const isContinued = continued;
    continued = content.trimEnd().endsWith('\\');
    // An indented line may be all that a shell's `if` has.
    const canGo = !isContinued && !/^\s/.test(content);
    addLine(content.trimEnd(), (name, value, alone) => add(name, value, alone && canGo, index + 1));
  }
  return found;
}

function addLine(text: string, add: (name: string, value: string, alone: boolean) => void): void {
  const unit = UNIT_LINE.exec(text)?.[1];
  if (unit !== undefined) {
    const matches = [...unit.matchAll(UNIT_ASSIGNMENT)];
    const alone = matches.length === 1 && matches[0]?.[0].trim() === unit.trim();
    for (const [, double, inDouble, single, inSingle, plain, inPlain] of matches) {
      add(double ?? single ?? plain ?? '', inDouble ?? inSingle ?? inPlain ?? '', alone);
    }
    return;
  }
  const [, name, double, single, plain, rest = ''] = LINE.exec(text) ?? [];
  if (name === undefined) return;
  const alone = /^\s*(?:#.*)?$/.test(rest) && !text.endsWith('\\');
  add(name, double ?? single ?? plain ?? '', alone);
}
