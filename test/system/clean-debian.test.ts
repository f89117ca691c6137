/** The certificates that this machine's ca-certificates package ships, in a root of their own: no false alarm. */

import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { severityRank } from '../../src/match/matcher.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { fingerprintsIn } from './support/openssl.ts';

const PACKAGED = '/usr/share/ca-certificates';
const CONF = '/etc/ca-certificates.conf';

/** Roots that Debian 12 still ships although the root programmes threw them out. */
const TRULY_BAD = [
  'TrustCor_ECA-1',
  'TrustCor_RootCert_CA-1',
  'TrustCor_RootCert_CA-2',
  'E-Tugra_Certification_Authority',
  'E-Tugra_Global_Root_CA_ECC_v3',
  'E-Tugra_Global_Root_CA_RSA_v3',
];

const isDebian = existsSync(`${PACKAGED}/mozilla`) && existsSync(CONF);

describe.skipIf(!isDebian)(`a clean Debian${isDebian ? '' : ' (needs ca-certificates)'}`, () => {
  it('has no alarm but the roots of Debian 12 that have to go', () => {
    const root = makeTemporaryDirectory();
    for (const path of [`${PACKAGED}/mozilla`, CONF]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      cpSync(path, join(root, path), { recursive: true });
    }
    const selected = new Set(readFileSync(CONF, 'utf8').split('\n'));
    const expected = TRULY_BAD.map((name) => `mozilla/${name}.crt`)
      .filter((name) => selected.has(name) && existsSync(join(PACKAGED, name)))
      .flatMap((name) => fingerprintsIn(readFileSync(join(PACKAGED, name), 'utf8')));
    const { findings, problems, exitCode } = scanReport(['--root', root]);
    const alarms = findings.filter(
      ({ severity, status }) => status === 'trusted' && severityRank(severity) >= severityRank('medium'),
    );
    expect(alarms.map(({ certificate }) => certificate.sha256).toSorted()).toEqual(expected.toSorted());
    expect({ problems, exitCode }).toEqual({ problems: [], exitCode: expected.length > 0 ? 1 : 0 });
  });
});
