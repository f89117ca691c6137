/** The details of a certificate that people want to see; decoded only for what is shown. */

import { serialNumberOf, sha1Of, spkiSha256Of, validityOf, type Certificate } from '../core/certificate.ts';
import { formatName, parseName } from '../core/name.ts';
import type { CertificateSummary } from './report.ts';

export function summariseCertificate(certificate: Certificate): CertificateSummary {
  const { der, layout, sha256 } = certificate;
  const { notBefore, notAfter } = validityOf(certificate);
  return {
    sha256,
    sha1: sha1Of(certificate),
    spkiSha256: spkiSha256Of(certificate) ?? null,
    subject: layout ? formatName(parseName(der, layout.subject)) : '',
    issuer: layout ? formatName(parseName(der, layout.issuer)) : '',
    serialNumber: serialNumberOf(certificate),
    notBefore: notBefore ?? null,
    notAfter: notAfter ?? null,
  };
}
