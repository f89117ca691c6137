/**
 * Apple's configuration profiles: a property list (XML or binary), often signed (CMS), and the lists of installed
 * profiles that macOS and iOS keep. Only payloads that carry certificates are read, never keys or passwords.
 * Specification: Apple's "Device Management: Profile-Specific Payload Keys".
 */

import { asBuffer } from '../core/bytes.ts';
import { toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { signedContent } from './cms-content.ts';
import { parsePem } from './pem.ts';
import { looksLikePkcs7 } from './pkcs7.ts';
import {
  asArray,
  asBytes,
  asDictionary,
  asString,
  parsePlist,
  type PlistDictionary,
  type PlistValue,
} from './plist.ts';

/** root: com.apple.security.root, to be trusted; certificate: of the other two kinds, to be kept. */
type CertificatePayloadKind = 'root' | 'certificate';

export interface ProfileCertificate {
  readonly der: Uint8Array;
  readonly kind: CertificatePayloadKind;
  /** PayloadDisplayName, file name or identifier. */
  readonly name: string;
  /** Identifier of the profile, which removing it takes; empty when it has none. */
  readonly profile: string;
  readonly removalDisallowed: boolean;
  /** Another payload (Wi-Fi, VPN) names it as the root to accept. */
  readonly anchorOfPayload: boolean;
}

const KINDS: ReadonlyMap<string, CertificatePayloadKind> = new Map([
  ['com.apple.security.root', 'root'],
  ['com.apple.security.pkcs1', 'certificate'],
  ['com.apple.security.pem', 'certificate'],
]);
const PKCS12 = 'com.apple.security.pkcs12';
/** Keys under which other payloads name certificates, by their PayloadUUID, as roots to accept. */
const ANCHOR_KEYS: ReadonlySet<string> = new Set([
  'PayloadCertificateAnchorUUID',
  'ServerCertificateAnchorUUID',
]);

const MAX_CERTIFICATES = 100_000;
const MAX_STEPS = 1_000_000;
const MAX_DEPTH = 32;
const MAX_DIAGNOSTICS = 100;
const MAX_NAME = 200;
/** Payloads of a binary list may share their data: what is parsed is counted. */
const MAX_DATA_BYTES = 64 << 20;

export function parseMobileconfig(bytes: Uint8Array): Parsed<ProfileCertificate> {
  try {
    const list = looksLikePkcs7(bytes) ? signedContent(bytes) : bytes;
    const { entries, diagnostics } = parsePlist(list);
    const [top] = entries;
    return top === undefined ? { entries: [], diagnostics } : new ProfileWalk(top).result();
  } catch (error) {
    return { entries: [], diagnostics: [toDiagnostic(error)] };
  }
}

interface Context {
  readonly profile: string;
  readonly removalDisallowed: boolean;
}

interface Held extends ProfileCertificate {
  readonly uuid: string;
}

/** Payloads lie in PayloadContent of a profile; lists of installed profiles wrap these in their own ways. */
class ProfileWalk {
  readonly #held: Held[] = [];
  readonly #anchors = new Set<string>();
  readonly #diagnostics: Diagnostic[] = [];
  #steps = 0;
  #dataBytes = 0;

  constructor(top: PlistValue) {
    this.#visit(top, { profile: '', removalDisallowed: false }, 0);
  }

  result(): Parsed<ProfileCertificate> {
    const entries = this.#held.map(({ uuid, ...held }) => ({
      ...held,
      anchorOfPayload: this.#anchors.has(uuid),
    }));
    return { entries, diagnostics: this.#diagnostics };
  }

  #report(code: 'malformed' | 'limit' | 'unsupported', message: string): void {
    if (this.#diagnostics.length < MAX_DIAGNOSTICS) {
      this.#diagnostics.push({ level: 'error', code, message });
    }
  }

  #visit(value: PlistValue, context: Context, depth: number): void {
    const dictionary = asDictionary(value);
    const list = asArray(value);
    if (!dictionary && !list) return;
    if (++this.#steps > MAX_STEPS || depth > MAX_DEPTH || this.#held.length >= MAX_CERTIFICATES) {
      if (!this.#diagnostics.some(({ code }) => code === 'limit'))
        this.#report('limit', 'too large a profile');
      return;
    }
    for (const item of list ?? []) this.#visit(item, context, depth + 1);
    if (dictionary) this.#dictionary(dictionary, context, depth);
  }

  #dictionary(dictionary: PlistDictionary, outer: Context, depth: number): void {
    if (dictionary.has('EncryptedPayloadContent')) {
      this.#report('unsupported', 'the profile is encrypted: its content cannot be read');
    }
    const type = asString(dictionary.get('PayloadType')) ?? '';
    const kind = KINDS.get(type);
    if (kind) this.#certificates(dictionary, kind, outer);
    else if (type === PKCS12) this.#identity(dictionary);
    else {
      const context = contextOf(dictionary, type, outer);
      for (const [key, value] of dictionary) {
        if (ANCHOR_KEYS.has(key)) this.#anchor(value);
        this.#visit(value, context, depth + 1);
      }
    }
  }

  #anchor(value: PlistValue): void {
    for (const each of asArray(value) ?? [value]) {
      const uuid = asString(each);
      if (uuid !== undefined && this.#anchors.size < MAX_CERTIFICATES) this.#anchors.add(uuid);
    }
  }

  #certificates(payload: PlistDictionary, kind: CertificatePayloadKind, context: Context): void {
    const name = nameOf(payload);
    const data = dataOf(payload);
    if (!data) {
      this.#report('malformed', `payload ${name} has no certificate`);
      return;
    }
    this.#dataBytes += data.length;
    if (this.#dataBytes > MAX_DATA_BYTES) {
      this.#report('limit', `payload ${name}: too much data in one profile`);
      return;
    }
    const { entries, diagnostics } = parsePem(data);
    for (const { der } of entries) {
      this.#steps++;
      const uuid = asString(payload.get('PayloadUUID')) ?? '';
      this.#held.push({ ...context, der, kind, name, uuid, anchorOfPayload: false });
    }
    for (const { level, message } of diagnostics) {
      if (level === 'error') this.#report('malformed', `payload ${name}: ${message}`);
    }
    if (entries.length === 0 && !diagnostics.some(({ level }) => level === 'error')) {
      this.#report('malformed', `payload ${name} has no certificate`);
    }
  }

  #identity(payload: PlistDictionary): void {
    const message = `payload ${nameOf(payload)} is a PKCS#12 identity, which is not opened`;
    if (this.#diagnostics.length < MAX_DIAGNOSTICS) {
      this.#diagnostics.push({ level: 'note', code: 'note', message });
    }
  }
}

