/** A throw-away blocklist in a directory, in the form that `--blocklist` takes. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Advisory, BlockedCertificate, RootPrograms } from '../blocklist/advisory.ts';
import { certificateFrom, sha256, spkiSha256Of, type Sha256 } from '../core/certificate.ts';
import { toPem, type MadeCertificate } from './certificates.ts';

/** A record as the real list has it for a certificate that is at hand. */
export function blocked(
  certificate: Pick<MadeCertificate, 'der'>,
  fields: Partial<BlockedCertificate> = {},
): BlockedCertificate {
  const known = certificateFrom(certificate.der);
  const spkiSha256 = spkiSha256Of(known);
  return {
    id: `test-${known.sha256.slice(0, 8)}`,
    name: 'Test root',
    sha256: known.sha256,
    ...(spkiSha256 && { spkiSha256 }),
    role: 'root',
    evidence: 'computed',
    distrustedBy: [],
    references: ['https://example.org/incident'],
    pem: true,
    ...fields,
  };
}

export function advisory(fields: Partial<Advisory> & Pick<Advisory, 'id'>): Advisory {
  return {
    title: 'Test advisory',
    summary: 'Made for a test.',
    details: 'Made for a test.',
    category: 'state-interception',
    severity: 'critical',
    references: ['https://example.org/incident'],
    certificates: [],
    names: [],
    ...fields,
  };
}

interface MadeBlocklist {
  readonly advisories: readonly Advisory[];
  /** The certificates that the list carries. */
  readonly certificates?: readonly Uint8Array[];
  readonly programs?: Partial<RootPrograms>;
}

export function writeBlocklist(
  directory: string,
  { advisories, certificates = [], programs = {} }: MadeBlocklist,
): string {
  mkdirSync(join(directory, 'advisories'), { recursive: true });
  mkdirSync(join(directory, 'certificates'), { recursive: true });
  const files: Record<string, Sha256> = {};
  const write = (path: string, text: string): void => {
    writeFileSync(join(directory, path), text);
    files[path] = sha256(Buffer.from(text));
  };
  for (const each of advisories) write(`advisories/${each.id}.json`, JSON.stringify(each));
  for (const der of certificates) write(`certificates/${sha256(der)}.pem`, toPem(der));
  const none = {
    date: '2026-01-01',
    sources: [],
    roots: {},
    java: [],
    windowsBuiltin: [],
    windowsRequired: [],
  };
  write('root-programs.json', JSON.stringify({ ...none, ...programs }));
  const manifest = { schemaVersion: 1, version: '2026.1.1', date: '2026-01-01', files };
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  return directory;
}
