import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreContent, StoreType } from '../../src/core/store.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { store as policy } from '../../src/stores/chrome-policy.ts';
import { store as rootStore } from '../../src/stores/chrome-root-store.ts';
import { store as user } from '../../src/stores/chrome-user.ts';
import { store as chromeos } from '../../src/stores/chromeos.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { writeDatabase } from '../support/chrome.ts';
import { hasPython, python, unless } from '../support/nss.ts';
import { bytesField, numberField, trustSettings } from '../support/protobuf.ts';
import { hasSample, makeRoot, runCommands, sample, type TestRoot } from '../support/root.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });
const twin = makeCertificate({ subject: { CN: 'Twin' }, key: one.key });
const HOME = '/home/alice';
const MAC = '/System/Library/CoreServices/';
const WINDOWS = '/Windows/System32/';

const hasSqlite = hasPython && spawnSync('sqlite3', ['--version'], { stdio: 'ignore' }).status === 0;
const base64 = ({ der }: TestCertificate): string => der.toString('base64');

function places(store: StoreType, { target }: TestRoot): string[] {
  return store.locate(target).map(({ path, application }) => `${path} = ${application}`);
}

function readAll(store: StoreType, { target }: TestRoot): StoreContent[] {
  return store.locate(target).map((location) => readWhole(store, target, location, { storePasswords: [] }));
}

function lines(store: StoreType, root: TestRoot): string[] {
  return readAll(store, root).flatMap(({ anchors }) =>
    anchors.map(({ trust }) => `${trustStatus(trust)}: ${trust.expressed}`),
  );
}

function held(store: StoreType, root: TestRoot): string[] {
  return readAll(store, root).flatMap(({ anchors }) => anchors.map(({ certificate }) => certificate.sha256));
}

function plan(store: StoreType, { target }: TestRoot, { sha256 }: TestCertificate): Remediation {
  for (const location of store.locate(target)) {
    const { anchors } = readWhole(store, target, location, { storePasswords: [] });
    const own = anchors.filter(({ certificate }) => certificate.sha256 === sha256);
    if (own.length > 0) return store.planRemoval(target, location, own);
  }
  throw new Error('not held');
}

describe('the certificate managers of Chrome and its relatives', () => {
  it.each<[string, string, string]>([
    ['/', `${HOME}/.config/google-chrome/Default`, 'Chrome (alice, profile Default)'],
    ['/', `${HOME}/.config/google-chrome/Profile 1`, 'Chrome (alice, profile Profile 1)'],
    ['/', `${HOME}/.config/chromium/Default`, 'Chromium (alice, profile Default)'],
    ['/', `${HOME}/snap/chromium/common/chromium/Default`, 'Chromium (alice, profile Default)'],
    [
      '/',
      `${HOME}/.var/app/org.chromium.Chromium/config/chromium/Default`,
      'Chromium (alice, profile Default)',
    ],
    [
      '/',
      `${HOME}/.var/app/com.google.Chrome/config/google-chrome/Default`,
      'Chrome (alice, profile Default)',
    ],
    ['/', `${HOME}/.config/microsoft-edge/Default`, 'Edge (alice, profile Default)'],
    ['/', `${HOME}/.config/BraveSoftware/Brave-Browser/Default`, 'Brave (alice, profile Default)'],
    ['/', `${HOME}/.config/vivaldi/Default`, 'Vivaldi (alice, profile Default)'],
    ['/', `${HOME}/.config/opera`, 'Opera (alice, profile opera)'],
    ['/', `${HOME}/.config/yandex-browser/Default`, 'Yandex Browser (alice, profile Default)'],
    [MAC, '/Users/bob/Library/Application Support/Google/Chrome/Default', 'Chrome (bob, profile Default)'],
    [MAC, '/Users/bob/Library/Application Support/Microsoft Edge/Default', 'Edge (bob, profile Default)'],
    [WINDOWS, '/Users/bob/AppData/Local/Google/Chrome/User Data/Default', 'Chrome (bob, profile Default)'],
    [WINDOWS, '/Users/bob/AppData/Local/Microsoft/Edge/User Data/Profile 2', 'Edge (bob, profile Profile 2)'],
    [WINDOWS, '/Users/bob/AppData/Roaming/Opera Software/Opera Stable', 'Opera (bob, profile Opera Stable)'],
  ])('are found on %s at %s', (system, directory, application) => {
    const root = makeRoot({ [`${system}x`]: '', [`${directory}/ServerCertificate`]: '' });
    expect(places(user, root)).toEqual([`${directory}/ServerCertificate = ${application}`]);
  });

  it('count once where links lead to one', () => {
    const root = makeRoot({
      [`${HOME}/.config/google-chrome/Default/ServerCertificate`]: '',
      [`${HOME}/.config/google-chrome/Link`]: { link: 'Default' },
      [`${HOME}/.config/chromium`]: { link: 'google-chrome' },
    });
    expect(user.locate(root.target)).toHaveLength(1);
  });

  it('that cannot be read are a problem', () => {
    const root = makeRoot({ [`${HOME}/.config/chromium/Default/ServerCertificate/`]: '' });
    expect(readAll(user, root).flatMap(({ problems }) => problems.map(({ code }) => code))).toEqual([
      'unreadable',
    ]);
  });
});

