import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreContent, StoreType } from '../../src/core/store.ts';
import type { Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { stores as debian } from '../../src/stores/debian.ts';
import { store as firefox } from '../../src/stores/firefox.ts';
import { store as nss } from '../../src/stores/nss-user.ts';
import { stores as p11Kit } from '../../src/stores/p11-kit.ts';
import { stores as rhel } from '../../src/stores/rhel.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { performActions } from '../support/actions.ts';
import { makeCertificate } from '../support/certificates.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { makeRoot, runCommands, type TestRoot } from '../support/root.ts';

const a = makeCertificate({ subject: { CN: 'A' } });
const b = makeCertificate({ subject: { CN: 'B' } });
const stays = makeCertificate({ subject: { CN: 'Stays' } });

function read(type: StoreType, target: Target): StoreContent {
  const [location] = type.locate(target);
  if (!location) throw new Error('no store');
  return readWhole(type, target, location, { storePasswords: [] });
}

/** The plan for `a` and `b`. */
function planFor(type: StoreType, target: Target): Remediation {
  const [location] = type.locate(target);
  if (!location || !type.planDistrust) throw new Error('no store that can distrust');
  const { anchors } = read(type, target);
  const held = anchors.filter(({ certificate }) => certificate.sha256 !== stays.sha256);
  return type.planDistrust(target, location, held);
}

function outline(type: StoreType, root: TestRoot): string[] {
  const names = new Map<string, string>([
    [a.sha256, 'A'],
    [b.sha256, 'B'],
    [stays.sha256, 'Stays'],
  ]);
  return read(type, root.target)
    .anchors.map(({ certificate, trust }) => `${names.get(certificate.sha256)} ${trustStatus(trust)}`)
    .toSorted();
}

describe.skipIf(!hasCertutil)(`distrust in an NSS database${unless(hasCertutil, 'certutil')}`, () => {
  it.each([
    [nss, '/home/ann/.pki/nssdb', 'chrome'],
    [firefox, '/home/ann/.mozilla/firefox/x.default', 'firefox'],
  ])('keeps the certificates and refuses them, and the undo trusts them again', (type, place, program) => {
    const root = makeRoot({ [`${place}/`]: '' });
    makeNssDatabase(root.at(place));
    for (const [nickname, each] of [
      ['plain', a],
      [`it's {} "$(x)"`, b],
      ['stays', stays],
    ] as const) {
      addToNss(root.at(place), each, nickname, 'CT,C,C');
    }
    const before = readFileSync(root.at(`${place}/cert9.db`));
    const after = ['A mitigated', 'B mitigated', 'Stays trusted'];
    const plan = planFor(type, root.target);
    expect([plan.disposition, plan.inUse?.includes(program)]).toEqual(['safe', true]);
    runCommands(plan.commands);
    expect(outline(type, root)).toEqual(after);
    runCommands(plan.undo);
    expect(readFileSync(root.at(`${place}/cert9.db`)).equals(before)).toBe(true);
    performActions(root, plan.actions ?? []);
    expect(outline(type, root)).toEqual(after);
  });
});

describe.skipIf(!hasCertutil)(
  `distrust of one of two with the same name${unless(hasCertutil, 'certutil')}`,
  () => {
    it('leaves the other trusted', () => {
      const twin = makeCertificate({ subject: { CN: 'Stays' } });
      const place = '/home/ann/.pki/nssdb';
      const root = makeRoot({ [`${place}/`]: '' });
      makeNssDatabase(root.at(place));
      for (const each of [stays, twin]) addToNss(root.at(place), each, 'Stays', 'CT,C,C');
      const plan = planFor(nss, root.target);
      expect(plan.commands.at(-1)).toContain('pkcs11:');
      runCommands(plan.commands);
      expect(outline(nss, root)).toEqual(['Stays trusted', 'undefined mitigated']);
    });
  },
);

describe('distrust in the directories of p11-kit', () => {
  const [source] = rhel;
  const OWN = '/etc/pki/ca-trust/source';
  const PACKAGED = '/usr/share/pki/ca-trust-source';

  it('blocks them all, and takes out of the anchors what OpenSSL would go on trusting', () => {
    if (!source) throw new Error('no store');
    const files = {
      [`${OWN}/anchors/a.pem`]: `${a.pem}${stays.pem}`,
      [`${PACKAGED}/anchors/b.pem`]: b.pem,
    };
    const root = makeRoot(files);
    const plan = planFor(source, root.target);
    expect(runCommands(plan.commands)).toEqual([expect.stringContaining('update-ca-trust extract')]);
    expect(outline(source, root)).toEqual(['A mitigated', 'B mitigated', 'B mitigated', 'Stays trusted']);
    expect(readFileSync(root.at(`${OWN}/anchors/a.pem`), 'utf8')).toBe(stays.pem);
    const other = makeRoot(files);
    expect(performActions(other, planFor(source, other.target).actions ?? [])).toHaveLength(1);
    expect(outline(source, other)).toEqual(outline(source, root));
    runCommands(plan.undo);
    expect(outline(source, root)).toEqual(['A trusted', 'B trusted', 'Stays trusted']);
  });

  it('names the files that the update may write', () => {
    if (!source) throw new Error('no store');
    const extracted = '/etc/pki/ca-trust/extracted';
    const root = makeRoot({ [`${OWN}/anchors/a.pem`]: a.pem, [`${extracted}/x`]: '' });
    const run = planFor(source, root.target).actions?.at(-1);
    expect(run).toMatchObject({ kind: 'run', changes: expect.arrayContaining([extracted]) });
  });

  it('has a block list where the administrator has a directory', () => {
    const [configured] = p11Kit;
    if (!configured) throw new Error('no store');
    const root = makeRoot({
      '/etc/pkcs11/modules/x.module': "x-init-reserved: paths='/etc/own:/usr/share/own'\n",
      '/etc/own/anchors/a.pem': a.pem,
      '/usr/share/own/anchors/stays.pem': stays.pem,
    });
    runCommands(planFor(configured, root.target).commands);
    expect(existsSync(root.at('/etc/own/anchors/a.pem'))).toBe(false);
    expect(readFileSync(root.at(`/etc/own/blocklist/rootaudit-${a.sha256.slice(0, 16)}.pem`), 'utf8')).toBe(
      a.pem,
    );
  });
});

it('Debian deselects, which lasts', () => {
  const [packaged] = debian;
  if (!packaged) throw new Error('no store');
  const root = makeRoot({
    '/etc/ca-certificates.conf': 'a.crt\nstays.crt\n',
    '/usr/share/ca-certificates/a.crt': a.pem,
    '/usr/share/ca-certificates/stays.crt': stays.pem,
  });
  runCommands(planFor(packaged, root.target).commands);
  expect(outline(packaged, root)).toEqual(['A present', 'Stays trusted']);
});
