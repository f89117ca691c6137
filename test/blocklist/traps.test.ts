import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Advisory, BlockedCertificate } from '../../src/blocklist/advisory.ts';
import { openBlocklist } from '../../src/blocklist/load.ts';
import { certificateFrom, sha256, spkiSha256Of } from '../../src/core/certificate.ts';
import { createMatcher, type Match } from '../../src/match/matcher.ts';
import { makeCertificate, tlv } from '../support/certificates.ts';

/** Ways in which a naive list or matcher is wrong about the real incidents, each against the real blocklist. */

const blocklist = openBlocklist(fileURLToPath(new URL('../../blocklists', import.meta.url)));
const advisories = blocklist.advisoryIds().map((id) => {
  const advisory = blocklist.advisory(id);
  if (!advisory) throw new Error(`${id} is not there`);
  return advisory;
});
const records = advisories.flatMap((advisory) =>
  advisory.certificates.map((record) => ({ advisory, record })),
);
const match = createMatcher(blocklist.compiled, {
  unverifiedNames: false,
  blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
});

function find(prefix: string): {
  advisory: Advisory;
  record: BlockedCertificate;
  der: Uint8Array | undefined;
} {
  const found = records.find(({ record }) => record.sha256?.startsWith(prefix));
  if (!found) throw new Error(`${prefix} is not on the list`);
  return { ...found, der: found.record.sha256 && blocklist.certificate(found.record.sha256) };
}

function derOf(prefix: string): Uint8Array {
  const { der } = find(prefix);
  if (!der) throw new Error(`${prefix} is not at hand`);
  return der;
}

function spkiOf(der: Uint8Array): Uint8Array {
  const { layout } = certificateFrom(der);
  if (!layout) throw new Error('layout expected');
  return der.subarray(layout.spki.start, layout.spki.end);
}

const said = (der: Uint8Array): string[] =>
  match(certificateFrom(der)).map(
    ({ advisory, kind, severity }: Match) => `${advisory.id} ${kind} ${severity}`,
  );

/** A reissue: another certificate on the same key. */
const onKeyOf = (der: Uint8Array): Buffer =>
  makeCertificate({ subject: { CN: 'Reissue' }, spki: spkiOf(der) }).der;

const carried = records.flatMap(({ record }) => {
  const der = record.sha256 && record.pem ? blocklist.certificate(record.sha256) : undefined;
  return der ? [{ record, der }] : [];
});

describe('Kazakhstan', () => {
  it('has ten certificates with ten keys, so neither fingerprint nor key finds the next', () => {
    const kazakhstan = advisories.filter(
      ({ country, category }) => country === 'KZ' && category === 'state-interception',
    );
    const certificates = kazakhstan.flatMap((advisory) => advisory.certificates);
    expect(certificates).toHaveLength(10);
    expect(new Set(certificates.map(({ sha256: hash }) => hash)).size).toBe(10);
    expect(new Set(certificates.map(({ spkiSha256 }) => spkiSha256)).size).toBe(10);
  });

  it.each([
    [{ C: 'KZ', O: 'ISCA', CN: 'Information Security Certification Authority' }],
    [{ CN: 'Information Security Certification Authority', O: 'ISCA', C: 'KZ' }],
    [{ CN: 'Information Security Certification Authority CA' }],
    [{ CN: 'Qaznet Trust Network', C: 'KZ' }],
  ])('is suspected in the eleventh root by its name %j', (subject) => {
    expect(said(makeCertificate({ subject }).der)).toEqual(['kazakhstan name critical']);
  });

  it('is the certificate 235150de under the key 3472e4f1, which Chromium names a file after', () => {
    expect(find('235150de').record.spkiSha256).toMatch(/^3472e4f1/);
  });
});

