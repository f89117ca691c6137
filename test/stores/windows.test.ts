import { beforeAll, describe, expect, it } from 'vitest';
import type { StoreContent } from '../../src/core/store.ts';
import { purposesWith, trustStatus } from '../../src/core/trust.ts';
import { Property } from '../../src/formats/windows-blob.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { stores } from '../../src/stores/windows.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { hasSample, locate, makeRoot, outline, sample, type TestRoot } from '../support/root.ts';
import type { Node } from '../support/tree.ts';
import {
  blobProperty,
  certificateBlob,
  filetime,
  makeHive,
  sha1,
  tree,
  trustList,
  u32,
  utf16,
  type HiveKey,
} from '../support/windows.ts';

const SOFTWARE = '/Windows/System32/config/SOFTWARE';
const NTUSER = '/Users/bob/NTUSER.DAT';
const SYSTEM = 'Microsoft\\SystemCertificates';
const SERVER = Buffer.from('300a06082b06010505070301', 'hex');
const CODE = Buffer.from('300a06082b06010505070303', 'hex');
const NOTHING = Buffer.from('3000', 'hex');
const OPTIONS = { storePasswords: [] };

let a: TestCertificate;
let b: TestCertificate;
let sameBody: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
  // The same signed body with other bytes for its signature.
  const der = Buffer.from(a.der);
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  sameBody = { ...a, der };
});

/** Values of a certificate's key, by its path below the hive. */
type Held = Readonly<Record<string, HiveKey['values']>>;
const held = (store: string, { der }: TestCertificate, ...properties: Uint8Array[]): Held => ({
  [`${store}\\Certificates\\${sha1(der)}`]: { Blob: certificateBlob(der, ...properties) },
});
const hive = (...parts: readonly Held[]): Buffer =>
  makeHive(tree(Object.assign({ Microsoft: {} }, ...parts)));

function windows(software: Buffer, files: Readonly<Record<string, Node>> = {}): TestRoot {
  return makeRoot({ [SOFTWARE]: software, '/Windows/System32/ntdll.dll': '', ...files });
}

function contentOf(root: TestRoot, id: string, wanted = ''): StoreContent {
  const { target } = root;
  const found = [...locate(stores, target).values()].find(
    ([type, location]) => type.id === id && location.path.includes(wanted),
  );
  if (!found) throw new Error(`no ${id}`);
  return readWhole(found[0], target, found[1], OPTIONS);
}

describe('the stores of a mounted Windows', () => {
  it('are found by their hives', () => {
    const root = windows(hive(), {
      [NTUSER]: hive(),
      '/Users/Default/NTUSER.DAT': hive(),
      '/Users/Public/x': '',
      '/Windows/ServiceProfiles/LocalService/NTUSER.DAT': hive(),
    });
    expect(root.target.platform).toBe('win32');
    const found = [...locate(stores, root.target).values()].map(
      ([{ id }, { path, application }]) => `${id} ${path} ${application}`,
    );
    expect(found).toEqual([
      `windows-machine ${SOFTWARE}\\Microsoft\\SystemCertificates Windows`,
      `windows-on-demand ${SOFTWARE}\\Microsoft\\SystemCertificates\\AuthRoot\\AutoUpdate Windows (automatic root update)`,
      `windows-policy ${SOFTWARE}\\Policies\\Microsoft\\SystemCertificates Windows group policy`,
      `windows-policy ${NTUSER}\\Software\\Policies\\Microsoft\\SystemCertificates Windows group policy (bob)`,
      'windows-policy /Windows/ServiceProfiles/LocalService/NTUSER.DAT\\Software\\Policies\\Microsoft\\SystemCertificates Windows group policy (LocalService)',
      `windows-enterprise ${SOFTWARE}\\Microsoft\\EnterpriseCertificates Windows (Active Directory)`,
      `windows-service ${SOFTWARE}\\Microsoft\\Cryptography\\Services Windows services`,
      `windows-user ${NTUSER}\\Software\\Microsoft\\SystemCertificates Windows (bob)`,
      'windows-user /Windows/ServiceProfiles/LocalService/NTUSER.DAT\\Software\\Microsoft\\SystemCertificates Windows (LocalService)',
    ]);
  });

  it('are found whatever the case of the names, on an old system as well', () => {
    const root = makeRoot({
      '/WINDOWS/system32/config/software': hive(held(`${SYSTEM}\\Root`, a)),
      '/Documents and Settings/Bob/ntuser.dat': hive(),
    });
    expect(root.target.platform).toBe('win32');
    expect(outline(contentOf(root, 'windows-machine'))).toEqual([`Root\\${sha1(a.der)} = trusted`]);
    expect(contentOf(root, 'windows-user', 'ntuser.dat').problems).toEqual([]);
  });

  it('are none on another system', () => {
    expect([...locate(stores, makeRoot({ '/etc/passwd': '' }).target)]).toEqual([]);
  });
});

