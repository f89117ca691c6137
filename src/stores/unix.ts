/**
 * The roots of FreeBSD and NetBSD (certctl(8)), OpenBSD (/etc/ssl/cert.pem), Solaris and illumos (/etc/certs/CA), and
 * Clear Linux (clrtrust(1)): directories of trusted certificates, and of those that win over them.
 */

import { posix } from 'node:path';
import { manual, type Remediation } from '../core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Platform, Target } from '../core/target.ts';
import { distrustedForAll, trustedForAll, trustStatus } from '../core/trust.ts';
import { EMPTY_CONTENT, exists, readPemFile, walkFiles, withAux } from './shared/content.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

interface Layout {
  readonly id: string;
  readonly title: string;
  readonly application: string;
  readonly platform: Platform;
  /** Directories of certificates. */
  readonly trusted: readonly string[];
  /** What lies here is refused, whatever else trusts it. */
  readonly untrusted: readonly string[];
  /** What the system makes of the above: directories, or bundles. */
  readonly made?: readonly string[];
  /** What a person does; $ is the file. */
  readonly removal: string;
}

const LAYOUTS: readonly Layout[] = [
  {
    id: 'freebsd',
    title: 'FreeBSD: certificates that certctl trusts and refuses',
    application: 'FreeBSD',
    platform: 'freebsd',
    trusted: ['/usr/share/certs/trusted', '/usr/local/share/certs', '/usr/local/etc/ssl/certs'],
    untrusted: [
      '/usr/share/certs/untrusted',
      '/usr/share/certs/blacklisted',
      '/usr/local/etc/ssl/untrusted',
      '/usr/local/etc/ssl/blacklisted',
      '/etc/ssl/untrusted',
      '/etc/ssl/blacklisted',
    ],
    made: ['/etc/ssl/certs', '/etc/ssl/cert.pem'],
    removal:
      'Copy $ to /usr/local/etc/ssl/untrusted and run "certctl rehash" (before FreeBSD 13 the directory is blacklisted). To undo it, delete the copy and run "certctl rehash" again.',
  },
  {
    id: 'netbsd',
    title: 'NetBSD: certificates that certctl trusts and refuses',
    application: 'NetBSD',
    platform: 'netbsd',
    trusted: ['/usr/share/certs/mozilla/server', '/usr/share/certs/mozilla/all'],
    untrusted: ['/etc/openssl/untrusted'],
    made: ['/etc/openssl/certs'],
    removal: 'Run "certctl untrust $". To undo it, run "certctl trust $".',
  },
  {
    id: 'solaris',
    title: 'Solaris and illumos: /etc/certs/CA',
    application: 'Solaris',
    platform: 'sunos',
    trusted: ['/etc/certs/CA'],
    untrusted: [],
    made: ['/etc/openssl/certs'],
    removal:
      'Move $ out of its directory and run "svcadm restart ca-certificates". To undo it, move it back and restart the service again.',
  },
  {
    id: 'clear-linux',
    title: 'Clear Linux: certificates that clrtrust trusts and refuses',
    application: 'Clear Linux',
    platform: 'linux',
    trusted: ['/usr/share/ca-certs/trusted', '/etc/ca-certs/trusted'],
    untrusted: ['/etc/ca-certs/distrusted'],
    made: ['/var/cache/ca-certs/anchors', '/var/cache/ca-certs/compat/ca-roots.pem'],
    removal: 'Run "clrtrust remove $". To undo it, run "clrtrust add $".',
  },
];

const CERTIFICATE = /\.(?:pem|crt|cer|der)$|^[0-9a-f]{8}\.\d+$/;

function located(target: Target, paths: readonly string[], layout: Layout, made: boolean): StoreLocation[] {
  return paths
    .filter((path) => exists(target, path))
    .map((path) => ({
      path,
      application: `${layout.application} (${made ? 'made of it' : posix.basename(path)})`,
      scope: 'system',
      format: 'PEM',
      ...(made && { generatedFrom: [layout.id] }),
    }));
}

