/**
 * Trust settings of macOS and iOS: for a certificate, named by its SHA-1, what it is trusted or refused for.
 * Source: SecTrustSettings.h and trustd (SecTrustSettings.c, SecPolicyServer.c) of Apple's Security.
 */

import { asBuffer } from '../core/bytes.ts';
import { decodeOid } from '../core/der.ts';
import type { Diagnostic, Parsed } from '../core/errors.ts';
import { applePolicy, type ApplePolicy } from './apple-policies.ts';
import {
  asArray,
  asBytes,
  asDictionary,
  asNumber,
  asString,
  parsePlist,
  type PlistDictionary,
  type PlistValue,
} from './plist.ts';

/** unspecified: this setting leaves the decision to others. */
type TrustResult = 'trustRoot' | 'trustAsRoot' | 'deny' | 'unspecified';

export interface TrustSetting {
  readonly result: TrustResult;
  /** Undefined: for every policy. */
  readonly policy?: ApplePolicy;
  /** Only for this host or e-mail address. */
  readonly host?: string;
  /** Only in one application. */
  readonly application: boolean;
  /** Only for some uses of the key, the signing of certificates not among them. */
  readonly otherKeyUse: boolean;
  /** The error that is overlooked. */
  readonly allowedError?: number;
}

export interface TrustSettingsEntry {
  /** Lower-case hex; of the certificate. */
  readonly sha1: string;
  /** DER of the issuer's name, where the file has it. */
  readonly issuer?: Uint8Array;
  /** Lower-case hex. */
  readonly serial: string;
  /** Empty: trusted for everything. */
  readonly settings: readonly TrustSetting[];
}

const RESULTS: Readonly<Record<number, TrustResult>> = {
  1: 'trustRoot',
  2: 'trustAsRoot',
  3: 'deny',
  4: 'unspecified',
};
const KNOWN_VERSION = 1;
const MAX_ENTRIES = 100_000;
/** Of one certificate. Keychain Access writes nine. */
const MAX_SETTINGS = 1000;
/** Of one file: the same array may stand at many certificates. */
const MAX_ALL_SETTINGS = 1_000_000;
const MAX_DIAGNOSTICS = 100;
const MAX_SERIAL = 64;
const MAX_HOST = 500;
/** kSecTrustSettingsKeyUseSignCert. */
const KEY_USE_SIGN_CERTIFICATE = 0x8;

/** Admin.plist, TrustSettings.plist, SystemTrustSettings.plist. */
export function parseTrustSettings(bytes: Uint8Array): Parsed<TrustSettingsEntry> {
  const { entries: values, diagnostics: damage } = parsePlist(bytes);
  const [top] = values;
  if (top === undefined) return { entries: [], diagnostics: damage };
  const dictionary = asDictionary(top);
  const list = asDictionary(dictionary?.get('trustList'));
  const version = asNumber(dictionary?.get('trustVersion'));
  if (!list || version === undefined) return failed('malformed', 'not a file of trust settings');
  if (version > KNOWN_VERSION) return failed('unsupported', `version ${version} of trust settings`);
  if (list.size > MAX_ENTRIES) return failed('limit', `more than ${MAX_ENTRIES} certificates`);
  return readList(list);
}

function failed(code: 'malformed' | 'unsupported' | 'limit', message: string): Parsed<TrustSettingsEntry> {
  return { entries: [], diagnostics: [{ level: 'error', code, message }] };
}

function readList(list: PlistDictionary): Parsed<TrustSettingsEntry> {
  const entries: TrustSettingsEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  let total = 0;
  for (const [key, value] of list) {
    // kSecTrustRecordDefaultRootCert and other keys that name no certificate have had no effect since 10.12.
    if (!/^[0-9a-fA-F]{40}$/.test(key)) continue;
    const record = asDictionary(value);
    const settings = record && readSettings(record.get('trustSettings'));
    total += settings?.length ?? 0;
    if (total > MAX_ALL_SETTINGS) {
      const message = `more than ${MAX_ALL_SETTINGS} settings`;
      return { entries, diagnostics: [...diagnostics, { level: 'error', code: 'limit', message }] };
    }
    if (!settings) {
      diagnostics.push({ level: 'error', code: 'malformed', message: `settings of ${key} cannot be read` });
      if (diagnostics.length >= MAX_DIAGNOSTICS) break;
      continue;
    }
    const issuer = asBytes(record.get('issuerName'));
    entries.push({
      sha1: key.toLowerCase(),
      serial: asBuffer(asBytes(record.get('serialNumber')) ?? new Uint8Array()).toString(
        'hex',
        0,
        MAX_SERIAL,
      ),
      settings,
      ...(issuer && { issuer }),
    });
  }
  return { entries, diagnostics };
}

/** A property list that is the array of settings alone, as TrustStore.sqlite3 of iOS has it. */
export function parseSettingsArray(bytes: Uint8Array): Parsed<readonly TrustSetting[]> {
  const { entries, diagnostics } = parsePlist(bytes);
  const [value] = entries;
  if (value === undefined) return { entries: [], diagnostics };
  const settings = readSettings(value);
  if (settings) return { entries: [settings], diagnostics: [] };
  return {
    entries: [],
    diagnostics: [{ level: 'error', code: 'malformed', message: 'not an array of trust settings' }],
  };
}

/** No array at all means the same as an empty one. */
function readSettings(value: PlistValue | undefined): TrustSetting[] | undefined {
  if (value === undefined) return [];
  const items = asArray(value);
  if (!items || items.length > MAX_SETTINGS) return undefined;
  const settings: TrustSetting[] = [];
  for (const item of items) {
    const dictionary = asDictionary(item);
    const setting = dictionary && readSetting(dictionary);
    if (!setting) return undefined;
    settings.push(setting);
  }
  return settings;
}

function readSetting(dictionary: PlistDictionary): TrustSetting | undefined {
  const result = dictionary.get('kSecTrustSettingsResult') ?? 1;
  const known = typeof result === 'number' ? RESULTS[result] : undefined;
  if (known === undefined) return undefined;
  const policy = policyOf(dictionary);
  const host = asString(dictionary.get('kSecTrustSettingsPolicyString'))
    ?.slice(0, MAX_HOST)
    .replace(/\0+$/, '');
  const keyUse = asNumber(dictionary.get('kSecTrustSettingsKeyUsage'));
  const allowedError = asNumber(dictionary.get('kSecTrustSettingsAllowedError'));
  return {
    result: known,
    application: dictionary.has('kSecTrustSettingsApplication'),
    otherKeyUse: keyUse !== undefined && keyUse !== 0 && (keyUse & KEY_USE_SIGN_CERTIFICATE) === 0,
    ...(policy && { policy }),
    ...(host !== undefined && host !== '' && { host }),
    ...(allowedError !== undefined && { allowedError }),
  };
}

function policyOf(dictionary: PlistDictionary): ApplePolicy | undefined {
  const value = dictionary.get('kSecTrustSettingsPolicy');
  const name = asString(dictionary.get('kSecTrustSettingsPolicyName'));
  const octets = asBytes(value);
  const oid = octets ? decodeOid(octets) : asString(value);
  return oid === undefined && name === undefined ? undefined : applePolicy(oid ?? '', name);
}
