/** Keychain files, property lists, trust settings and configuration profiles, written by hand after their specifications. */

import { hash } from 'node:crypto';

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

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

interface KeychainItem {
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
  return hash('sha1', der, 'hex').toUpperCase();
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

interface ProfileOptions {
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
