import { describe, expect, it } from 'vitest';
import type { StoreContent } from '../../src/core/store.ts';
import { FsError, type Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { stores } from '../../src/stores/macos.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import {
  ALWAYS,
  certsTable,
  keychain,
  NEVER,
  plist,
  sha1,
  SMIME,
  trustSettings,
  UNSPECIFIED,
} from '../support/apple.ts';
import { refusing } from '../support/refusing-fs.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { unless } from '../support/nss.ts';
import { hasSample, locate, makeRoot, sample } from '../support/root.ts';
import type { Node } from '../support/tree.ts';

const make = (name: string): TestCertificate => makeCertificate({ subject: { CN: name } });
const shipped = make('Shipped');
const narrowed = make('Narrowed');
const added = make('Added');
const plain = make('Plain');
const own = make('Own');
const intermediate = makeCertificate({ subject: { CN: 'Intermediate' }, issuer: added });

const VAULT = '/private/var/protected/trustd/private';
const OLD = '/Library/Security/Trust Settings';
const ROOTS = '/System/Library/Keychains/SystemRootCertificates.keychain';
const UUID = 'AAAAAAAA-0000-4000-8000-000000000001';
const OTHER_UUID = 'AAAAAAAA-0000-4000-8000-000000000002';

const item = (certificate: TestCertificate, label: string): { der: Uint8Array; label: string } => ({
  der: certificate.der,
  label,
});

const MAC: Readonly<Record<string, Node>> = {
  '/System/Library/CoreServices/': '',
  [ROOTS]: keychain([item(shipped, 'Shipped'), item(narrowed, 'Narrowed')]),
  '/Library/Keychains/System.keychain': keychain([
    item(added, 'Added'),
    item(plain, 'Plain'),
    item(intermediate, 'Intermediate'),
  ]),
  '/Users/alice/Library/Keychains/login.keychain-db': keychain([item(own, 'Own')]),
  '/private/var/db/dslocal/nodes/Default/users/alice.plist': plist({ generateduid: [UUID] }),
};

/** What every store says, by its type and path: "Added = trusted (administrator: Always Trust) in the file". */
function scan(files: Readonly<Record<string, Node>>, base = MAC): Record<string, string[]> {
  const { target } = makeRoot({ ...base, ...files });
  return Object.fromEntries(
    Array.from(locate(stores, target).values(), ([store, location]) => [
      `${store.id} ${location.path}`,
      lines(location.path, readWhole(store, target, location, { storePasswords: [] })),
    ]),
  );
}

function lines(base: string, { anchors, problems, notes }: StoreContent): string[] {
  return [
    ...anchors.map(
      ({ entry, trust, path }) =>
        `${entry} = ${trustStatus(trust)} (${trust.expressed})${path.startsWith(base) ? '' : ` by ${path}`}`,
    ),
    ...problems.map(({ code, path, message }) => `${code} ${path}: ${message}`),
    ...notes,
  ];
}

const ADMIN = 'macos-admin /Library/Keychains';
const USER = 'macos-user /Users/alice/Library/Keychains';
const SYSTEM = `macos-system-roots ${ROOTS}`;
const HELD = ['Added = present (no trust settings)', 'Plain = present (no trust settings)'];
const INTERMEDIATE = 'Intermediate = present (no trust settings)';

