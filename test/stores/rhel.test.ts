import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import type { StoreContent } from '../../src/core/store.ts';
import { purposesWith, trustStatus } from '../../src/core/trust.ts';
import { stores } from '../../src/stores/rhel.ts';
import { makeCertificate, tlv, toPem, type TestCertificate } from '../support/certificates.ts';
import { hasSample, locate, makeRoot, outline, runCommands, sample, type TestRoot } from '../support/root.ts';
import type { Node } from '../support/tree.ts';

const OWN = '/etc/pki/ca-trust/source';
const PACKAGED = '/usr/share/pki/ca-trust-source';
const EXTRACTED = '/etc/pki/ca-trust/extracted';
const HEADER = '[p11-kit-object-v1]\n';
const OPTIONS = { storePasswords: [] };

let a: TestCertificate;
let b: TestCertificate;
let c: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  // One whose base64 is padded.
  do b = makeCertificate({ subject: { CN: 'B' } });
  while (!b.pem.includes('='));
  c = makeCertificate({ subject: { CN: 'C' } });
});

function readSource(files: Readonly<Record<string, Node>>): StoreContent {
  return readRoot(makeRoot(files));
}

function readRoot({ target }: TestRoot): StoreContent {
  const [store] = stores;
  const location = store?.locate(target)[0];
  if (!store || !location) throw new Error('no store');
  return readWhole(store, target, location, OPTIONS);
}

const percent = (bytes: Uint8Array): string =>
  `"${Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}"`;
const keyOf = ({ key }: TestCertificate): Buffer =>
  createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' });
const SERVER = Buffer.from('06082b06010505070301', 'hex');
const CODE = Buffer.from('06082b06010505070303', 'hex');
const RESERVED = Buffer.from('060a2b060104019977060a10', 'hex');
const extension = (
  certificate: TestCertificate,
  oid: string,
  oidDer: string,
  ...purposes: Buffer[]
): string =>
  `${HEADER}class: x-certificate-extension\nobject-id: ${oid}\nvalue: ${percent(
    tlv(0x30, Buffer.from(oidDer, 'hex'), tlv(0x04, tlv(0x30, ...purposes))),
  )}\n${toPem(keyOf(certificate), 'PUBLIC KEY')}`;
const eku = (certificate: TestCertificate, ...purposes: Buffer[]): string =>
  extension(certificate, '2.5.29.37', '0603551d25', ...purposes);