describe('keys', () => {
  it('recognises a reissue on the key of every carried certificate, but for keys that are still trusted', () => {
    const unmatched = carried
      .filter(({ der }) => said(onKeyOf(der)).length === 0)
      .map(({ record }) => record.id);
    const trusted = new Set(
      records.filter(({ record }) => record.stillShippedBy).map(({ record }) => record.spkiSha256),
    );
    const forbidden = carried
      .filter(({ record }) => record.matchKey === false || trusted.has(record.spkiSha256))
      .map(({ record }) => record.id);
    expect(forbidden.length).toBeGreaterThan(20);
    expect(unmatched.toSorted()).toEqual(forbidden.toSorted());
  });

  it('does not take a live Camerfirma root for its blocked reissue on the same key', () => {
    const reissues = records.filter(({ record }) => record.matchKey === false);
    expect(reissues.map(({ record }) => record.id)).toEqual([
      'chambers-of-commerce-root-2008-3666f804',
      'global-chambersign-root-2008-f01c1aca',
    ]);
    for (const { record } of reissues) {
      const live = records.find(
        (other) => other.record.spkiSha256 === record.spkiSha256 && other.record !== record,
      );
      expect(live?.record.stillShippedBy).toContain('microsoft');
      expect(live?.advisory.severity).toBe('low');
    }
  });

  it('knows the goproxy key in both ways of writing it', () => {
    const { record } = find('bce05f92');
    expect(record.spkiSha256).toMatch(/^d5c05715/);
    expect(record.spkiSha256Canonical).toMatch(/^475ca7b1/);
    const unusual = spkiOf(derOf('bce05f92'));
    const header = Buffer.from('300b06092a864886f70d010101', 'hex');
    const at = Buffer.from(unusual).indexOf(header);
    const usual = tlv(
      0x30,
      Buffer.from('300d06092a864886f70d0101010500', 'hex'),
      unusual.subarray(at + header.length),
    );
    expect(sha256(usual)).toBe(record.spkiSha256Canonical);
    expect(said(makeCertificate({ subject: { CN: 'X' }, spki: usual }).der)).toEqual([
      'goproxy key critical',
    ]);
    expect(said(makeCertificate({ subject: { CN: 'X' }, spki: unusual }).der)).toEqual([
      'goproxy key critical',
    ]);
  });

  it('lists products whose certificate differs per machine by their shared key', () => {
    const keyOnly = records.filter(
      ({ record }) => record.sha256 === undefined && record.spkiSha256 !== undefined,
    );
    const ids = new Set(keyOnly.map(({ advisory }) => advisory.id));
    for (const id of ['adguard-2015', 'cyberoam']) expect(ids).toContain(id);
    const privdog = records.filter(({ advisory }) => advisory.id === 'privdog').map(({ record }) => record);
    expect(new Set(privdog.map(({ spkiSha256 }) => spkiSha256)).size).toBe(1);
  });

  it('keeps the two Trustwave keys apart', () => {
    const keys = records
      .filter(({ advisory }) => advisory.id === 'trustwave-interception')
      .map(({ record }) => record);
    expect(keys.find((record) => record.sha256?.startsWith('2ee74685'))?.spkiSha256).toMatch(/^b563ad0e/);
    expect(keys.some((record) => record.spkiSha256?.startsWith('32ecc96f'))).toBe(true);
  });
});

describe('encodings', () => {
  it('recognises a signed body whose outer algorithm was written anew, under every carried RSA certificate', () => {
    const withNull = Buffer.from('0500', 'hex');
    for (const { der, record } of carried) {
      const { layout } = certificateFrom(der);
      if (!layout) throw new Error(`${record.id} has no layout`);
      const algorithm = Buffer.from(
        der.subarray(layout.signatureAlgorithm.contentStart, layout.signatureAlgorithm.contentEnd),
      );
      if (!algorithm.subarray(-2).equals(withNull)) continue;
      const changed = tlv(
        0x30,
        der.subarray(layout.tbs.start, layout.tbs.end),
        tlv(0x30, algorithm.subarray(0, -2)),
        der.subarray(layout.signature.start, layout.signature.end),
      );
      expect(said(changed)[0]).toContain(' body ');
    }
  });

  it('recognises every carried certificate, those included that strict parsers refuse', () => {
    for (const { der, record } of carried) {
      expect(match(certificateFrom(der))[0]).toMatchObject({ kind: 'certificate', record: record.id });
      expect(spkiSha256Of(certificateFrom(der))).toBe(record.spkiSha256);
    }
    expect(said(derOf('8253da67'))).toHaveLength(1);
  });
});