describe('a Mac', () => {
  it('trusts its system roots, and holds what else lies in keychains', () => {
    expect(scan({})).toEqual({
      [ADMIN]: [...HELD, INTERMEDIATE],
      [USER]: ['Own = present (no trust settings)'],
      [SYSTEM]: ['Shipped = trusted (system root)', 'Narrowed = trusted (system root)'],
    });
  });

  it('trusts and refuses what the administrator says, also of system roots', () => {
    const settings = trustSettings([
      [added.der, ALWAYS],
      [plain.der, NEVER],
      [intermediate.der, ALWAYS],
      [shipped.der, NEVER],
      [own.der, [{ kSecTrustSettingsPolicy: SMIME }]],
    ]);
    expect(scan({ [`${VAULT}/Admin.plist`]: settings })).toEqual({
      [ADMIN]: [
        'Added = trusted (administrator: Always Trust)',
        'Plain = mitigated (administrator: Never Trust)',
        'Intermediate = present (administrator: Always Trust, without effect because it is no root)',
        `Own = trusted (administrator: S/MIME: Always Trust) by ${VAULT}/Admin.plist`,
      ],
      [USER]: ['Own = trusted (administrator: S/MIME: Always Trust)'],
      [SYSTEM]: ['Shipped = mitigated (administrator: Never Trust)', 'Narrowed = trusted (system root)'],
    });
  });

  it('has users whose settings count before those of the administrator', () => {
    const found = scan({
      [`${VAULT}/Admin.plist`]: trustSettings([
        [added.der, ALWAYS],
        [own.der, NEVER],
      ]),
      [`${VAULT}/${UUID}/TrustSettings.plist`]: trustSettings([
        [added.der, NEVER],
        [own.der, ALWAYS],
        [shipped.der, NEVER],
      ]),
    });
    const file = `${VAULT}/${UUID}/TrustSettings.plist`;
    expect(found[USER]).toEqual([
      'Own = trusted (user: Always Trust; administrator: Never Trust)',
      `Added = mitigated (user: Never Trust; administrator: Always Trust) by ${file}`,
      `Shipped = mitigated (user: Never Trust) by ${file}`,
    ]);
    expect(found[ADMIN]?.[0]).toBe('Added = trusted (administrator: Always Trust)');
    expect(found[SYSTEM]?.[0]).toBe('Shipped = trusted (system root)');
  });

  it('narrows system roots down by its own settings', () => {
    const settings = trustSettings([
      [shipped.der, UNSPECIFIED],
      [narrowed.der, [{ kSecTrustSettingsPolicy: SMIME }]],
    ]);
    expect(scan({ '/System/Library/Keychains/SystemTrustSettings.plist': settings })[SYSTEM]).toEqual([
      'Shipped = present (system: no value specified)',
      'Narrowed = trusted (system: S/MIME: Always Trust)',
    ]);
  });

  it('before macOS 12 has its settings in /Library/Security; a file left there later is stale', () => {
    const old = { [`${OLD}/Admin.plist`]: trustSettings([[added.der, ALWAYS]]) };
    expect(scan(old)[ADMIN]?.[0]).toBe('Added = trusted (administrator: Always Trust)');
    const both = scan({ ...old, [`${VAULT}/Admin.plist`]: trustSettings([[added.der, NEVER]]) });
    expect(both[ADMIN]).toEqual([
      'Added = mitigated (administrator: Never Trust)',
      HELD[1],
      INTERMEDIATE,
      `${OLD}/Admin.plist: an older file; ${VAULT}/Admin.plist is the one in use`,
    ]);
    const user = scan({ [`${OLD}/${UUID}.plist`]: trustSettings([[own.der, ALWAYS]]) });
    expect(user[USER]).toEqual(['Own = trusted (user: Always Trust)']);
  });

  it('can ignore what users say', () => {
    const found = scan({
      [`${OLD}/${UUID}.plist`]: trustSettings([[own.der, ALWAYS]]),
      '/Library/Preferences/com.apple.security.plist': plist({ DisableUserTrustSettings: true }),
    });
    expect(found[USER]).toEqual([
      'Own = present (no trust settings)',
      `${OLD}/${UUID}.plist: ignored, because DisableUserTrustSettings is set in /Library/Preferences/com.apple.security.plist`,
    ]);
  });

  it('has settings of users without a home that is known', () => {
    const path = `${VAULT}/${OTHER_UUID}/TrustSettings.plist`;
    const settings = trustSettings([
      [plain.der, ALWAYS],
      [own.der, NEVER],
    ]);
    expect(scan({ [path]: settings })[`macos-user ${path}`]).toEqual([
      'Plain = trusted (user: Always Trust)',
      'Own = mitigated (user: Never Trust)',
    ]);
  });

  it('may trust a certificate that no keychain holds: that is a problem', () => {
    const hash = sha1(make('Gone').der);
    const refused = sha1(make('Refused').der);
    const found = scan({
      [`${VAULT}/Admin.plist`]: trustSettings([
        [hash, ALWAYS],
        [refused, NEVER],
      ]),
    });
    expect(found[ADMIN]?.slice(3)).toEqual([
      `unsupported ${VAULT}/Admin.plist: trusted, but in no keychain that can be read: SHA-1 ${hash.toLowerCase()}`,
      `${VAULT}/Admin.plist: not trusted, and in no keychain that can be read: SHA-1 ${refused.toLowerCase()}`,
    ]);
  });

  it('with settings or keychains that are damaged is never clean', () => {
    const found = scan({
      [`${VAULT}/Admin.plist`]: trustSettings([[added.der, ALWAYS]], 2),
      '/Users/alice/Library/Keychains/other.keychain': 'kych',
      [ROOTS]: 'x',
    });
    expect(found[ADMIN]?.[0]).toBe('Added = present (kept; trust settings that cannot be read may trust it)');
    expect(found[ADMIN]?.at(-1)).toBe(`unsupported ${VAULT}/Admin.plist: version 2 of trust settings`);
    expect(found[USER]?.at(-1)).toBe(
      'truncated /Users/alice/Library/Keychains/other.keychain: keychain cut off',
    );
    expect(found[SYSTEM]).toEqual([`malformed ${ROOTS}: not a keychain file`]);
  });

  it('that lets nobody read its settings is never clean', () => {
    const { target: open } = makeRoot({
      ...MAC,
      [`${OLD}/Admin.plist`]: trustSettings([[added.der, ALWAYS]]),
    });
    const target: Target = { ...open, kind: 'live', fs: refusing(open.fs, VAULT) };
    const found = Array.from(locate(stores, target).values(), ([store, location]) =>
      lines(location.path, readWhole(store, target, location, { storePasswords: [] })),
    );
    expect(found.flat()).toEqual([
      'Added = trusted (administrator: Always Trust)',
      'Plain = present (kept; trust settings that cannot be read may trust it)',
      'Intermediate = present (kept; trust settings that cannot be read may trust it)',
      expect.stringMatching(/^unreadable .*trustd\/private\/Admin\.plist: .*security dump-trust-settings -d/),
      'Own = present (kept; trust settings that cannot be read may trust it)',
      expect.stringMatching(/^unreadable .*trustd\/private: .*security dump-trust-settings/),
      'Shipped = trusted (system root)',
      'Narrowed = trusted (system root)',
    ]);
  });

  it('that runs is asked for what it keeps from everyone', () => {
    const { target: open } = makeRoot({
      ...MAC,
      [`${OLD}/Admin.plist`]: trustSettings([[plain.der, ALWAYS]]),
    });
    const exported = {
      user: Buffer.from(trustSettings([[added.der, NEVER]])),
      administrator: Buffer.from(trustSettings([[added.der, ALWAYS]])),
    };
    const fs = refusing(open.fs, VAULT);
    const homes = open.homes.filter(({ user }) => user === 'alice');
    const readAll = (trustSettingsExport: Target['trustSettings']): string[] => {
      const target: Target = {
        ...open,
        kind: 'live',
        homes,
        fs,
        ...(trustSettingsExport && { trustSettings: trustSettingsExport }),
      };
      return Array.from(locate(stores, target).values(), ([store, location]) =>
        lines(location.path, readWhole(store, target, location, { storePasswords: [] })),
      ).flat();
    };
    const rest = ['Shipped = trusted (system root)', 'Narrowed = trusted (system root)'];
    expect(readAll({ export: (domain) => exported[domain] })).toEqual([
      'Added = trusted (administrator: Always Trust)',
      HELD[1],
      INTERMEDIATE,
      `${OLD}/Admin.plist: an older file; ${VAULT}/Admin.plist is the one in use`,
      'Own = present (no trust settings)',
      `Added = mitigated (user: Never Trust; administrator: Always Trust) by ${VAULT}`,
      ...rest,
    ]);
    expect(readAll({ export: () => undefined })).toEqual([
      ...HELD,
      INTERMEDIATE,
      'Own = present (no trust settings)',
      ...rest,
    ]);
    const failing = (): never => {
      throw new FsError('io', '/usr/bin/security', 'no');
    };
    expect(readAll({ export: failing }).filter((line) => line.startsWith('unreadable'))).toHaveLength(2);
  });

  it('may be only its data volume', () => {
    const { target } = makeRoot({
      '/Library/Keychains/System.keychain': keychain([item(added, 'Added')]),
      [`${VAULT}/Admin.plist`]: trustSettings([[added.der, ALWAYS]]),
    });
    expect(target.platform).toBe('darwin');
  });
});

