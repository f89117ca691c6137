/** Small reports for the tests of what is done with reports. */

import type { CertificateSummary, Finding, Location, Report, StoreSummary } from '../../src/report/report.ts';

export function certificate(letter: string, subject = `CN=${letter},O=Org ${letter}`): CertificateSummary {
  return {
    sha256: letter.repeat(64),
    sha1: letter.repeat(40),
    spkiSha256: letter.repeat(63) + '0',
    subject,
    issuer: subject,
    serialNumber: '01',
    notBefore: '2020-01-01T00:00:00Z',
    notAfter: '2049-12-31T23:59:59Z',
  };
}

/** `id`: type and path, as in a report. */
export function store(id: string, more: Partial<StoreSummary> = {}): StoreSummary {
  const colon = id.indexOf(':');
  return {
    id,
    type: id.slice(0, colon),
    application: `the ${id.slice(0, colon)}`,
    scope: 'system',
    format: 'PEM',
    path: id.slice(colon + 1),
    aliases: [],
    status: 'read',
    anchors: 1,
    trusted: 1,
    notes: [],
    ...more,
  };
}

export function place(storeId: string, path: string, more: Partial<Location> = {}): Location {
  return {
    store: storeId,
    path,
    entry: 'entry',
    trust: 'trusted',
    purposes: ['serverAuth'],
    expressed: 'listed',
    generatedFrom: [],
    ...more,
  };
}

export function finding(
  advisory: string,
  of: CertificateSummary,
  locations: readonly Location[],
  more: Partial<Finding> = {},
): Finding {
  return {
    advisory,
    title: advisory,
    category: 'state-interception',
    severity: 'critical',
    match: 'certificate',
    status: 'trusted',
    summary: 'Summary.',
    references: ['https://example.org/'],
    stillShippedBy: [],
    certificate: of,
    locations,
    remediations: [],
    ...more,
  };
}

export function reportOf(more: Partial<Report>): Report {
  return {
    schemaVersion: 1,
    tool: { name: 'rootaudit', version: '0' },
    blocklist: { version: '1', digest: '0'.repeat(64) },
    target: { kind: 'directory', reference: '/mnt', platform: 'linux' },
    complete: true,
    stores: [],
    findings: [],
    problems: [],
    notes: [],
    ...more,
  };
}