const FILE = `${HOME}/.config/chromium/Default/ServerCertificate`;

function database(...rows: readonly (readonly [TestCertificate, Uint8Array])[]): TestRoot {
  const root = makeRoot({ [`${HOME}/.config/chromium/Default/`]: '' });
  writeDatabase(
    root.at(FILE),
    rows.map(([certificate, settings]) => ({ certificate, settings })),
  );
  return root;
}

describe.skipIf(!hasPython)(
  `trust in a ServerCertificate${unless(hasPython, 'python3 with sqlite3')}`,
  () => {
    it('is for websites, with the limits it has', () => {
      const root = database([one, trustSettings(3)], [two, trustSettings(3, bytesField(1, 'example.org'))]);
      expect(lines(user, root).toSorted()).toEqual([
        'trusted: trusted',
        'trusted: trusted, only for example.org',
      ]);
    });

    it('is taken away from every certificate of a distrusted key', () => {
      const root = database([one, trustSettings(2)], [twin, trustSettings(3)], [two, trustSettings(1)]);
      expect(lines(user, root).toSorted()).toEqual([
        'mitigated: distrusted, with every certificate of this key',
        'mitigated: trusted, but its key is distrusted',
        'present: hint: helps to build chains',
      ]);
    });

    it('counts on ChromeOS too', () => {
      const root = makeRoot({ '/home/chronos/u-abc/': '' });
      writeDatabase(root.at('/home/chronos/u-abc/ServerCertificate'), [
        { certificate: one, settings: trustSettings(3) },
      ]);
      expect(places(chromeos, root)).toEqual(['/home/chronos/u-abc/ServerCertificate = ChromeOS (u-abc)']);
      expect(lines(chromeos, root)).toEqual(['trusted: trusted']);
    });
  },
);

describe.skipIf(!hasSqlite)(`removal from a ServerCertificate${unless(hasSqlite, 'sqlite3')}`, () => {
  it('takes exactly the one row, and the undo puts the file back', () => {
    const root = database([one, trustSettings(3)], [two, trustSettings(3)], [twin, trustSettings(1)]);
    const before = readFileSync(root.at(FILE));
    const { commands, undo, disposition } = plan(user, root, one);
    expect(disposition).toBe('safe');
    runCommands(commands);
    expect(held(user, root).toSorted()).toEqual([two.sha256, twin.sha256].toSorted());
    runCommands(undo);
    expect(readFileSync(root.at(FILE)).equals(before)).toBe(true);
  });

  it('takes what is only in the -wal file so far, and the undo brings that file back', () => {
    const root = database([two, trustSettings(3)]);
    const row = [one.sha256, one.der.toString('hex'), trustSettings(3).toString('hex')];
    python(
      root.at(`${HOME}/.config/chromium/Default`),
      `c = sqlite3.connect('ServerCertificate', isolation_level=None)
c.execute('pragma journal_mode=wal'); c.execute('pragma wal_autocheckpoint=0')
key, der, settings = ${JSON.stringify(row)}
c.execute('insert into certificates values(?, ?, ?)', (key, bytes.fromhex(der), bytes.fromhex(settings)))
os.mkdir('copy')
for name in ('ServerCertificate', 'ServerCertificate-wal'): shutil.copy(name, 'copy')
c.close()
for name in ('ServerCertificate', 'ServerCertificate-wal'): shutil.move('copy/' + name, name)`,
    );
    const all = held(user, root);
    const wal = readFileSync(root.at(`${FILE}-wal`));
    expect(all.toSorted()).toEqual([one.sha256, two.sha256].toSorted());
    const { commands, undo } = plan(user, root, one);
    runCommands(commands);
    expect(held(user, root)).toEqual([two.sha256]);
    runCommands(undo);
    expect(held(user, root)).toEqual(all);
    expect(readFileSync(root.at(`${FILE}-wal`)).equals(wal)).toBe(true);
  });

  it('works in a directory with spaces and quotes', () => {
    const odd = `/home/o'neil $x/.config/chromium/Default/ServerCertificate`;
    const root = makeRoot({});
    writeDatabase(root.at(odd), [{ certificate: one, settings: trustSettings(3) }]);
    runCommands(plan(user, root, one).commands);
    expect(held(user, root)).toEqual([]);
  });

  it('stops before it changes anything when the file is another by now', () => {
    const root = database([one, trustSettings(3)]);
    const { commands } = plan(user, root, one);
    execFileSync('sqlite3', [root.at(FILE), "UPDATE meta SET value = '9'"]);
    expect(() => runCommands(commands)).toThrow(/test/);
    expect(held(user, root)).toEqual([one.sha256]);
  });

  it('is left to a person where the key of the row is not a digest', () => {
    const root = makeRoot({});
    writeDatabase(root.at(FILE), [
      { certificate: one, settings: trustSettings(3), key: "'); DROP TABLE certificates; --" },
    ]);
    expect(plan(user, root, one)).toMatchObject({ disposition: 'manual', commands: [] });
  });
});

