/**
 * The certificates below a `SystemCertificates` key: `<store>\Certificates\<SHA-1>` with a value `Blob` (Microsoft
 * Learn, "System Store Locations").
 */

import { certificateFrom, sha1Of } from '../../core/certificate.ts';
import type { StoreContent, TrustAnchor } from '../../core/store.ts';
import { count } from '../../core/text.ts';
import { distrustedForAll, trustStatus, type Trust } from '../../core/trust.ts';
import { findKey, findValue, type RegistryKey } from '../../formats/registry.ts';
import { parseWindowsBlob, type WindowsCertificate } from '../../formats/windows-blob.ts';
import { diagnosticsContent, EMPTY_CONTENT, mergeContents } from './content.ts';
import type { Refusals } from './windows-refusals.ts';
import { trustInStore } from './windows-trust.ts';

export interface SystemStoreReading {
  /** The `SystemCertificates` key, and how its place is written. */
  readonly key: RegistryKey | undefined;
  readonly place: string;
  readonly refusals: Refusals;
  /** Changes the trust that the store and the properties give, before what is refused counts. */
  readonly adjust?: (trust: Trust, store: string, sha1: string) => Trust;
}

/** One part per store: Root, AuthRoot, CA … */
export function* readSystemStores(reading: SystemStoreReading): Generator<StoreContent> {
  for (const store of reading.key?.subkeys() ?? []) yield readStore(store, reading);
}

function readStore(store: RegistryKey, reading: SystemStoreReading): StoreContent {
  const parts: StoreContent[] = [];
  let hashOnly = 0;
  for (const key of findKey(store, 'Certificates')?.subkeys() ?? []) {
    const path = `${reading.place}\\${store.name}\\Certificates\\${key.name}`;
    const value = findValue(key, 'Blob');
    if (!value) continue;
    const { entries, diagnostics } = parseWindowsBlob(value.data);
    parts.push(diagnosticsContent(path, diagnostics));
    for (const entry of entries) {
      if (entry.der)
        parts.push(anchorContent(entry.der, entry, { path, store: store.name, key: key.name }, reading));
      else hashOnly++;
    }
  }
  const notes: string[] = [];
  if (hashOnly > 0) {
    notes.push(
      `${reading.place}\\${store.name}: ${count(hashOnly, 'entry', 'entries')} with a hash and no certificate`,
    );
  }
  if (findKey(store, 'PhysicalStores')) {
    notes.push(`${reading.place}\\${store.name}: has PhysicalStores, which may lead to other places`);
  }
  return mergeContents([...parts, { ...EMPTY_CONTENT, notes }]);
}

interface Place {
  readonly path: string;
  readonly store: string;
  readonly key: string;
}

function anchorContent(
  der: Uint8Array,
  { properties }: WindowsCertificate,
  { path, store, key }: Place,
  { refusals, adjust = (trust) => trust }: SystemStoreReading,
): StoreContent {
  const certificate = certificateFrom(der);
  const sha1 = sha1Of(certificate);
  const own = adjust(trustInStore(store, properties, Date.now()), store, sha1);
  const refusedBy = trustStatus(own) === 'trusted' ? refusals.find(certificate) : undefined;
  const trust =
    refusedBy === undefined ? own : distrustedForAll(`${own.expressed}, but refused by ${refusedBy}`);
  const anchor: TrustAnchor = { certificate, entry: `${store}\\${key}`, path, trust };
  const notes =
    key.toLowerCase() === sha1
      ? []
      : [`${path}: holds another certificate than its name says (SHA-1 ${sha1})`];
  return { anchors: [anchor], problems: [], notes };
}

/** What the `Disallowed` store below a `SystemCertificates` key refuses. Damaged entries are told where it is read. */
export function addDisallowed(refusals: Refusals, key: RegistryKey | undefined, where: string): void {
  for (const entry of findKey(key, 'Disallowed\\Certificates')?.subkeys() ?? []) {
    const value = findValue(entry, 'Blob');
    if (!value) continue;
    for (const certificate of parseWindowsBlob(value.data).entries) refusals.add(certificate, where);
  }
}
