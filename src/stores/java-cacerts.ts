/**
 * The trust stores of Java runtimes: `lib/security/cacerts`, `jssecacerts` which replaces it, and the stores that
 * distributions share among their JDKs (JDK Providers Documentation; JSSE Reference Guide, "Creating an
 * X509TrustManager"). Entries that a JDK's own `blocked.certs` names are refused by it.
 */

import { certificateFrom } from '../core/certificate.ts';
import { groupBy } from '../core/collections.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { count } from '../core/text.ts';
import { distrustedForAll, heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import { parseKeystore, type KeystoreEntry } from '../formats/keystore.ts';
import { diagnosticsContent, mergeContents, readFile } from './shared/content.ts';
import { readBlockedCertificates } from './shared/java-blocked.ts';
import {
  findJavaHomes,
  orUndefined,
  SECURITY_DIRECTORIES,
  targetPath,
  type JavaHome,
} from './shared/java-homes.ts';
import { entryName, removeWithKeytool } from './shared/keytool.ts';
import { oncePerTarget } from './shared/once.ts';

/** One runtime, or the system itself, that has a file for a trust store. */
interface Use {
  /** The file without links. */
  readonly file: string;
  /** Undefined for a file that is known by its place only. */
  readonly name: string | undefined;
  readonly securityDirectory?: string;
  /** A jssecacerts stands beside it. */
  readonly replaced: boolean;
}

/** Stores that a distribution makes for all its JDKs, and what it makes them from. */
const SHARED_STORES: ReadonlyMap<string, readonly string[]> = new Map([
  ['/etc/ssl/certs/java/cacerts', ['debian-ca-certificates', 'debian-local-anchors']],
  ['/etc/pki/java/cacerts', ['rhel-anchors']],
  ['/etc/pki/ca-trust/extracted/java/cacerts', ['rhel-anchors']],
  ['/var/lib/ca-certificates/java-cacerts', ['suse']],
]);

const OPTION_VARIABLES = ['JAVA_TOOL_OPTIONS', 'JDK_JAVA_OPTIONS', '_JAVA_OPTIONS'];

const FORMAT = 'Java keystore';
const TRUSTED_ENTRY = 'trustedCertEntry';
const MAX_NAMES = 8;

const findUses = oncePerTarget((target: Target): ReadonlyMap<string, readonly Use[]> => {
  const uses: Use[] = findJavaHomes(target).flatMap((home) => usesOfHome(target, home));
  for (const path of SHARED_STORES.keys()) {
    const file = realFile(target, path);
    // No name of its own: the JDKs that link to it give theirs.
    if (file !== undefined) uses.push({ file, name: undefined, replaced: false });
  }
  for (const path of environmentStores(target)) {
    const file = realFile(target, path);
    if (file !== undefined) uses.push({ file, name: 'javax.net.ssl.trustStore', replaced: false });
  }
  return groupBy(uses, ({ file }) => file);
});

function usesOfHome(target: Target, { path, name }: JavaHome): Use[] {
  return SECURITY_DIRECTORIES.flatMap((directory) => {
    const securityDirectory = `${path}/${directory}`;
    const replacement = realFile(target, `${securityDirectory}/jssecacerts`);
    const usual = realFile(target, `${securityDirectory}/cacerts`);
    const common = { name, securityDirectory };
    return [
      ...(replacement === undefined ? [] : [{ ...common, file: replacement, replaced: false }]),
      ...(usual === undefined ? [] : [{ ...common, file: usual, replaced: replacement !== undefined }]),
    ];
  });
}

function realFile(target: Target, path: string): string | undefined {
  return orUndefined(() => {
    const real = target.fs.realPath(path);
    return real !== undefined && target.fs.kind(real) === 'file' ? real : undefined;
  });
}

/** -Djavax.net.ssl.trustStore in the options that every JVM of this environment takes. */
function environmentStores(target: Target): string[] {
  const option = /(?:^|\s)["']?-Djavax\.net\.ssl\.trustStore=(?:"([^"]*)"|'([^']*)'|([^\s"']*))/g;
  return OPTION_VARIABLES.flatMap((variable) =>
    Array.from((target.environment[variable] ?? '').matchAll(option), ([, double, single, plain]) =>
      targetPath(double ?? single ?? plain ?? ''),
    ).filter((path) => path !== undefined),
  );
}

function locate(target: Target): StoreLocation[] {
  return Array.from(findUses(target), ([path, uses]) => {
    const owner = target.homes.find((home) => path.startsWith(`${home.path}/`));
    const generatedFrom = SHARED_STORES.get(path);
    return {
      path,
      application: applicationOf(uses),
      scope: owner ? 'user' : 'system',
      format: FORMAT,
      ...(owner && { user: owner.user }),
      ...(generatedFrom && { generatedFrom }),
    };
  });
}

function applicationOf(uses: readonly Use[]): string {
  const names = [...new Set(uses.map(({ name }) => name))].filter((name) => name !== undefined).toSorted();
  if (names.length === 0) return 'Java';
  const shown = names.slice(0, MAX_NAMES);
  if (names.length > shown.length) shown.push(`${names.length - shown.length} more`);
  return `Java (${shown.join(', ')})`;
}

function read(
  target: Target,
  location: StoreLocation,
  { storePasswords }: { readonly storePasswords: readonly string[] },
): StoreContent {
  const { path } = location;
  const file = readFile(target, path);
  if ('failed' in file) return file.failed;
  const { entries, diagnostics, keys } = parseKeystore(file.bytes, { passwords: storePasswords });
  const trustOf = trustRule(target, findUses(target).get(path) ?? []);
  const anchors = entries.map((entry, index): TrustAnchor => ({
    certificate: certificateFrom(entry.der),
    entry: entryName(entry, index),
    path,
    trust: trustOf(entry),
  }));
  const notes = keys > 0 ? [`${path}: also holds ${count(keys, 'private or secret key')}`] : [];
  return mergeContents([{ anchors, problems: [], notes }, diagnosticsContent(path, diagnostics)]);
}

/** What an entry means to the runtimes that have this file. */
function trustRule(target: Target, uses: readonly Use[]): (entry: KeystoreEntry) => Trust {
  const runtimes = uses.filter(({ name }) => name !== undefined);
  const active = runtimes.filter(({ replaced }) => !replaced);
  if (runtimes.length > 0 && active.length === 0) {
    const replaced = heldOnly('replaced by jssecacerts');
    return () => replaced;
  }
  const blockers = active.flatMap(({ securityDirectory, name }) =>
    securityDirectory === undefined
      ? []
      : [{ name, refuses: readBlockedCertificates(target, securityDirectory) }],
  );
  return ({ anchor, der }) => {
    if (!anchor) return heldOnly('no trusted entry: of a key, or without a trust attribute');
    const refusing = blockers.filter(({ refuses }) => refuses(der)).map(({ name }) => name);
    if (refusing.length === 0) return trustedForAll(TRUSTED_ENTRY);
    if (refusing.length === active.length) return distrustedForAll('blocked.certs');
    return trustedForAll(`${TRUSTED_ENTRY}, but in blocked.certs of ${refusing.join(', ')}`);
  };
}

export const store: StoreType = {
  id: 'java-cacerts',
  title: 'Java runtimes',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate,
  read: (target, location, options) => [read(target, location, options)],
  planRemoval: removeWithKeytool,
};