describe('the Chrome Root Store of a person', () => {
  const crs = (...certificates: readonly TestCertificate[]): Buffer =>
    Buffer.concat(certificates.map(({ der }) => bytesField(1, bytesField(1, der))));
  const base = `${HOME}/.config/google-chrome/PKIMetadata`;

  it('is that of the highest version', () => {
    const root = makeRoot({
      [`${base}/999/crs.pb`]: crs(one),
      [`${base}/1000/crs.pb`]: Buffer.concat([
        crs(two),
        bytesField(1, bytesField(1, one.der), bytesField(4, numberField(1, 1744675199))),
        bytesField(1, bytesField(2, 'abcd')),
      ]),
      [`${base}/1001/other.pb`]: '',
      [`${base}/x/crs.pb`]: crs(one),
    });
    expect(places(rootStore, root)).toEqual([`${base} = Chrome (alice), built-in roots`]);
    expect(lines(rootStore, root)).toEqual([
      'trusted: trusted',
      'trusted: trusted, only for certificates: first logged no later than 2025-04-14',
      'present: in an older version, not used',
    ]);
    expect(readAll(rootStore, root)[0]?.notes.join()).toMatch(/names roots by digest only.*abcd/);
  });

  it('is not removed from, but distrusted elsewhere', () => {
    const root = makeRoot({ [`${base}/1/crs.pb`]: crs(one) });
    const { disposition, note } = plan(rootStore, root, one);
    expect(disposition).toBe('manual');
    expect(note).toMatch(/CADistrustedCertificates/);
  });
});