function* filesAt(target: Target, path: string): Generator<StoreContent> {
  const trust = trustedForAll('trusted');
  if (target.fs.kind(path) !== 'directory') {
    yield readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trust));
    return;
  }
  const { files, problems } = walkFiles(target, path, (name) => CERTIFICATE.test(name), 1);
  yield { ...EMPTY_CONTENT, problems };
  for (const file of files) {
    yield readPemFile(target, file, posix.basename(file), (entry) => withAux(entry, trust));
  }
}

/** Fingerprints of what the system refuses. */
function refusedBy(target: Target, { untrusted }: Layout): ReadonlySet<string> {
  const refused = new Set<string>();
  for (const path of untrusted.filter((each) => exists(target, each))) {
    for (const { anchors } of filesAt(target, path)) {
      for (const { certificate } of anchors) refused.add(certificate.sha256);
    }
  }
  return refused;
}

const REFUSED = distrustedForAll('untrusted');

function* read(target: Target, { path }: StoreLocation, layout: Layout): Generator<StoreContent> {
  const refused = refusedBy(target, layout);
  const all = layout.untrusted.includes(path);
  for (const content of filesAt(target, path)) {
    const anchors = content.anchors.map((anchor): TrustAnchor =>
      all || refused.has(anchor.certificate.sha256) ? { ...anchor, trust: REFUSED } : anchor,
    );
    yield { ...content, anchors };
  }
}

function byHand(anchors: readonly TrustAnchor[], removal: string): Remediation {
  const files = [
    ...new Set(anchors.filter(({ trust }) => trustStatus(trust) === 'trusted').map(({ path }) => path)),
  ];
  const note = removal.replaceAll('$', () => files.join(', '));
  return manual(note, true);
}

function typesOf(layout: Layout): StoreType[] {
  const common = {
    platforms: [layout.platform],
    read: (target: Target, location: StoreLocation) => read(target, location, layout),
    planRemoval: (_target: Target, _location: StoreLocation, anchors: readonly TrustAnchor[]) =>
      byHand(anchors, layout.removal),
  };
  const own: StoreType = {
    ...common,
    id: layout.id,
    title: layout.title,
    locate: (target) => located(target, [...layout.trusted, ...layout.untrusted], layout, false),
  };
  const made: StoreType = {
    ...common,
    id: `${layout.id}-bundle`,
    title: `${layout.application}: what it makes of its certificates, for OpenSSL and others`,
    // Other systems have these paths too.
    locate: (target) =>
      layout.trusted.some((path) => exists(target, path))
        ? located(target, layout.made ?? [], layout, true)
        : [],
  };
  return [own, made];
}

const openbsd: StoreType = {
  id: 'openbsd',
  title: 'OpenBSD: /etc/ssl/cert.pem',
  platforms: ['openbsd'],
  locate: (target) =>
    exists(target, '/etc/ssl/cert.pem', 'file')
      ? [{ path: '/etc/ssl/cert.pem', application: 'OpenBSD', scope: 'system', format: 'PEM' }]
      : [],
  read: (target, { path }) => filesAt(target, path),
  planRemoval(target, location, anchors) {
    const note = 'An upgrade of the system may bring the certificate back.';
    const lines = anchors.map(({ lines: each }) => `${each?.first ?? 0} to ${each?.last ?? 0}`).join(', ');
    const byHand = `Copy ${location.path} to a safe place and delete its lines ${lines}.`;
    const plan = removeFromPemFiles(target, location, anchors, { disposition: 'unsafe', note, byHand });
    // The commands need GNU's sed and sha256sum.
    return target.kind === 'live' ? { ...plan, commands: [], undo: [], note: `${byHand} ${note}` } : plan;
  },
};

export const stores: readonly StoreType[] = [...LAYOUTS.flatMap(typesOf), openbsd];
