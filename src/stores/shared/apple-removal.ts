/**
 * Removing and refusing roots on macOS with Apple's `security`. The certificate is first written to a file as it was
 * scanned, and each keychain has to hold exactly these bytes: `security` itself knows certificates by SHA-1 only.
 */

import { sha1Of, type Certificate } from '../../core/certificate.ts';
import { groupBy } from '../../core/collections.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import type { TrustSetting, TrustSettingsEntry } from '../../formats/apple-trust-settings.ts';
import { keychainCertificates, SYSTEM_KEYCHAIN } from './apple-keychains.ts';
import { administratorSettings, type TrustDomain } from './apple-settings.ts';
import { planSecurity, run, savedIn, type Saved, type SecurityStep } from './apple-security.ts';
import { exists } from './content.ts';
import { oncePerTarget } from './once.ts';
import { certificatesOf } from './steps.ts';

const ASKS = 'macOS may ask for a password in a window.';
const OTHERS_TRUST =
  'The settings that trust it are those of the administrator or of the system: they have to go as well.';
const PROFILE = 'If a configuration profile installed it, it comes back until the profile is removed.';

/** Takes certificates and their settings away from the administrator or from one user. */
export function removeFromKeychains(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  domain: TrustDomain,
): Remediation {
  const elevated = location.scope !== 'user';
  const removed = certificatesOf(anchors).map((certificate) => {
    const held = anchors.filter((anchor) => anchor.certificate.sha256 === certificate.sha256);
    const keychains = [...new Set(held.map(({ path }) => path))].filter((path) => path !== domain.path);
    return { certificate, keychains, entry: domain.entries.get(sha1Of(certificate)) };
  });
  if (removed.length === 0) return manual('Nothing to remove.', elevated);
  if (target.kind !== 'live') return manual(elsewhere(removed, location), elevated);
  const paths = [...new Set(removed.flatMap(({ keychains }) => keychains))];
  const isClear = removed.every(({ certificate, keychains }) =>
    keychains.every((path) => isOnlyOne(target, path, certificate)),
  );
  if (!isClear) return manual(`Delete it in Keychain Access: ${paths.join(', ')}.`, elevated);
  const domainOption = elevated ? ['-d'] : [];
  const saved = savedIn(target, location, removed[0]);
  const parts = removed.map((each) => removalOf(target, saved, domainOption, each));
  const steps = parts.flatMap((part) => part.steps);
  const isExported = parts.some(({ exported }) => exported);
  const settled = removed.every(({ entry }) => entry !== undefined);
  return planSecurity(
    target,
    saved,
    removed.map(({ certificate }) => certificate),
    {
      checks: removed.flatMap(({ certificate, keychains }) =>
        keychains.map((path) => ({ keychain: target.hostPath(path), file: saved.fileOf(certificate) })),
      ),
      steps: isExported ? withSettings(saved, domainOption, steps) : steps,
      elevated,
      notes: [...ownerNote(target, location), ...(settled ? [] : [OTHERS_TRUST]), ASKS, PROFILE],
      byHand: `Delete it in Keychain Access: ${paths.join(', ')}.`,
    },
  );
}

/** All settings of the domain are saved before the first step, and come back after everything else. */
function withSettings(
  saved: Saved,
  domainOption: readonly string[],
  [first, ...rest]: readonly SecurityStep[],
): SecurityStep[] {
  if (!first) return [];
  return [
    run(saved.exportWords(domainOption), [saved.settings]),
    { ...first, undo: [saved.importWords(domainOption), ...first.undo] },
    ...rest,
  ];
}

interface Removed {
  readonly certificate: Certificate;
  /** That hold it. */
  readonly keychains: readonly string[];
  readonly entry: TrustSettingsEntry | undefined;
}

/** Settings first, then the certificate itself; plain settings are set again, all others come back with an export. */
function removalOf(
  target: Target,
  saved: Saved,
  domainOption: readonly string[],
  { certificate, keychains, entry }: Removed,
): { readonly steps: readonly SecurityStep[]; readonly exported: boolean } {
  const file = saved.fileOf(certificate);
  const [first] = keychains;
  const flags = entry && first !== undefined ? plainFlags(entry.settings) : undefined;
  const again =
    flags === undefined || first === undefined
      ? []
      : [['security', 'add-trusted-cert', ...domainOption, ...flags, '-k', target.hostPath(first), file]];
  const settings = entry ? [run(['security', 'remove-trusted-cert', ...domainOption, file], [], again)] : [];
  const deletions = keychains.map((path) => {
    const keychain = target.hostPath(path);
    // add-trusted-cert puts the certificate itself into the keychain too.
    const isAdded = again.length > 0 && path === first;
    const undo = isAdded ? [] : [['security', 'add-certificates', '-k', keychain, file]];
    return run(['security', 'delete-certificate', '-Z', upperSha1(certificate), keychain], [], undo);
  });
  return { steps: [...settings, ...deletions], exported: entry !== undefined && flags === undefined };
}

/** System roots lie on a sealed volume: they stay, and a setting of the administrator refuses them. */
export function denySystemRoot(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  if (isIos(target)) return manual(NO_SYSTEM_REMOVAL, true);
  if (target.kind !== 'live') {
    return manual(
      'The system volume is sealed, so the root stays and has to be refused. Start that system, save the ' +
        `certificate as root.pem and run there: sudo security add-trusted-cert -d -r deny -k ${SYSTEM_KEYCHAIN} root.pem`,
      true,
    );
  }
  return deny(target, location, anchors, administratorSettings(target), SYSTEM_KEYCHAIN, [
    `The system volume is sealed: the root stays there, and is refused for all users who do not trust it in their own settings. ${ASKS}`,
  ]);
}

