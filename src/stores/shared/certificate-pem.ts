/** A certificate as the PEM text (RFC 7468) that a removal writes for a tool. */

import { asBuffer } from '../../core/bytes.ts';
import type { Certificate } from '../../core/certificate.ts';

export function pemLines({ der }: Certificate): string[] {
  const lines =
    asBuffer(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'];
}

export function pemBytes(certificate: Certificate): Uint8Array {
  return Buffer.from(`${pemLines(certificate).join('\n')}\n`, 'latin1');
}