describe('trust', () => {
  const past = filetime('2020-01-01T00:00:00Z');
  const future = filetime('2120-01-01T00:00:00Z');
  const eku = (usages: Buffer): Buffer => blobProperty(Property.enhancedKeyUsage, usages);

  it.each<[string, string, Buffer[], string, string]>([
    ['a root', 'ROOT', [], 'trusted', 'ROOT'],
    ['a root of Microsoft', 'AuthRoot', [], 'trusted', 'AuthRoot'],
    ['a root of smart cards', 'SmartCardRoot', [], 'trusted', 'SmartCardRoot'],
    ['an intermediate', 'CA', [], 'present', 'CA: an intermediate, no anchor'],
    ['a store of someone', 'Whatever', [], 'present', 'Whatever: not a store of roots'],
    ['a refused one', 'Disallowed', [], 'mitigated', 'Disallowed'],
    ['a root for servers', 'ROOT', [eku(SERVER)], 'trusted', 'ROOT, for serverAuth'],
    ['a root for nothing', 'ROOT', [eku(NOTHING)], 'mitigated', 'ROOT, for nothing'],
    [
      'a root that is refused for servers',
      'ROOT',
      [eku(SERVER), blobProperty(Property.disallowedUsage, SERVER)],
      'mitigated',
      'ROOT, for serverAuth, not for serverAuth',
    ],
    [
      'a root refused since',
      'ROOT',
      [blobProperty(Property.disallowedSince, past)],
      'mitigated',
      'ROOT, refused since 2020-01-01',
    ],
    [
      'a root refused at once',
      'ROOT',
      [blobProperty(Property.disallowedSince, Buffer.alloc(8))],
      'mitigated',
      'ROOT, refused',
    ],
    [
      'a root refused later',
      'ROOT',
      [blobProperty(Property.disallowedSince, future)],
      'trusted',
      'ROOT, refused from 2120-01-01 on',
    ],
    [
      'a root for old certificates',
      'ROOT',
      [blobProperty(Property.notBefore, past), blobProperty(Property.notBeforeUsage, SERVER)],
      'trusted',
      'ROOT, only what was issued before 2020-01-01 for serverAuth',
    ],
    ['a root with unreadable usages', 'ROOT', [eku(Buffer.from('zz'))], 'trusted', 'ROOT'],
  ])('of %s', (_what, store, properties, status, expressed) => {
    const root = windows(hive(held(`${SYSTEM}\\${store}`, a, ...properties)));
    const [anchor] = contentOf(root, 'windows-machine').anchors;
    expect(anchor && [trustStatus(anchor.trust), anchor.trust.expressed]).toEqual([status, expressed]);
  });

  it('is for the usages that are left', () => {
    const properties = [
      blobProperty(Property.disallowedUsage, CODE),
      blobProperty(Property.disallowedSince, past),
    ];
    const [anchor] = contentOf(
      windows(hive(held(`${SYSTEM}\\ROOT`, a, ...properties))),
      'windows-machine',
    ).anchors;
    expect(anchor && purposesWith(anchor.trust, 'distrusted')).toEqual(['codeSigning']);
    expect(anchor && purposesWith(anchor.trust, 'trusted')).toHaveLength(4);
  });

  it.each<[string, () => Held, string]>([
    ['itself', () => held(`${SYSTEM}\\Disallowed`, a), 'Disallowed'],
    [
      'by policy',
      () => held('Policies\\Microsoft\\SystemCertificates\\Disallowed', a),
      'Disallowed (group policy)',
    ],
    [
      'from Active Directory',
      () => held('Microsoft\\EnterpriseCertificates\\Disallowed', a),
      'Disallowed (enterprise)',
    ],
    [
      'by its hash',
      () => ({
        [`${SYSTEM}\\Disallowed\\Certificates\\x`]: {
          Blob: blobProperty(3, Buffer.from(sha1(a.der), 'hex')),
        },
      }),
      'Disallowed',
    ],
    ['by the same body under another signature', () => held(`${SYSTEM}\\Disallowed`, sameBody), 'Disallowed'],
    [
      "by Microsoft's list",
      () => ({
        [`${SYSTEM}\\AuthRoot\\AutoUpdate`]: {
          DisallowedCertEncodedCtl: trustList([[sha1(a.der), {}]], { usage: '2b0601040182370a031e' }),
        },
      }),
      "Microsoft's list of disallowed certificates",
    ],
  ])('ends where the certificate is refused %s', (_how, refused, where) => {
    const root = windows(hive(held(`${SYSTEM}\\ROOT`, a), held(`${SYSTEM}\\AuthRoot`, b), refused()));
    const anchors = contentOf(root, 'windows-machine').anchors.filter(
      ({ entry }) => !entry.startsWith('Dis'),
    );
    expect(anchors.map(({ trust }) => `${trustStatus(trust)}: ${trust.expressed}`).toSorted()).toEqual([
      `mitigated: ROOT, but refused by ${where}`,
      'trusted: AuthRoot',
    ]);
  });
});