/** A setting of the administrator or of one user refuses them, whatever holds or trusts them. */
export function denyInKeychain(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  domain: TrustDomain,
): Remediation {
  const elevated = location.scope !== 'user';
  const held = anchors.map(({ path }) => path).find((path) => path !== domain.path);
  const login = `${location.path}/login.keychain-db`;
  const keychain = elevated ? SYSTEM_KEYCHAIN : (held ?? login);
  if (target.kind !== 'live') {
    const [sudo, option] = elevated ? ['sudo ', '-d '] : ['', ''];
    return manual(
      `Start that system, save the certificate as root.pem and run there: ${sudo}security add-trusted-cert ${option}-r deny -k ${quoteSh(keychain)} root.pem`,
      elevated,
    );
  }
  return deny(target, location, anchors, domain, keychain, [...ownerNote(target, location), ASKS]);
}

function deny(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  domain: TrustDomain,
  path: string,
  notes: readonly string[],
): Remediation {
  const elevated = location.scope !== 'user' || path === SYSTEM_KEYCHAIN;
  const certificates = certificatesOf(anchors);
  const [first] = certificates;
  if (!first) return manual('Nothing to remove.', elevated);
  const domainOption = elevated ? ['-d'] : [];
  const keychain = target.hostPath(path);
  const saved = savedIn(target, location, { certificate: first });
  const isSet = certificates.some((certificate) => domain.entries.has(sha1Of(certificate)));
  const denials = certificates.map((certificate) => {
    const file = saved.fileOf(certificate);
    const isKept = sharingSha1(target, path, certificate).includes(certificate.sha256);
    const undo = [
      // All settings come back at once where there were some for one of them.
      ...(isSet ? [] : [['security', 'remove-trusted-cert', ...domainOption, file]]),
      ...(isKept ? [] : [['security', 'delete-certificate', '-Z', upperSha1(certificate), keychain]]),
    ];
    const words = ['security', 'add-trusted-cert', ...domainOption, '-r', 'deny', '-k', keychain, file];
    return run(words, [], undo);
  });
  return planSecurity(target, saved, certificates, {
    checks: [],
    steps: isSet ? withSettings(saved, domainOption, denials) : denials,
    elevated,
    notes,
    byHand: 'Set it to "Never Trust" in Keychain Access.',
  });
}

const NO_SYSTEM_REMOVAL =
  "Apple's own roots cannot be removed or switched off on this system: only an update from Apple takes them out.";

function isIos(target: Target): boolean {
  return target.kind !== 'live' && exists(target, '/private/var/mobile');
}

/** Not the system that runs: `security` would change the one at hand. */
function elsewhere(removed: readonly Removed[], { scope, user }: StoreLocation): string {
  const elevated = scope !== 'user';
  const sudo = elevated ? 'sudo ' : '';
  const isOne = removed.length === 1;
  const commands = removed.flatMap(({ certificate, keychains }, index) => {
    const file = isOne ? 'root.pem' : `root${index + 1}.pem`;
    const remove = `${sudo}security remove-trusted-cert ${elevated ? '-d ' : ''}${file}`;
    const deletions = keychains
      .filter(canQuoteSh)
      .map((path) => `${sudo}security delete-certificate -Z ${upperSha1(certificate)} ${quoteSh(path)}`);
    return [remove, ...deletions];
  });
  const who = elevated ? '' : ` as ${user ?? 'the user'}`;
  const saved = isOne
    ? 'the certificate saved as root.pem'
    : 'the certificates saved as root1.pem, root2.pem …';
  return `Start that system and run there${who}, with ${saved}: ${commands.join(' && ')}`;
}

/** What each keychain holds: SHA-256 by SHA-1. A long report asks for every one of its roots. */
const heldIn = oncePerTarget(() => new Map<string, ReadonlyMap<string, readonly string[]>>());

function sharingSha1(target: Target, keychain: string, certificate: Certificate): readonly string[] {
  const known = heldIn(target);
  let held = known.get(keychain);
  if (!held) {
    const { certificates } = keychainCertificates(target, keychain);
    const bySha1 = groupBy(certificates, (placed) => sha1Of(placed.certificate));
    held = new Map(
      Array.from(bySha1, ([sha1, group]) => [sha1, group.map((placed) => placed.certificate.sha256)]),
    );
    known.set(keychain, held);
  }
  return held.get(sha1Of(certificate)) ?? [];
}

/** Two certificates can be made to share a SHA-1; then `security` may take the wrong one. */
function isOnlyOne(target: Target, keychain: string, certificate: Certificate): boolean {
  return sharingSha1(target, keychain, certificate).every((sha256) => sha256 === certificate.sha256);
}

function upperSha1(certificate: Certificate): string {
  return sha1Of(certificate).toUpperCase();
}

/** `-r trustRoot -p ssl -p smime`, when the settings say no more than that. */
function plainFlags(settings: readonly TrustSetting[]): string[] | undefined {
  const [first] = settings;
  if (!first) return ['-r', 'trustRoot'];
  const options: string[][] = [];
  for (const { policy, result, host, application, otherKeyUse, allowedError } of settings) {
    const isPlain = host === undefined && !application && !otherKeyUse && allowedError === undefined;
    if (!isPlain || result !== first.result || (policy && policy.option === undefined)) return undefined;
    if (policy?.option !== undefined) options.push(['-p', policy.option]);
  }
  if (options.length > 0 && options.length < settings.length) return undefined;
  return ['-r', first.result, ...options.flat()];
}

/** `security` changes the settings of whoever runs it. */
function ownerNote(target: Target, { scope, user }: StoreLocation): string[] {
  const [own] = target.homes;
  if (scope !== 'user') return [];
  return own?.user === user
    ? ['Run it without sudo.']
    : [`Run it as ${user ?? 'the user'}, in that person's own session.`];
}
