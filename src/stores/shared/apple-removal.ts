/**
 * Removing and refusing roots on macOS with Apple's `security`. The certificate is first written to a file as it was
 * scanned, and each keychain has to hold exactly these bytes: `security` itself knows certificates by SHA-1 only.
 */

import { asBuffer } from '../../core/bytes.ts';
import { sha1Of, type Certificate } from '../../core/certificate.ts';
import { groupBy } from '../../core/collections.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import type { TrustSetting } from '../../formats/apple-trust-settings.ts';
import { keychainCertificates, SYSTEM_KEYCHAIN } from './apple-keychains.ts';
import { administratorSettings, type TrustDomain } from './apple-settings.ts';
import { backupDirectory } from './backup.ts';
import { exists } from './content.ts';
import { oncePerTarget } from './once.ts';

const ASKS = 'macOS may ask for a password in a window.';
const OTHERS_TRUST =
  'The settings that trust it are those of the administrator or of the system: they have to go as well.';
const PROFILE = 'If a configuration profile installed it, it comes back until the profile is removed.';

/** Takes the certificate and its settings away from the administrator or from one user. */
export function removeFromKeychains(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  domain: TrustDomain,
): Remediation {
  const [certificate] = anchors.map((anchor) => anchor.certificate);
  const elevated = location.scope !== 'user';
  if (!certificate) return manual('Nothing to remove.', elevated);
  const keychains = [...new Set(anchors.map(({ path }) => path))].filter((path) => path !== domain.path);
  if (target.kind !== 'live') return elsewhere(certificate, keychains, location);
  const saved = save(target, location, certificate);
  const words = keychains
    .map((path) => target.hostPath(path))
    .filter(canQuoteSh)
    .map(quoteSh);
  const isClear = keychains.every((path) => isOnlyOne(target, path, certificate));
  if (!saved || !isClear || words.length < keychains.length) {
    return manual(`Delete it in Keychain Access: ${keychains.join(', ')}.`, elevated);
  }
  const option = elevated ? '-d ' : '';
  const entry = domain.entries.get(sha1Of(certificate));
  const restore = entry && restoreSettings(saved, option, entry.settings, words[0]);
  const others = restore?.adds === true ? words.slice(1) : words;
  return {
    disposition: 'safe',
    shell: 'sh',
    commands: [
      ...saved.commands,
      ...words.map((keychain) => holdsExactly(keychain, saved.file)),
      ...(restore ? [...restore.before, `security remove-trusted-cert ${option}${saved.file}`] : []),
      ...words.map((keychain) => `security delete-certificate -Z ${upperSha1(certificate)} ${keychain}`),
    ],
    undo: [
      ...others.map((keychain) => `security add-certificates -k ${keychain} ${saved.file}`),
      ...(restore?.undo ?? []),
    ],
    elevated,
    note: [...ownerNote(target, location), ...(entry ? [] : [OTHERS_TRUST]), ASKS, PROFILE].join(' '),
  };
}

/** System roots lie on a sealed volume: they stay, and a setting of the administrator refuses them. */
export function denySystemRoot(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const [certificate] = anchors.map((anchor) => anchor.certificate);
  if (!certificate) return manual('Nothing to remove.', true);
  if (isIos(target)) return manual(NO_SYSTEM_REMOVAL, true);
  const keychain = quoteSh(target.hostPath(SYSTEM_KEYCHAIN));
  const command = `security add-trusted-cert -d -r deny -k`;
  if (target.kind !== 'live') {
    return manual(
      'The system volume is sealed, so the root stays and has to be refused. Start that system, save the ' +
        `certificate as root.pem and run there: sudo ${command} ${SYSTEM_KEYCHAIN} root.pem`,
      true,
    );
  }
  const saved = save(target, location, certificate);
  if (!saved) return manual('Set it to "Never Trust" in Keychain Access.', true);
  const entry = administratorSettings(target).entries.get(sha1Of(certificate));
  const isKept = sharingSha1(target, SYSTEM_KEYCHAIN, certificate).includes(certificate.sha256);
  return {
    disposition: 'safe',
    shell: 'sh',
    commands: [
      ...saved.commands,
      ...(entry ? [`security trust-settings-export -d ${saved.settings}`] : []),
      `${command} ${keychain} ${saved.file}`,
    ],
    undo: [
      entry
        ? `security trust-settings-import -d ${saved.settings}`
        : `security remove-trusted-cert -d ${saved.file}`,
      ...(isKept ? [] : [`security delete-certificate -Z ${upperSha1(certificate)} ${keychain}`]),
    ],
    elevated: true,
    note: `The system volume is sealed: the root stays there, and is refused for all users who do not trust it in their own settings. ${ASKS}`,
  };
}