describe('the source directories', () => {
  it('exist when one of them does', () => {
    expect(stores[0]?.locate(makeRoot({ '/etc/passwd': '' }).target)).toEqual([]);
    const paths = [...locate(stores, makeRoot({ [`${PACKAGED}/x`]: '' }).target).keys()];
    expect(paths).toEqual([PACKAGED]);
  });

  it.each<[string, () => string | Buffer, string, string, string]>([
    ['a certificate', () => a.pem, 'present', 'trusted', 'mitigated'],
    ['a DER certificate', () => a.der, 'present', 'trusted', 'mitigated'],
    ['an anchor object', () => `${HEADER}trusted: true\n${a.pem}`, 'trusted', 'trusted', 'mitigated'],
    [
      'a distrusted object',
      () => `${HEADER}x-distrusted: true\n${a.pem}`,
      'mitigated',
      'mitigated',
      'mitigated',
    ],
    ['a plain object', () => `${HEADER}${a.pem}`, 'present', 'trusted', 'mitigated'],
    [
      'a TRUSTED CERTIFICATE for servers',
      () => toPem(Buffer.concat([a.der, tlv(0x30, tlv(0x30, SERVER))]), 'TRUSTED CERTIFICATE'),
      'trusted',
      'trusted',
      'mitigated',
    ],
    [
      'a TRUSTED CERTIFICATE for nothing',
      () => toPem(Buffer.concat([a.der, tlv(0x30, tlv(0xa0, SERVER))]), 'TRUSTED CERTIFICATE'),
      'mitigated',
      'mitigated',
      'mitigated',
    ],
    [
      'a TRUSTED CERTIFICATE with a mere alias',
      () => toPem(Buffer.concat([a.der, tlv(0x30, tlv(0x0c, Buffer.from('x')))]), 'TRUSTED CERTIFICATE'),
      'mitigated',
      'mitigated',
      'mitigated',
    ],
    ['a PKCS#7 block', () => toPem(pkcs7(a.der), 'PKCS7'), 'present', 'present', 'present'],
    [
      'a DER certificate with a byte too many',
      () => Buffer.concat([a.der, Buffer.of(0)]),
      'present',
      'present',
      'present',
    ],
    ['a UTF-16 file', () => Buffer.from(`\ufeff${a.pem}`, 'utf16le'), 'present', 'present', 'present'],
  ])('give %s the trust of p11-kit, in each of the places', (_name, content, neutral, anchors, blocklist) => {
    const places = { '': neutral, '/anchors': anchors, '/blocklist': blocklist };
    for (const base of [OWN, PACKAGED]) {
      for (const [place, status] of Object.entries(places)) {
        expect(outline(readSource({ [`${base}${place}/ca`]: content() }))).toEqual([`ca = ${status}`]);
      }
    }
  });

  it('let distrust anywhere beat trust everywhere', () => {
    const content = readSource({
      [`${OWN}/anchors/mine.pem`]: `${a.pem}${b.pem}`,
      [`${OWN}/blocklist/bad.pem`]: a.pem,
      [`${PACKAGED}/ca-bundle.trust.p11-kit`]: `${HEADER}label: "A"\ntrusted: true\n${a.pem}\n${HEADER}trusted: true\n${c.pem}`,
    });
    expect(content.problems).toEqual([]);
    expect(outline(content).toSorted()).toEqual([
      'bad.pem = mitigated',
      'ca-bundle.trust.p11-kit: A = mitigated',
      'ca-bundle.trust.p11-kit: object 2 = trusted',
      'mine.pem, certificate 1 of 2 = mitigated',
      'mine.pem, certificate 2 of 2 = trusted',
    ]);
    const mine = content.anchors.find(({ entry }) => entry.startsWith('mine.pem, certificate 1'));
    expect(mine?.trust.expressed).toBe(`anchors/, distrusted by ${OWN}/blocklist/bad.pem`);
    expect(mine?.lines).toMatchObject({ first: 1, certificatesInFile: 2 });
  });

  it('distrust a certificate by issuer and serial number', () => {
    const serial = Buffer.from('05', 'hex');
    const named = makeCertificate({ subject: { CN: 'N' }, serial });
    const object = `${HEADER}class: certificate\ncertificate-type: x-509\nissuer: ${percent(named.name)}\nserial-number: "%02%01%05"\nx-distrusted: true\n`;
    const content = readSource({ [`${OWN}/anchors/n.pem`]: named.pem, [`${PACKAGED}/bad.p11-kit`]: object });
    expect(outline(content)).toEqual(['n.pem = mitigated']);
  });

  it('limit purposes by extensions attached to the key', () => {
    const content = readSource({
      [`${PACKAGED}/a.p11-kit`]: `${HEADER}trusted: true\n${a.pem}${eku(a, SERVER)}`,
      [`${PACKAGED}/b.p11-kit`]: `${HEADER}trusted: true\n${b.pem}${eku(b, RESERVED)}`,
      [`${PACKAGED}/c.p11-kit`]: `${HEADER}trusted: true\n${c.pem}${extension(c, '1.3.6.1.4.1.3319.6.10.1', '060a2b060104019977060a01', CODE)}`,
    });
    expect(content.anchors.map(({ trust }) => [purposesWith(trust, 'trusted'), trust.expressed])).toEqual([
      [['serverAuth'], 'ca-trust-source/, only serverAuth'],
      [[], 'ca-trust-source/, for none of the known purposes'],
      [['serverAuth', 'clientAuth', 'emailProtection', 'codeSigning', 'timeStamping'], 'ca-trust-source/'],
    ]);
    expect(content.anchors.map(({ trust }) => trustStatus(trust))).toEqual(['trusted', 'present', 'trusted']);
  });

  it.each<[string, (pem: string) => string]>([
    ['without padding', (pem) => pem.replace(/=+\n/, '\n')],
    ['with bytes after the certificate', () => toPem(Buffer.concat([b.der, Buffer.of(0)]))],
    ['beside a damaged block', (pem) => `-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n${pem}`],
    ['below text with a marker', (pem) => `a -----BEGIN in a line\n${pem}`],
    ['in an object without a type', () => `${HEADER}class: certificate\nvalue: ${percent(b.der)}\n`],
  ])(
    'doubt a certificate %s: trusted among anchors, not surely distrusted on the block list',
    (_name, change) => {
      expect(outline(readSource({ [`${OWN}/anchors/x.pem`]: change(b.pem) })).at(-1)).toMatch(/ = trusted$/);
      expect(outline(readSource({ [`${OWN}/blocklist/x.pem`]: change(b.pem) })).at(-1)).toMatch(
        / = present$/,
      );
    },
  );

  it('are not read below their three directories', () => {
    expect(
      outline(readSource({ [`${OWN}/anchors/deep/a.pem`]: a.pem, [`${OWN}/other/b.pem`]: b.pem })),
    ).toEqual([]);
  });

  it('of an old p11-kit have a blacklist/, which counts only without a blocklist/', () => {
    const old = { [`${OWN}/anchors/a.pem`]: a.pem, [`${OWN}/blacklist/a.pem`]: a.pem };
    expect(outline(readSource(old))).toEqual(['a.pem = mitigated', 'a.pem = mitigated']);
    const both = readSource({ ...old, [`${OWN}/blocklist/`]: '' });
    expect(outline(both)).toEqual(['a.pem = trusted', 'a.pem = present']);
    expect(both.notes.join()).toContain('blacklist');
    const linked = readSource({
      [`${OWN}/blocklist/a.pem`]: a.pem,
      [`${OWN}/blacklist`]: { link: 'blocklist' },
    });
    expect(outline(linked)).toEqual(['a.pem = mitigated']);
  });

  it('may hold a README, but a damaged certificate file is a problem', () => {
    const content = readSource({
      [`${OWN}/README`]: 'This directory …',
      [`${OWN}/anchors/bad.pem`]: 'nothing',
      [`${OWN}/anchors/bad.p11-kit`]: `${HEADER}what\n${a.pem}`,
      [`${OWN}/anchors/b.pem`]: b.pem,
    });
    // p11-kit tries the refused object file as PEM.
    expect(outline(content)).toEqual(['b.pem = trusted', 'bad.p11-kit = trusted']);
    expect(content.problems.map(({ path }) => path).toSorted()).toEqual([
      `${OWN}/anchors/bad.p11-kit`,
      `${OWN}/anchors/bad.pem`,
    ]);
    expect(content.notes).toHaveLength(1);
  });

  it.skipIf(!hasSample('p11-kit'))('read the samples of p11-kit itself', () => {
    const content = readSource({
      [`${OWN}/anchors/verisign-v1.p11-kit`]: sample('p11-kit/verisign-v1.p11-kit'),
      [`${OWN}/anchors/openssl-trust-no-trust.pem`]: sample('p11-kit/openssl-trust-no-trust.pem'),
      [`${OWN}/cacert3.pem`]: sample('p11-kit/cacert3-trusted-server-alias.pem'),
    });
    expect(content.problems).toEqual([]);
    expect(
      content.anchors
        .map(({ entry, trust }) => `${entry}: ${purposesWith(trust, 'trusted').join(' ')}`)
        .toSorted(),
    ).toEqual([
      'cacert3.pem: serverAuth',
      'openssl-trust-no-trust.pem: serverAuth clientAuth',
      'verisign-v1.p11-kit: serverAuth clientAuth emailProtection codeSigning timeStamping',
    ]);
  });
});