describe('lists of system anchors', () => {
  const BUNDLE = '/System/Library/Security/Certificates.bundle/Contents/Resources';
  const ASSET = '/System/Library/AssetsV2/com_apple_MobileAsset_PKITrustStore/abc.asset/AssetData';
  const version = (number: number): string => plist({ VersionNumber: number });
  const anchors = plist({
    a: [
      { sha2: shipped.sha256, type: 'system' },
      { sha2: narrowed.sha256.toUpperCase(), type: 'platform', oids: ['1.2.840.113635.100.1.8'] },
      { sha2: plain.sha256, type: 'custom', oids: ['1.2.3'] },
    ],
  });

  /** What the store of system roots says on a Mac without the keychain of them. */
  function lists(files: Readonly<Record<string, Node>>): string[] | undefined {
    const found = scan(files, { '/System/Library/CoreServices/': '', '/Library/Keychains/': '' });
    return found[`macos-system-roots ${BUNDLE}`];
  }

  it('are tables, all of whose certificates are trusted', () => {
    const found = lists({ [`${BUNDLE}/certsTable.data`]: certsTable([shipped.der, plain.der]) });
    expect(found).toEqual([
      'record at 0 = trusted (system root)',
      expect.stringMatching(/^record at \d+ = trusted \(system root\)$/),
    ]);
  });

  it('are files beside a list that says who may be trusted for what', () => {
    const found = lists({
      [`${BUNDLE}/Anchors.plist`]: anchors,
      [`${BUNDLE}/Anchors/1.cer`]: shipped.der,
      [`${BUNDLE}/Anchors/2.cer`]: narrowed.der,
      [`${BUNDLE}/Anchors/3.cer`]: plain.der,
      [`${BUNDLE}/Anchors/4.cer`]: own.der,
      [`${BUNDLE}/certsTable.data`]: certsTable([shipped.der]),
    });
    expect(found).toEqual([
      '1.cer = trusted (system anchor)',
      '2.cer = trusted (platform anchor, for S/MIME)',
      '3.cer = present (custom anchor, for policy 1.2.3)',
      '4.cer = present (not in Anchors.plist)',
    ]);
  });

  it('count only in their newest version', () => {
    const found = lists({
      [`${BUNDLE}/certsTable.data`]: certsTable([shipped.der]),
      [`${BUNDLE}/AssetVersion.plist`]: version(2024),
      [`${ASSET}/certsTable.data`]: certsTable([plain.der]),
      [`${ASSET}/AssetVersion.plist`]: version(2025),
    });
    expect(found).toEqual([
      "record at 0 = present (version 2024 of Apple's list, replaced by version 2025)",
      `record at 0 = trusted (system root) by ${ASSET}/certsTable.data`,
    ]);
  });

  it('that are damaged are problems', () => {
    const found = lists({
      [`${BUNDLE}/certsTable.data`]: 'x',
      [`${BUNDLE}/Anchors.plist`]: 'x',
    });
    expect(found).toEqual([
      `truncated ${BUNDLE}/certsTable.data: table cut off`,
      `malformed ${BUNDLE}/Anchors.plist: an element is missing`,
    ]);
  });
});