describe('what is odd', () => {
  it('is told', () => {
    const software = hive(
      {
        [`${SYSTEM}\\ROOT\\Certificates\\0000`]: { Blob: certificateBlob(a.der) },
        [`${SYSTEM}\\ROOT\\Certificates\\1111`]: { Blob: Buffer.from('broken') },
        [`${SYSTEM}\\ROOT\\Certificates\\2222`]: { Other: 1 },
        [`${SYSTEM}\\Disallowed\\Certificates\\3333`]: { Blob: blobProperty(3, Buffer.alloc(20)) },
        [`${SYSTEM}\\Weird\\PhysicalStores\\X`]: {},
      },
      held(`Wow6432Node\\${SYSTEM}\\ROOT`, b),
    );
    const { anchors, problems, notes } = contentOf(windows(software), 'windows-machine');
    expect(anchors.map(({ entry }) => entry)).toEqual(['ROOT\\0000']);
    const base = `${SOFTWARE}\\${SYSTEM}`;
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      `truncated ${base}\\ROOT\\Certificates\\1111`,
    ]);
    expect(notes).toEqual([
      `${base}\\ROOT\\Certificates\\0000: holds another certificate than its name says (SHA-1 ${sha1(a.der).toLowerCase()})`,
      `${base}\\Disallowed: 1 entry with a hash and no certificate`,
      `${base}\\Weird: has PhysicalStores, which may lead to other places`,
      `${SOFTWARE}\\Wow6432Node\\${SYSTEM}: 1 certificate in a copy that Windows does not read`,
    ]);
  });

  it.each<[string, Buffer, string[]]>([
    ['damaged', Buffer.from('no hive'), ['truncated']],
    ['unfinished, without its logs', makeHive({}, { sequences: [2, 1] }), ['stale']],
  ])('of a hive that is %s is told once for all its stores', (_what, software, codes) => {
    const { target } = windows(software);
    const problems = [...locate(stores, target).values()].flatMap(
      ([type, location]) => readWhole(type, target, location, OPTIONS).problems,
    );
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(
      codes.map((code) => `${code} ${SOFTWARE}`),
    );
  });
});