function pkcs7(der: Buffer): Buffer {
  const signed = tlv(0x30, tlv(0x02, Buffer.of(1)), tlv(0x31), tlv(0x30), tlv(0xa0, der));
  return tlv(0x30, Buffer.from('06092a864886f70d010702', 'hex'), tlv(0xa0, signed));
}

describe('removal from the source', () => {
  it.each<[string, string, (pem: string) => string]>([
    ['a file of its own', 'a.pem', (pem) => pem],
    ['a bundle', 'bundle.pem', (pem) => `# first\n${pem}# second\n${c.pem}`],
    ['an object file', 'two.p11-kit', (pem) => `${HEADER}${pem}\n${HEADER}${c.pem}`],
  ])('of an administrator takes it out of %s, and back', (_name, name, contentOf) => {
    const before = contentOf(a.pem);
    const root = makeRoot({ [`${OWN}/anchors/${name}`]: before, [`${OWN}/anchors/other.pem`]: b.pem });
    const plan = planFor(root, a);
    expect(plan).toMatchObject({ disposition: 'safe', elevated: true });
    expect(runCommands(plan.commands)).toEqual([
      `chroot ${root.target.hostPath('/')} update-ca-trust extract`,
    ]);
    const after = readRoot(root);
    expect(after.problems).toEqual([]);
    const left: string[] = after.anchors.map(({ certificate }) => certificate.sha256);
    expect(left).not.toContain(a.sha256);
    expect(left).toContain(b.sha256);
    expect(left.includes(c.sha256)).toBe(before.includes(c.pem));
    expect(runCommands(plan.undo)).toHaveLength(1);
    expect(readFileSync(root.at(`${OWN}/anchors/${name}`), 'utf8')).toBe(before);
  });

  it('of a package puts it on the block list, and off it', () => {
    const root = makeRoot({
      [`${PACKAGED}/ca-bundle.trust.p11-kit`]: `${HEADER}trusted: true\n${a.pem}\n${HEADER}trusted: true\n${b.pem}`,
      [`${OWN}/anchors/link.pem`]: { link: `${PACKAGED}/a.pem` },
      [`${PACKAGED}/a.pem`]: a.pem,
    });
    const plan = planFor(root, a);
    expect(plan).toMatchObject({ disposition: 'safe', elevated: true });
    expect(runCommands(plan.commands)).toHaveLength(1);
    const written = root.at(`${OWN}/blocklist/rootaudit-${a.sha256.slice(0, 16)}.pem`);
    expect(readFileSync(written, 'utf8')).toBe(a.pem);
    const states = readRoot(root).anchors.map(({ certificate, trust }) => [
      certificate.sha256,
      trustStatus(trust),
    ]);
    expect(new Set(states.filter(([hash]) => hash === a.sha256).map(([, status]) => status))).toEqual(
      new Set(['mitigated']),
    );
    expect(states).toContainEqual([b.sha256, 'trusted']);
    runCommands(plan.undo);
    expect(existsSync(written)).toBe(false);
  });

  it('uses blacklist/ where only that exists', () => {
    const root = makeRoot({ [`${PACKAGED}/anchors/a.pem`]: a.pem, [`${OWN}/blacklist/`]: '' });
    expect(planFor(root, a).commands.join('\n')).toContain('/blacklist/rootaudit-');
  });
});

