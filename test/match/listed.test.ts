import { describe, expect, it } from 'vitest';
import { openBlocklist } from '../../src/blocklist/load.ts';
import { advisoriesByFingerprint } from '../../src/match/listed.ts';
import { summariseCertificate } from '../../src/report/certificate-summary.ts';
import { certificateFrom } from '../../src/core/certificate.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Bad' } });
const other = makeCertificate({ subject: { CN: 'Other' } });
const { compiled } = openBlocklist(
  writeBlocklist(makeTemporaryDirectory(), {
    advisories: [
      advisory({ id: 'one', certificates: [blocked(bad)] }),
      advisory({ id: 'two', certificates: [blocked(bad, { id: 'again' })] }),
    ],
  }),
);
const summary = summariseCertificate(certificateFrom(bad.der));
const unknown = '0'.repeat(64);

describe('what names a certificate of a saved file', () => {
  it.each([
    ['the certificate', { sha256: bad.sha256 }, ['one', 'two']],
    ['its key', { sha256: unknown, spkiSha256: summary.spkiSha256 }, ['one', 'two']],
    ['both, each advisory once', summary, ['one', 'two']],
    ['nothing', { sha256: other.sha256, spkiSha256: null }, []],
  ])('is found by %s', (_what, fingerprints, expected) => {
    const found = advisoriesByFingerprint(compiled)(fingerprints);
    expect(found.map(({ id }) => id)).toEqual(expected);
  });
});
