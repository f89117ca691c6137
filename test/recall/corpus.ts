/** Certificates to look for: the real ones of the optional sample directory, else made ones. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../src/core/certificate.ts';
import { parsePem } from '../../src/formats/pem.ts';
import { makeCertificate, makeKey, toPem } from '../support/certificates.ts';

const SAMPLES = fileURLToPath(new URL('../../../shared/certs', import.meta.url));
const MADE = 200;

export interface CorpusCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly sha256: string;
}

export interface Corpus {
  readonly origin: string;
  readonly certificates: readonly CorpusCertificate[];
}

export function loadCorpus(): Corpus {
  const real = existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((name) => name.endsWith('.pem')) : [];
  if (real.length > 0) {
    const ders = real.flatMap((name) =>
      parsePem(readFileSync(join(SAMPLES, name))).entries.map(({ der }) => der),
    );
    return { origin: 'real certificates', certificates: distinct(ders) };
  }
  const key = makeKey();
  const ders = Array.from(
    { length: MADE },
    (_, i) => makeCertificate({ subject: { CN: `Root ${i}` }, key }).der,
  );
  return { origin: 'made certificates', certificates: distinct(ders) };
}

function distinct(ders: readonly Uint8Array[]): CorpusCertificate[] {
  const bySha256 = new Map(ders.map((der) => [sha256(der), der]));
  return Array.from(bySha256, ([fingerprint, der]) => ({ der, pem: toPem(der), sha256: fingerprint }));
}