/** A profile calls itself Configuration; the lists of installed ones have keys of their own. */
function contextOf(dictionary: PlistDictionary, type: string, outer: Context): Context {
  const installed = asString(dictionary.get('ProfileIdentifier'));
  const own = type === 'Configuration' ? asString(dictionary.get('PayloadIdentifier')) : undefined;
  const profile = installed ?? own;
  if (profile === undefined) return outer;
  const removalDisallowed =
    dictionary.get('PayloadRemovalDisallowed') === true ||
    dictionary.get('ProfileRemovalDisallowed') === true ||
    asString(dictionary.get('ProfileRemovalDisallowed')) === 'true';
  return { profile: profile.slice(0, MAX_NAME), removalDisallowed };
}

function nameOf(payload: PlistDictionary): string {
  const keys = ['PayloadDisplayName', 'PayloadCertificateFileName', 'PayloadIdentifier', 'PayloadUUID'];
  for (const key of keys) {
    const value = asString(payload.get(key)) ?? '';
    if (value !== '') return value.slice(0, MAX_NAME);
  }
  return '(no name)';
}

/** In lists of installed profiles the data lies one dictionary deeper. */
function dataOf(payload: PlistDictionary): Uint8Array | undefined {
  const content = payload.get('PayloadContent');
  const inner = asDictionary(content)?.get('PayloadContent');
  const text = asString(content) ?? asString(inner);
  return asBytes(content) ?? asBytes(inner) ?? (text === undefined ? undefined : asBuffer(Buffer.from(text)));
}