describe('roots that Windows fetches on demand', () => {
  const listed = (properties: Readonly<Record<number, Uint8Array>> = {}): Held => ({
    [`${SYSTEM}\\AuthRoot\\AutoUpdate`]: {
      EncodedCtl: trustList([
        [
          sha1(a.der),
          {
            [Property.rootSha256]: Buffer.from(a.sha256, 'hex'),
            [Property.friendlyName]: utf16('Root A'),
            ...properties,
          },
        ],
        [sha1(b.der), {}],
      ]),
    },
  });
  const status = (...parts: readonly Held[]): string[] =>
    outline(contentOf(windows(hive(...parts)), 'windows-on-demand'));
  const name = (): string => `Root A (${sha1(a.der)})`;

  it('are trusted, known by their hashes', () => {
    const { anchors, notes } = contentOf(windows(hive(listed())), 'windows-on-demand');
    expect(anchors.map(({ certificate, entry }) => [certificate.sha256, entry])).toEqual([
      [a.sha256, name()],
    ]);
    expect(anchors.map(({ trust }) => trustStatus(trust))).toEqual(['trusted']);
    expect(notes).toHaveLength(1);
  });

  it.each<[string, () => Held[], string]>([
    ['disallowed by the list', () => [listed({ [Property.disallowedSince]: Buffer.alloc(8) })], 'mitigated'],
    ['in Disallowed', () => [listed(), held(`${SYSTEM}\\Disallowed`, a)], 'mitigated'],
    [
      'switched off by policy',
      () => [listed(), { 'Policies\\Microsoft\\SystemCertificates\\AuthRoot': { DisableRootAutoUpdate: 1 } }],
      'present',
    ],
    [
      'left on by policy',
      () => [listed(), { 'Policies\\Microsoft\\SystemCertificates\\AuthRoot': { DisableRootAutoUpdate: 0 } }],
      'trusted',
    ],
  ])('%s', (_how, parts, expected) => {
    expect(status(...parts())).toEqual([`${name()} = ${expected}`]);
  });

  it('are inside a library where the registry has no list', () => {
    expect(contentOf(windows(hive()), 'windows-on-demand').notes).toHaveLength(1);
  });

  it.skipIf(!hasSample('windows/authroot-2025-06-16.stl'))("are 514 in Microsoft's list of 2025", () => {
    const list = {
      [`${SYSTEM}\\AuthRoot\\AutoUpdate`]: { EncodedCtl: sample('windows/authroot-2025-06-16.stl') },
    };
    const { anchors, problems } = contentOf(windows(hive(list)), 'windows-on-demand');
    expect(anchors).toHaveLength(514);
    expect(anchors.filter(({ trust }) => trustStatus(trust) === 'trusted').length).toBeGreaterThan(250);
    expect(problems).toEqual([]);
  });
});

describe('a root of a user', () => {
  const ROOT = `Software\\${SYSTEM}\\Root`;
  const protectedRoots = (...certificates: readonly TestCertificate[]): Held => ({
    [`${ROOT}\\ProtectedRoots`]: {
      Certificates: Buffer.concat([
        u32(24),
        u32(1),
        Buffer.alloc(8),
        u32(0),
        u32(24),
        ...certificates.map(({ der }) => Buffer.from(sha1(der), 'hex')),
      ]),
    },
  });
  const statusOf = (software: readonly Held[], user: readonly Held[]): string[] =>
    contentOf(windows(hive(...software), { [NTUSER]: hive(...user) }), 'windows-user').anchors.map(
      ({ trust }) => `${trustStatus(trust)}: ${trust.expressed}`,
    );

  it.each<[string, () => readonly [Held[], Held[]], string]>([
    ['in ProtectedRoots', () => [[], [held(ROOT, a), protectedRoots(b, a)]], 'trusted: Root'],
    [
      'missing in ProtectedRoots',
      () => [[], [held(ROOT, a), protectedRoots(b)]],
      'present: Root, but not in ProtectedRoots: Windows ignores it',
    ],
    [
      'without ProtectedRoots',
      () => [[], [held(ROOT, a)]],
      'present: Root, but not in ProtectedRoots: Windows ignores it',
    ],
    [
      'where a policy forbids it',
      () => [
        [{ 'Policies\\Microsoft\\SystemCertificates\\Root\\ProtectedRoots': { Flags: 1 } }],
        [held(ROOT, a), protectedRoots(a)],
      ],
      'present: Root, but a policy takes no roots from users',
    ],
    [
      'that the machine refuses',
      () => [[held(`${SYSTEM}\\Disallowed`, a)], [held(ROOT, a), protectedRoots(a)]],
      'mitigated: Root, but refused by Disallowed',
    ],
    [
      'that the user refuses',
      () => [[], [held(ROOT, a), protectedRoots(a), held(`Software\\${SYSTEM}\\Disallowed`, a)]],
      'mitigated: Root, but refused by Disallowed of bob',
    ],
  ])('%s', (_what, parts, expected) => {
    expect(statusOf(...parts())).toContain(expected);
  });
});

