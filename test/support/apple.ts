/** Keychain files, property lists and trust settings for tests, written by hand after their specifications. */

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { python } from './nss.ts';
import { makeTemporaryDirectory } from './tree.ts';

export type Plain =
  string | number | boolean | Uint8Array | Date | readonly Plain[] | { readonly [key: string]: Plain };

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function element(value: Plain): string {
  if (typeof value === 'string') return `<string>${escape(value)}</string>`;
  if (typeof value === 'number') return `<integer>${value}</integer>`;
  if (typeof value === 'boolean') return `<${value}/>`;
  if (value instanceof Date) return `<date>${value.toISOString().slice(0, 19)}Z</date>`;
  if (value instanceof Uint8Array) return `<data>\n${Buffer.from(value).toString('base64')}\n</data>`;
  if (isList(value)) return `<array>${value.map(element).join('\n')}</array>`;
  const entries = Object.entries(value).map(([key, item]) => `<key>${escape(key)}</key>${element(item)}`);
  return `<dict>${entries.join('\n')}</dict>`;
}

function isList(value: readonly Plain[] | { readonly [key: string]: Plain }): value is readonly Plain[] {
  return Array.isArray(value);
}

/** An XML property list as Apple's programs write it. */
export function plist(value: Plain): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${element(value)}
</plist>
`;
}

/** The binary form of an XML property list, made by python3's plistlib. */
export function binaryPlist(xml: string): Buffer {
  const script =
    'import plistlib,sys; sys.stdout.buffer.write(plistlib.dumps(plistlib.loads(sys.stdin.buffer.read()), fmt=plistlib.FMT_BINARY))';
  return execFileSync('python3', ['-c', script], { input: xml, maxBuffer: 64 << 20 });
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

export interface KeychainItem {
  readonly der: Uint8Array;
  readonly label?: string;
}

/** A record with a print name, the third of nine attributes. */
function record({ der, label }: KeychainItem, number: number): Buffer {
  const data = padded(der);
  const name = Buffer.from(label ?? '');
  const at = 60 + data.length;
  const attributes = Array.from({ length: 9 }, (_, index) =>
    u32(index === 2 && label !== undefined ? at + 1 : 0),
  );
  const value = label === undefined ? Buffer.alloc(0) : padded(Buffer.concat([u32(name.length), name]));
  const size = at + value.length;
  const head = [size, number, 1, 1, der.length, 0].map(u32);
  return Buffer.concat([...head, ...attributes, data, value]);
}

function table(id: number, records: readonly Buffer[], free = 1): Buffer {
  const places = records.length + free;
  const first = 28 + 4 * places;
  let next = first;
  const slots = records.map((each) => {
    const offset = u32(next);
    next += each.length;
    return offset;
  });
  const head = [next, id, records.length, first, next, 0, places].map(u32);
  return Buffer.concat([...head, ...slots, Buffer.alloc(4 * free), ...records]);
}

/** A keychain with one empty table of keys and a table of certificates, which has one free place. */
export function keychain(items: readonly KeychainItem[]): Buffer {
  const tables = [table(0x0f, []), table(0x80001000, items.map(record))];
  let next = 8 + 4 * tables.length;
  const offsets = tables.map((each) => {
    const offset = u32(next);
    next += each.length;
    return offset;
  });
  const schema = Buffer.concat([u32(next), u32(tables.length), ...offsets, ...tables]);
  const header = Buffer.concat([Buffer.from('kych'), u32(0x10000), u32(0x10), u32(0x14), u32(0)]);
  return Buffer.concat([header, schema, u32(7)]);
}

export function sha1(der: Uint8Array): string {
  return createHash('sha1').update(der).digest('hex').toUpperCase();
}

export const SSL = Buffer.from('2a864886f763640103', 'hex');
export const SMIME = Buffer.from('2a864886f763640108', 'hex');
export const EAP = Buffer.from('2a864886f763640109', 'hex');

export const ALWAYS: readonly Plain[] = [];
export const NEVER: readonly Plain[] = [{ kSecTrustSettingsResult: 3 }];
export const UNSPECIFIED: readonly Plain[] = [{ kSecTrustSettingsResult: 4 }];

/** A file of trust settings: by certificate, or by the hash of one. */
export function trustSettings(
  entries: readonly (readonly [Uint8Array | string, readonly Plain[]])[],
  version = 1,
): string {
  const list = entries.map(([key, settings]): [string, Plain] => [
    typeof key === 'string' ? key : sha1(key),
    { modDate: new Date('2025-01-02T03:04:05Z'), serialNumber: Buffer.of(1), trustSettings: settings },
  ]);
  return plist({ trustList: Object.fromEntries(list), trustVersion: version });
}

/** certsTable.data: records whose length is a multiple of eight. */
export function certsTable(certificates: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    certificates.map((der) => {
      const size = 8 + der.length + (-der.length & 7);
      const record = Buffer.alloc(size);
      record.writeUInt32LE(size, 0);
      record.writeUInt32LE(der.length, 4);
      record.set(der, 8);
      return record;
    }),
  );
}

export interface ProfileOptions {
  readonly identifier?: string;
  readonly removalDisallowed?: boolean;
}

/** A configuration profile with these payloads. */
export function profile(payloads: readonly Plain[], options: ProfileOptions = {}): string {
  const { identifier = 'org.example.profile', removalDisallowed = false } = options;
  return plist({
    PayloadType: 'Configuration',
    PayloadIdentifier: identifier,
    PayloadRemovalDisallowed: removalDisallowed,
    PayloadContent: payloads,
  });
}

export function payload(type: string, content: Plain, more: Readonly<Record<string, Plain>> = {}): Plain {
  return { PayloadType: `com.apple.security.${type}`, PayloadContent: content, ...more };
}

/** TrustStore.sqlite3 with trustd's table, made by python3's sqlite3: certificate and settings, or NULL. */
export function makeTrustStore(
  rows: readonly (readonly [Uint8Array | undefined, string | undefined])[],
): Buffer {
  const directory = makeTemporaryDirectory();
  const hex = (bytes: Uint8Array | undefined): string =>
    bytes ? `bytes.fromhex('${Buffer.from(bytes).toString('hex')}')` : 'None';
  const inserts = rows.map(([der, settings], index) => {
    const tset = hex(settings === undefined ? undefined : Buffer.from(settings));
    return `c.execute('insert into tsettings values(?,?,?,?,?)', (b'${index}', b'', ${tset}, ${hex(der)}, b''))`;
  });
  python(
    directory,
    [
      "c = sqlite3.connect('TrustStore.sqlite3')",
      'c.execute(\'CREATE TABLE tsettings(sha256 BLOB NOT NULL DEFAULT "", subj BLOB NOT NULL DEFAULT "", tset BLOB, data BLOB, uuid BLOB NOT NULL DEFAULT "", UNIQUE(sha256,uuid))\')',
      ...inserts,
      'c.commit()',
    ].join('\n'),
  );
  return readFileSync(join(directory, 'TrustStore.sqlite3'));
}