const NO_SYSTEM_REMOVAL =
  "Apple's own roots cannot be removed or switched off on this system: only an update from Apple takes them out.";

function isIos(target: Target): boolean {
  return target.kind !== 'live' && exists(target, '/private/var/mobile');
}

/** Not the system that runs: `security` would change the one at hand. */
function elsewhere(
  certificate: Certificate,
  keychains: readonly string[],
  { scope, user }: StoreLocation,
): Remediation {
  const elevated = scope !== 'user';
  const sudo = elevated ? 'sudo ' : '';
  const remove = `${sudo}security remove-trusted-cert ${elevated ? '-d ' : ''}root.pem`;
  const deletions = keychains
    .filter(canQuoteSh)
    .map((path) => `${sudo}security delete-certificate -Z ${upperSha1(certificate)} ${quoteSh(path)}`);
  const who = elevated ? '' : ` as ${user ?? 'the user'}`;
  return manual(
    `Start that system and run there${who}, with the certificate saved as root.pem: ${[remove, ...deletions].join(' && ')}`,
    elevated,
  );
}

interface Saved {
  /** Quoted, like the other. */
  readonly file: string;
  /** For an export of trust settings. */
  readonly settings: string;
  readonly commands: readonly string[];
}

/** Undefined where the path cannot be written in a command. */
function save(target: Target, location: StoreLocation, certificate: Certificate): Saved | undefined {
  const directory = backupDirectory(target, location);
  if (!canQuoteSh(directory)) return undefined;
  const file = quoteSh(`${directory}/${certificate.sha256}.pem`);
  const settings = quoteSh(`${directory}/${certificate.sha256}.plist`);
  const lines =
    asBuffer(certificate.der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  const words = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].map(quoteSh);
  const write = String.raw`printf '%s\n' ` + `${words.join(' ')} > ${file}`;
  return { file, settings, commands: [`mkdir -p ${quoteSh(directory)}`, write] };
}

/** Both are quoted. Fails unless the keychain holds these very bytes. */
function holdsExactly(keychain: string, file: string): string {
  const wanted = String.raw`$(sed -e '/-----/d' ${file} | tr -d '\n')`;
  return String.raw`security find-certificate -a -p ${keychain} | tr -d '\n' | grep -qF -e "${wanted}"`;
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

interface Restore {
  /** Before the settings go. */
  readonly before: readonly string[];
  readonly undo: readonly string[];
  /** The certificate itself is put into the keychain too. */
  readonly adds: boolean;
}

/** Plain settings are set again; all others come back with an export of the whole domain. */
function restoreSettings(
  { file, settings: copy }: Saved,
  option: string,
  settings: readonly TrustSetting[],
  keychain: string | undefined,
): Restore {
  const flags = keychain === undefined ? undefined : plainFlags(settings);
  if (flags === undefined || keychain === undefined) {
    return {
      before: [`security trust-settings-export ${option}${copy}`],
      undo: [`security trust-settings-import ${option}${copy}`],
      adds: false,
    };
  }
  const add = `security add-trusted-cert ${option}${flags} -k ${keychain} ${file}`;
  return { before: [], undo: [add], adds: true };
}

/** `-r trustRoot -p ssl -p smime`, when the settings say no more than that. */
function plainFlags(settings: readonly TrustSetting[]): string | undefined {
  const [first] = settings;
  if (!first) return '-r trustRoot';
  const options: string[] = [];
  for (const { policy, result, host, application, otherKeyUse, allowedError } of settings) {
    const isPlain = host === undefined && !application && !otherKeyUse && allowedError === undefined;
    if (!isPlain || result !== first.result || (policy && policy.option === undefined)) return undefined;
    if (policy?.option !== undefined) options.push(` -p ${policy.option}`);
  }
  if (options.length > 0 && options.length < settings.length) return undefined;
  return `-r ${first.result}${options.join('')}`;
}

/** `security` changes the settings of whoever runs it. */
function ownerNote(target: Target, { scope, user }: StoreLocation): string[] {
  const [own] = target.homes;
  if (scope !== 'user') return [];
  return own?.user === user
    ? ['Run it without sudo.']
    : [`Run it as ${user ?? 'the user'}, in that person's own session.`];
}
