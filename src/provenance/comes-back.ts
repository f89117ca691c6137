/**
 * What would put a removed certificate back: the package that ships its file, and scheduled jobs, services and hooks that
 * name it. Texts are searched, nothing is run.
 */

import { posix } from 'node:path';
import type { Target } from '../core/target.ts';
import { packageOwners } from './packages.ts';
import { listNames, readText, realPathOr } from './text.ts';

export interface Return {
  readonly kind: 'package' | 'scheduled job' | 'service' | 'hook';
  /** The package, or the file that names the certificate's file. */
  readonly source: string;
  /** The certificate's file. */
  readonly path: string;
  /** In plain words. */
  readonly detail: string;
}

interface Place {
  readonly kind: Exclude<Return['kind'], 'package'>;
  readonly path: string;
  /** Ends of the names that are looked at; all when there are none. */
  readonly endings?: readonly string[];
}

const UNITS = ['.service', '.timer', '.path', '.conf'];

const PLACES: readonly Place[] = [
  { kind: 'scheduled job', path: '/etc/crontab' },
  { kind: 'scheduled job', path: '/etc/cron.d' },
  { kind: 'scheduled job', path: '/etc/cron.hourly' },
  { kind: 'scheduled job', path: '/etc/cron.daily' },
  { kind: 'scheduled job', path: '/etc/cron.weekly' },
  { kind: 'scheduled job', path: '/etc/cron.monthly' },
  { kind: 'scheduled job', path: '/etc/periodic' },
  { kind: 'scheduled job', path: '/etc/anacrontab' },
  { kind: 'scheduled job', path: '/var/spool/cron' },
  { kind: 'service', path: '/etc/systemd', endings: UNITS },
  { kind: 'service', path: '/usr/lib/systemd/system', endings: UNITS },
  { kind: 'service', path: '/lib/systemd/system', endings: UNITS },
  { kind: 'service', path: '/usr/local/lib/systemd', endings: UNITS },
  { kind: 'service', path: '/etc/init.d' },
  { kind: 'service', path: '/etc/rc.local' },
  { kind: 'service', path: '/etc/tmpfiles.d', endings: ['.conf'] },
  { kind: 'service', path: '/usr/lib/tmpfiles.d', endings: ['.conf'] },
  { kind: 'service', path: '/Library/LaunchDaemons', endings: ['.plist'] },
  { kind: 'service', path: '/Library/LaunchAgents', endings: ['.plist'] },
  { kind: 'hook', path: '/etc/ca-certificates/update.d' },
  { kind: 'hook', path: '/etc/apt/apt.conf.d' },
  { kind: 'hook', path: '/etc/pacman.d/hooks', endings: ['.hook'] },
  { kind: 'hook', path: '/etc/network' },
  { kind: 'hook', path: '/etc/NetworkManager/dispatcher.d' },
  { kind: 'hook', path: '/etc/profile.d' },
  { kind: 'hook', path: '/etc/X11/Xsession.d' },
  { kind: 'hook', path: '/etc/puppetlabs' },
  { kind: 'hook', path: '/etc/cloud/cloud.cfg.d' },
  { kind: 'hook', path: '/var/lib/cloud/instance/user-data.txt' },
];

const HOME_PLACES: readonly Place[] = [
  { kind: 'service', path: '.config/systemd/user', endings: UNITS },
  { kind: 'service', path: '.config/autostart', endings: ['.desktop'] },
  { kind: 'service', path: 'Library/LaunchAgents', endings: ['.plist'] },
];

const MAX_FILES = 5000;
const MAX_DEPTH = 4;
const MAX_BYTES = 256 << 10;
/** A shorter name would be found in texts that mean something else. */
const MIN_NAME = 8;

/** `paths` are the files (not generated copies) that hold the certificates. */
export function whatBringsBack(target: Target, paths: readonly string[]): readonly Return[] {
  const owners = packageOwners(target.fs, paths);
  const found: Return[] = Array.from(owners, ([path, { manager, name, version }]) => ({
    kind: 'package',
    source: version === '' ? name : `${name} ${version}`,
    path,
    detail: `The ${manager} package ${name} ships ${path}: installing it again or upgrading it brings the file back.`,
  }));
  const needles = paths.flatMap((path) => needlesOf(path).map((text) => ({ text, path })));
  if (needles.length === 0) return found;
  for (const { kind, file } of textFiles(target)) {
    const text = activeLines(readText(target.fs, file, MAX_BYTES));
    for (const path of new Set(
      needles.filter((needle) => text.includes(needle.text)).map((needle) => needle.path),
    )) {
      if (file === path) continue;
      found.push({
        kind,
        source: file,
        path,
        detail: `The ${kind} ${file} names ${path}: see that it does not install it again.`,
      });
    }
  }
  return found;
}

function needlesOf(path: string): readonly string[] {
  const name = posix.basename(path);
  return name.length >= MIN_NAME && !COMMON.has(name) ? [path, name] : [path];
}

/** Names that say nothing about the certificate in them. */
const COMMON: ReadonlySet<string> = new Set([
  'ca-certificates.crt',
  'ca-bundle.crt',
  'ca-bundle.pem',
  'ca-certificates.conf',
  'ca-root-nss.crt',
  'cacert.pem',
  'cacerts.jks',
  'cacerts.pem',
  'cert.pem',
  'cert8.db',
  'cert9.db',
  'certs.pem',
  'policies.json',
  'root.crt',
  'root.pem',
  'truststore.jks',
  'tls-ca-bundle.pem',
  'kubeconfig',
]);

function activeLines(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^\s*(?:#|\/\/|;)/.test(line))
    .join('\n');
}

function* textFiles(target: Target): Generator<{ readonly kind: Place['kind']; readonly file: string }> {
  const { fs, homes } = target;
  const places = [
    ...PLACES,
    ...homes.flatMap(({ path }) =>
      HOME_PLACES.map((place) => ({ ...place, path: posix.join(path, place.path) })),
    ),
  ];
  const seen = new Set<string>();
  for (const { kind, path, endings } of places) {
    for (const file of filesBelow(fs, path, 0)) {
      if (endings && !endings.some((ending) => file.endsWith(ending))) continue;
      const real = realPathOr(fs, file);
      if (seen.has(real)) continue;
      seen.add(real);
      if (seen.size > MAX_FILES) return;
      yield { kind, file };
    }
  }
}

function* filesBelow(fs: Target['fs'], path: string, depth: number): Generator<string> {
  const entries = listNames(fs, path);
  if (depth === 0 && entries.length === 0) yield path;
  for (const { name, kind } of entries) {
    const child = posix.join(path, name);
    if (kind === 'file' || kind === 'link') yield child;
    else if (kind === 'directory' && depth < MAX_DEPTH) yield* filesBelow(fs, child, depth + 1);
  }
}