describe('policies of Chrome', () => {
  const DIRECTORY = '/etc/opt/chrome/policies';
  const policies = (value: unknown): string => JSON.stringify(value, undefined, 2);

  it.each([
    ['/etc/opt/chrome/policies', 'Chrome'],
    ['/etc/chromium/policies', 'Chromium'],
    ['/etc/chromium-browser/policies', 'Chromium'],
    ['/var/snap/chromium/current/policies', 'Chromium'],
    ['/etc/opt/edge/policies', 'Edge'],
    ['/etc/brave/policies', 'Brave'],
  ])('are found at %s', (path, browser) => {
    const root = makeRoot({ [`${path}/managed/a.json`]: '{}' });
    expect(places(policy, root)).toEqual([`${path} = ${browser}, policies`]);
    expect(readAll(policy, root)).toEqual([{ anchors: [], problems: [], notes: [] }]);
  });

  it('add and ban roots', () => {
    const root = makeRoot({
      [`${DIRECTORY}/managed/a.json`]: policies({
        CACertificates: [base64(one), base64(two)],
        CAHintCertificates: [base64(two)],
        CADistrustedCertificates: [base64(twin)],
        CACertificatesWithConstraints: [
          {
            certificate: base64(two),
            constraints: { permitted_dns_names: ['a.example'], permitted_cidrs: [] },
          },
        ],
        CAPlatformIntegrationEnabled: false,
      }),
    });
    expect(lines(policy, root)).toEqual([
      'mitigated: CACertificates, but its key is in CADistrustedCertificates',
      'trusted: CACertificates',
      'trusted: CACertificatesWithConstraints, only for a.example',
      'mitigated: CADistrustedCertificates: every certificate with this key',
      'present: CAHintCertificates: helps to build chains',
    ]);
    expect(readAll(policy, root)[0]?.notes.join()).toMatch(/CAPlatformIntegrationEnabled is off/);
  });

  it('of a later file, and of managed ones, replace whole lists', () => {
    const root = makeRoot({
      [`${DIRECTORY}/managed/10.json`]: policies({ CACertificates: [base64(one)] }),
      [`${DIRECTORY}/managed/20.json`]: `// later\n{"CACertificates": ["${base64(two)}",],}`,
      [`${DIRECTORY}/recommended/99.json`]: policies({ CACertificates: [base64(twin)] }),
    });
    expect(lines(policy, root)).toEqual([
      `present: CACertificates, but the list in ${DIRECTORY}/managed/20.json counts`,
      `present: CACertificates, but the list in ${DIRECTORY}/managed/20.json counts`,
      'trusted: CACertificates',
    ]);
  });

  it('that cannot be read are problems, and the others count', () => {
    const root = makeRoot({
      [`${DIRECTORY}/managed/a.json`]: '{"CACertificates": [',
      [`${DIRECTORY}/managed/b.json`]: policies({ CACertificates: ['!', base64(one)] }),
      [`${DIRECTORY}/managed/c.json`]: '[]',
    });
    const [content] = readAll(policy, root);
    expect(content?.problems.map(({ code, path }) => `${code} ${path.at(-6)}`)).toEqual([
      'truncated a',
      'malformed b',
      'malformed c',
    ]);
    expect(held(policy, root)).toEqual([one.sha256]);
  });

  it('lose exactly one entry, and get it back', () => {
    const path = `${DIRECTORY}/managed/a.json`;
    const text = `\ufeff{\n  // roots of Ä\n  "CACertificates": ["${base64(two)}", "${base64(one)}"], /* keep */\n  "CAHintCertificates": ["${base64(one)}",],\n  "CACertificatesWithConstraints": [{"certificate": "${base64(one)}", "constraints": {}}],\n}\n`;
    const root = makeRoot({ [path]: text });
    const { commands, undo, disposition, elevated } = plan(policy, root, one);
    expect([disposition, elevated]).toEqual(['safe', true]);
    runCommands(commands);
    expect(readFileSync(root.at(path), 'utf8')).toBe(
      `\ufeff{\n  // roots of Ä\n  "CACertificates": ["${base64(two)}"], /* keep */\n  "CAHintCertificates": [],\n  "CACertificatesWithConstraints": [],\n}\n`,
    );
    expect(held(policy, root)).toEqual([two.sha256]);
    runCommands(undo);
    expect(readFileSync(root.at(path), 'utf8')).toBe(text);
  });

  it('stay as they are when the file is another by now', () => {
    const path = `${DIRECTORY}/managed/a.json`;
    const root = makeRoot({ [path]: policies({ CACertificates: [base64(one)] }) });
    const { commands } = plan(policy, root, one);
    writeFileSync(root.at(path), '{}');
    expect(() => runCommands(commands)).toThrow(/test/);
    expect(readFileSync(root.at(path), 'utf8')).toBe('{}');
  });

  it('on macOS lie in managed preferences', () => {
    const plist = `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>CACertificates</key><array><string>${base64(one)}</string></array></dict></plist>`;
    const root = makeRoot({
      [`${MAC}x`]: '',
      '/Library/Managed Preferences/com.google.Chrome.plist': plist,
      '/Library/Managed Preferences/bob/com.microsoft.Edge.plist': plist,
    });
    expect(places(policy, root)).toEqual([
      '/Library/Managed Preferences/com.google.Chrome.plist = Chrome, policies',
      '/Library/Managed Preferences/bob/com.microsoft.Edge.plist = Edge, policies (bob)',
    ]);
    expect(lines(policy, root)).toEqual(['trusted: CACertificates', 'trusted: CACertificates']);
    expect(plan(policy, root, one)).toMatchObject({ disposition: 'manual' });
  });

  it.skipIf(!hasSample('chrome'))('of the samples read as expected', () => {
    const root = makeRoot(
      Object.fromEntries(
        ['certs.json', 'comment.json'].map((name) => [
          `${DIRECTORY}/managed/${name}`,
          sample(`chrome/etc/opt/chrome/policies/managed/${name}`),
        ]),
      ),
    );
    expect(lines(policy, root)).toEqual([
      `present: CACertificates, but the list in ${DIRECTORY}/managed/comment.json counts`,
      'trusted: CACertificatesWithConstraints, only for example.org, 10.1.1.0/24',
      'mitigated: CADistrustedCertificates: every certificate with this key',
      'present: CAHintCertificates: helps to build chains',
      'trusted: CACertificates',
    ]);
  });
});