function planFor(
  root: TestRoot,
  certificate: TestCertificate,
): ReturnType<(typeof stores)[number]['planRemoval']> {
  const [store] = stores;
  const location = store?.locate(root.target)[0];
  if (!store || !location) throw new Error('no store');
  const { anchors } = readWhole(store, root.target, location, OPTIONS);
  const held = anchors.filter((anchor) => anchor.certificate.sha256 === certificate.sha256);
  return store.planRemoval(root.target, location, held);
}

describe('the extracted files', () => {
  const efi = (der: Buffer): Buffer => {
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(28 + 16 + der.length, 0);
    sizes.writeUInt32LE(16 + der.length, 8);
    return Buffer.concat([
      Buffer.from('a159c0a5e494a74a87b5ab155c2bf072', 'hex'),
      sizes,
      Buffer.alloc(16),
      der,
    ]);
  };
  const files = (): Record<string, Node> => ({
    [`${EXTRACTED}/pem/tls-ca-bundle.pem`]: `# A\n${a.pem}\n# B\n${b.pem}`,
    [`${EXTRACTED}/pem/email-ca-bundle.pem`]: b.pem,
    [`${EXTRACTED}/pem/objsign-ca-bundle.pem`]: c.pem,
    [`${EXTRACTED}/pem/directory-hash/A.pem`]: a.pem,
    [`${EXTRACTED}/pem/directory-hash/01234567.0`]: { link: 'A.pem' },
    [`${EXTRACTED}/openssl/ca-bundle.trust.crt`]:
      a.pem + toPem(Buffer.concat([b.der, tlv(0x30, tlv(0xa0, SERVER))]), 'TRUSTED CERTIFICATE'),
    [`${EXTRACTED}/edk2/cacerts.bin`]: efi(a.der),
    [`${EXTRACTED}/java/cacerts`]: 'not ours',
  });

  it('lose a certificate that is among the anchors and on the block list by taking the anchor away', () => {
    const root = makeRoot({
      [`${OWN}/anchors/a.pem`]: a.pem,
      [`${OWN}/blocklist/a.pem`]: a.pem,
      [`${EXTRACTED}/openssl/ca-bundle.trust.crt`]: a.pem,
      '/usr/bin/update-ca-trust': '',
    });
    const found = locate(stores, root.target).get(`${EXTRACTED}/openssl/ca-bundle.trust.crt`);
    if (!found) throw new Error('no bundle');
    const [store, location] = found;
    const { anchors } = readWhole(store, root.target, location, OPTIONS);
    expect(anchors.map(({ trust }) => trustStatus(trust))).toEqual(['trusted']);
    const { commands, note } = store.planRemoval(root.target, location, anchors);
    expect(commands.some((command) => command.startsWith('rm ') && command.endsWith('/anchors/a.pem'))).toBe(
      true,
    );
    expect(commands.at(-1)).toContain('update-ca-trust');
    expect(note).toContain('on the block list');
  });

  it('are one location each, for their purpose, made from the source', () => {
    const { target } = makeRoot(files());
    const found = [...locate(stores, target)].map(([path, [store, location]]) => {
      const content = readWhole(store, target, location, OPTIONS);
      expect(content.problems).toEqual([]);
      expect(location.generatedFrom).toEqual(['rhel-anchors']);
      return [
        path.slice(EXTRACTED.length + 1),
        ...content.anchors.map(({ trust }) => purposesWith(trust, 'trusted').join(' ')),
      ];
    });
    expect(found).toEqual([
      ['pem/tls-ca-bundle.pem', 'serverAuth', 'serverAuth'],
      ['pem/email-ca-bundle.pem', 'emailProtection'],
      ['pem/objsign-ca-bundle.pem', 'codeSigning'],
      ['pem/directory-hash', 'serverAuth'],
      ['openssl/ca-bundle.trust.crt', 'serverAuth clientAuth emailProtection codeSigning timeStamping', ''],
      ['edk2/cacerts.bin', 'serverAuth'],
    ]);
  });

  it('are made anew when they hold what the source does not', () => {
    const root = makeRoot({ ...files(), '/usr/bin/update-ca-trust': '' });
    for (const [, [store, location]] of locate(stores, root.target)) {
      const plan = store.planRemoval(
        root.target,
        location,
        readWhole(store, root.target, location, OPTIONS).anchors.slice(0, 1),
      );
      expect(plan.disposition).toBe('safe');
      expect(runCommands(plan.commands)).toEqual([
        `chroot ${root.target.hostPath('/')} update-ca-trust extract`,
      ]);
      runCommands(plan.undo);
    }
  });

  it('are cut by hand where nothing can make them', () => {
    const root = makeRoot(files());
    const found = locate(stores, root.target);
    for (const [path, disposition] of [
      ['pem/tls-ca-bundle.pem', 'unsafe'],
      ['edk2/cacerts.bin', 'manual'],
    ] as const) {
      const [store, location] = found.get(`${EXTRACTED}/${path}`) ?? [];
      if (!store || !location) throw new Error(path);
      const { anchors } = readWhole(store, root.target, location, OPTIONS);
      const plan = store.planRemoval(root.target, location, anchors.slice(0, 1));
      expect(plan.disposition).toBe(disposition);
      runCommands(plan.commands);
    }
    expect(readFileSync(root.at(`${EXTRACTED}/pem/tls-ca-bundle.pem`), 'utf8')).toBe(`# A\n\n# B\n${b.pem}`);
  });
});