const samples = hasSample('macos');

describe.skipIf(!samples)(`samples${unless(samples, 'the directory of samples')}`, () => {
  it('of a bundle and of settings read as expected', () => {
    const RESOURCES = 'Certificates.bundle/Contents/Resources';
    const place = `/System/Library/Security/${RESOURCES}`;
    const names = [
      'Anchors.plist',
      'AssetVersion.plist',
      'certsTable.data',
      'Anchors/18F1FC7F205DF8ADDDEB7FE007DD57E3AF375A9C4D8D73546BF4F1FED1E18D35.cer',
      'Anchors/3E9099B5015E8F486C00BCEA9D111EE721FABA355A89BCF1DF69561E3DC6325C.cer',
      'Anchors/73C176434F1BC6D5ADF45B0E76E727287C8DE57616C1E6E6141A2B2CBC7D8E4C.cer',
      'Anchors/85A0DD7DD720ADB7FF05F83D542B209DC7FF4528F7D677B18389FEA5E5C49E86.cer',
    ];
    const files = Object.fromEntries(
      names.map((name) => [`${place}/${name}`, sample(`macos/${RESOURCES}/${name}`)]),
    );
    const admin = sample('macos/Admin.bin.plist');
    const base = { '/System/Library/CoreServices/': '', '/Library/Keychains/': '' };
    const found = scan({ ...files, [`${VAULT}/Admin.plist`]: admin }, base);
    expect(found[`macos-system-roots ${place}`]?.map((line) => line.replace(/^[0-9A-F]{56}/, ''))).toEqual([
      'D1E18D35.cer = trusted (administrator: no value specified)',
      '3DC6325C.cer = trusted (administrator: Always Trust)',
      'BC7D8E4C.cer = trusted (administrator: SSL: Never Trust)',
      'E5C49E86.cer = trusted (administrator: S/MIME: Always Trust)',
      'record at 5344 = trusted (administrator: SSL for example.com: Always Trust)',
    ]);
  });
});
