/** A scan of a mounted Windows: how the findings of its stores come together. */

import { describe, expect, it } from 'vitest';
import { Property } from '../../src/formats/windows-blob.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeRoot } from '../support/root.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { certificateBlob, makeHive, sha1, tree, trustList, type HiveKey } from '../support/windows.ts';

const SYSTEM = 'Microsoft\\SystemCertificates';
const bad = makeCertificate({ subject: { CN: 'Bad' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'bad', certificates: [blocked(bad)] })],
  certificates: [bad.der],
});

type Values = Readonly<Record<string, HiveKey['values']>>;
const LIST: Values = {
  [`${SYSTEM}\\AuthRoot\\AutoUpdate`]: {
    EncodedCtl: trustList([[sha1(bad.der), { [Property.rootSha256]: Buffer.from(bad.sha256, 'hex') }]]),
  },
};
const inStore = (store: string): Values => ({
  [`${store}\\Certificates\\${sha1(bad.der)}`]: { Blob: certificateBlob(bad.der) },
});

function scanOf(...parts: readonly Values[]): ReturnType<typeof scanReport> {
  const software = makeHive(tree(Object.assign({ Microsoft: {} }, ...parts)));
  const { path } = makeRoot({ '/Windows/System32/config/SOFTWARE': software });
  return scanReport(['--root', path, '--blocklist', blocklist]);
}

describe('a scan of a mounted Windows', () => {
  it('finds a root that no store holds and Windows would fetch', () => {
    const { exitCode, findings, problems } = scanOf(LIST);
    expect([exitCode, problems]).toEqual([1, []]);
    expect(findings.map(({ status, certificate }) => [status, certificate.sha256, certificate.sha1])).toEqual(
      [['trusted', bad.sha256, sha1(bad.der).toLowerCase()]],
    );
    expect(findings[0]?.remediations.map(({ disposition, note }) => [disposition, note])).toEqual([
      ['manual', expect.stringContaining(`${sha1(bad.der).toLowerCase()}.crt`)],
    ]);
  });

  it('removes it where the machine holds it, with the details of the certificate', () => {
    const [finding] = scanOf(LIST, inStore(`${SYSTEM}\\ROOT`)).findings;
    expect(finding?.certificate.subject).toBe('CN=Bad');
    expect(finding?.locations).toHaveLength(2);
    expect(finding?.remediations.map(({ store, note }) => [store.split(':')[0], note])).toEqual([
      ['windows-machine', expect.stringContaining('-addstore Disallowed')],
    ]);
  });

  it('removes the root of a policy and that of the machine each in its own place', () => {
    const policy = inStore('Policies\\Microsoft\\SystemCertificates\\Root');
    const [finding] = scanOf(inStore(`${SYSTEM}\\ROOT`), policy).findings;
    expect(finding?.remediations.map(({ store }) => store.split(':')[0])).toEqual([
      'windows-machine',
      'windows-policy',
    ]);
  });

  it('is no alarm when the root is refused', () => {
    const { exitCode, findings } = scanOf(LIST, inStore(`${SYSTEM}\\ROOT`), inStore(`${SYSTEM}\\Disallowed`));
    expect([exitCode, findings]).toEqual([0, []]);
  });
});