describe('names', () => {
  it.each([
    [{ C: 'US', O: 'U.S. Government', OU: 'FPKI', CN: 'Federal Common Policy CA' }],
    [{ C: 'TW', O: 'Government Root Certification Authority' }],
    [{ C: 'US', O: 'VeriSign, Inc.', OU: 'Class 3 Public Primary Certification Authority' }],
    [{ C: 'ES', O: 'Internet Publishing Services, s.l.', CN: 'IPS Servidores' }],
  ])('does not suspect another root with the much used name %j', (subject) => {
    expect(said(makeCertificate({ subject }).der)).toEqual([]);
  });

  it.each([
    [{ CN: 'DO_NOT_TRUST_FiddlerRoot', O: 'DO_NOT_TRUST' }, 'medium'],
    [{ CN: 'mitmproxy', O: 'mitmproxy' }, 'medium'],
    [{ C: 'US', O: 'Superfish, Inc.', CN: 'Superfish, Inc.' }, 'critical'],
    [{ CN: 'eDellRoot' }, 'critical'],
  ])('suspects the per-machine root %j as %s', (subject, severity) => {
    const matches = match(certificateFrom(makeCertificate({ subject }).der));
    expect(matches).toMatchObject([{ kind: 'name', severity }]);
  });
});

describe('severity and advice', () => {
  it('makes nothing more than low that a clean, current system still ships', () => {
    const shipped = records.filter(({ record }) => (record.stillShippedBy ?? []).length > 0);
    expect(shipped).toHaveLength(24);
    for (const { advisory } of shipped) expect(advisory.severity).toBe('low');
  });

  it('takes a date or purpose limit for data, not for an alarm', () => {
    const limited = records.filter(
      ({ record }) =>
        record.distrustedBy.length > 0 &&
        record.distrustedBy.every(({ action }) => action === 'date-limited' || action === 'purpose-limited'),
    );
    expect(limited.length).toBeGreaterThan(0);
    for (const { advisory } of limited) expect(['low', 'info']).toContain(advisory.severity);
  });

  it('calls retired roots retired: most of what left the programmes is no danger', () => {
    const removed = records.filter(({ advisory }) => advisory.category === 'removed-from-programs');
    const informational = removed.filter(({ advisory }) => advisory.severity === 'info');
    expect(informational.length / removed.length).toBeGreaterThan(0.8);
  });

  it('calls the Russian state roots high, with two sub CAs of one name and two keys', () => {
    const russian = advisories.find(({ id }) => id === 'russian-trusted');
    expect(russian?.severity).toBe('high');
    const subs = russian?.certificates.filter(({ role }) => role === 'intermediate') ?? [];
    expect(new Set(subs.map(({ spkiSha256 }) => spkiSha256)).size).toBe(2);
  });

  it('marks the NSS placeholders as such', () => {
    const placeholders = records.filter(({ record }) => record.placeholder);
    expect(placeholders).toHaveLength(9);
  });

  it('has no leaf certificates and no certificate that Windows needs', () => {
    const roles = new Set<string>(records.map(({ record }) => record.role));
    expect([...roles].toSorted()).toEqual(['intermediate', 'root', 'unknown']);
    const listed = new Set(records.map(({ record }) => record.sha256));
    // Microsoft Root Authority, which Microsoft documents as required.
    expect([...listed].some((hash) => hash?.startsWith('f38406e540d7a9d9'))).toBe(false);
  });
});