describe('other stores', () => {
  it.each([
    ['windows-policy', 'Policies\\Microsoft\\SystemCertificates'],
    ['windows-enterprise', 'Microsoft\\EnterpriseCertificates'],
    ['windows-service', 'Microsoft\\Cryptography\\Services\\Spooler\\SystemCertificates'],
  ])('%s is read', (id, path) => {
    const root = windows(hive(held(`${path}\\Root`, a)));
    expect(outline(contentOf(root, id, SOFTWARE))).toEqual([`Root\\${sha1(a.der)} = trusted`]);
  });
});

describe('removal from a Windows that is not running', () => {
  it.each([
    ['windows-machine', `${SYSTEM}\\ROOT`, /certutil -delstore Root [0-9A-F]{40}/],
    ['windows-machine', `${SYSTEM}\\AuthRoot`, /certutil -addstore Disallowed saved.cer/],
    ['windows-policy', 'Policies\\Microsoft\\SystemCertificates\\Root', /group policy object/],
    ['windows-enterprise', 'Microsoft\\EnterpriseCertificates\\Root', /Active Directory/],
  ])('%s is told in words', (id, path, note) => {
    const { target } = windows(hive(held(path, a)));
    const [type, location] = [...locate(stores, target).values()].find(([each]) => each.id === id) ?? [];
    if (!type || !location) throw new Error('no store');
    const { anchors } = readWhole(type, target, location, OPTIONS);
    const plan = type.planRemoval(target, location, anchors);
    expect([plan.disposition, plan.commands, plan.undo]).toEqual(['manual', [], []]);
    expect(plan.note).toMatch(note);
  });
});

describe.skipIf(!hasSample('windows/dirty-new-log'))('the sample of a machine that was cut off', () => {
  it('has the roots that only the logs hold', () => {
    const root = makeRoot({
      [SOFTWARE]: sample('windows/dirty-new-log/SOFTWARE'),
      [`${SOFTWARE}.LOG1`]: sample('windows/dirty-new-log/SOFTWARE.LOG1'),
      '/Windows/System32/config/software.log2': sample('windows/dirty-new-log/SOFTWARE.LOG2'),
      [NTUSER]: sample('windows/NTUSER.DAT'),
    });
    const { anchors, problems } = contentOf(root, 'windows-machine');
    const roots = anchors.filter(({ entry }) => entry.startsWith('ROOT'));
    expect(roots.map(({ entry }) => entry.slice(5, 13)).toSorted()).toEqual([
      '187BB753',
      '55A6723E',
      'DAFAF7FA',
    ]);
    expect(problems).toEqual([]);
    // The machine's Disallowed refuses the first root of the user; the second is not protected.
    const user = outline(contentOf(root, 'windows-user')).filter((line) => line.startsWith('Root'));
    expect(user.map((line) => line.replace(/\\\w+/, '')).toSorted()).toEqual([
      'Root = mitigated',
      'Root = present',
    ]);
  });
});
