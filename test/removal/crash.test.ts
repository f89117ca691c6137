/**
 * A removal from real stores, killed at every point at which another state could be left, each in turn: an undo leads
 * back to what was, and another removal to the end and, undone, back as well.
 */

import { join } from 'node:path';
import { beforeAll, describe, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { expectRecoveryFromEveryPoint } from '../support/crash.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { buildChild, fastDirectory, plant } from '../support/removal.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const other = makeCertificate({ subject: { CN: 'Other Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'critical', certificates: [blocked(bad)] })],
  certificates: [bad.der],
});

let child = '';
beforeAll(async () => {
  child = await buildChild();
});

function nssRoot(): string {
  const root = fastDirectory();
  const database = join(root, 'home/alice/.pki/nssdb');
  makeNssDatabase(database);
  addToNss(database, bad, 'Planted Root', 'C,,');
  addToNss(database, good, 'Good Root', 'C,,');
  return root;
}

const layouts: Readonly<Record<string, () => string>> = {
  'the layout of Debian': () =>
    plant({
      '/etc/os-release': 'ID=debian\n',
      '/etc/ca-certificates.conf': '# comment\nmozilla/Good.crt\n',
      '/usr/share/ca-certificates/mozilla/Good.crt': good.pem,
      '/usr/local/share/ca-certificates/planted.crt': bad.pem,
      '/etc/ssl/certs/ca-certificates.crt': good.pem + bad.pem + other.pem,
      '/etc/ssl/certs/Good.pem': { link: '/usr/share/ca-certificates/mozilla/Good.crt' },
      '/etc/ssl/certs/planted.pem': { link: '/usr/local/share/ca-certificates/planted.crt' },
    }),
  'a package of p11-kit': () =>
    plant({
      '/etc/pki/ca-trust/source/anchors/good.pem': good.pem,
      '/usr/share/pki/ca-trust-source/anchors/bundle.pem': bad.pem + other.pem,
    }),
  [`an NSS database${unless(hasCertutil, 'certutil')}`]: nssRoot,
};

describe.skipIf(process.platform !== 'linux')('a removal that is killed', () => {
  it.each(Object.entries(layouts))(
    'in %s can be undone, or done again, from every point',
    { timeout: 240_000 },
    async (name, make) => {
      if (name.includes('skipped')) return;
      await expectRecoveryFromEveryPoint({ child, original: make(), blocklist, certificate: bad });
    },
  );
});
