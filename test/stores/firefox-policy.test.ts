import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreContent, StoreType } from '../../src/core/store.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { store as enterpriseRoots } from '../../src/stores/firefox-enterprise-roots.ts';
import { store as policy } from '../../src/stores/firefox-policy.ts';
import { store as firefox } from '../../src/stores/firefox.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { hasSample, makeRoot, runCommands, sample, type TestRoot } from '../support/root.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });
const FILE = '/etc/firefox/policies/policies.json';
const MAC = '/System/Library/CoreServices/x';
const WINDOWS = '/Windows/System32/x';

const install = (...names: readonly string[]): string =>
  JSON.stringify({ policies: { Certificates: { Install: names } } });

function readAll(store: StoreType, { target }: TestRoot): StoreContent[] {
  return store.locate(target).map((location) => readWhole(store, target, location, { storePasswords: [] }));
}

function lines(root: TestRoot): string[] {
  return readAll(policy, root).flatMap(({ anchors }) =>
    anchors.map(({ path, trust }) => `${path} = ${trustStatus(trust)}`),
  );
}

function notes(store: StoreType, root: TestRoot): string {
  return readAll(store, root)
    .flatMap((content) => content.notes)
    .join('\n');
}

function plan(store: StoreType, { target }: TestRoot, { sha256 }: TestCertificate): Remediation {
  for (const location of store.locate(target)) {
    const { anchors } = readWhole(store, target, location, { storePasswords: [] });
    const own = anchors.filter(({ certificate }) => certificate.sha256 === sha256);
    if (own.length > 0) return store.planRemoval(target, location, own);
  }
  throw new Error('not held');
}

describe('policies of Firefox', () => {
  it.each<[string, string, string]>([
    ['/x', FILE, 'Firefox'],
    ['/x', '/etc/librewolf/policies/policies.json', 'LibreWolf'],
    ['/x', '/etc/thunderbird/policies/policies.json', 'Thunderbird'],
    ['/x', '/usr/lib/firefox/distribution/policies.json', 'Firefox'],
    ['/x', '/usr/lib/firefox-esr/distribution/policies.json', 'Firefox ESR'],
    ['/x', '/usr/lib64/firefox/distribution/policies.json', 'Firefox'],
    ['/x', '/opt/firefox/distribution/policies.json', 'Firefox'],
    ['/x', '/snap/firefox/current/usr/lib/firefox/distribution/policies.json', 'Firefox (snap)'],
    [
      '/x',
      '/var/lib/flatpak/app/org.mozilla.firefox/current/active/files/etc/firefox/policies/policies.json',
      'Firefox (flatpak)',
    ],
    [
      '/x',
      '/var/lib/flatpak/extension/org.mozilla.firefox.systemconfig/x86_64/stable/policies/policies.json',
      'Firefox (flatpak)',
    ],
    [MAC, '/Applications/Firefox.app/Contents/Resources/distribution/policies.json', 'Firefox'],
    [MAC, '/Library/Managed Preferences/org.mozilla.firefox.plist', 'Firefox'],
    [WINDOWS, '/Program Files/Mozilla Firefox/distribution/policies.json', 'Firefox'],
    [WINDOWS, '/Program Files (x86)/Mozilla Thunderbird/distribution/policies.json', 'Thunderbird'],
  ])('on %s are found at %s', (system, path, program) => {
    const { target } = makeRoot({ [system]: '', [path]: '{}' });
    const found = policy.locate(target).map((location) => `${location.path} = ${location.application}`);
    expect(found).toEqual([`${path} = ${program}, policies`]);
  });

  it('of a person who unpacked the program belong to that person', () => {
    const { target } = makeRoot({ '/home/alice/firefox/distribution/policies.json': '{}' });
    expect(policy.locate(target)).toMatchObject([
      { application: 'Firefox, policies (alice)', scope: 'user', user: 'alice' },
    ]);
  });

  it('install certificates by path, or by a name that is searched for', () => {
    const root = makeRoot({
      [FILE]: install('/srv/one.pem', 'two.der', 'missing.pem', '../../etc/passwd', ''),
      '/srv/one.pem': one.pem,
      '/usr/lib/mozilla/certificates/two.der': two.der,
      '/home/alice/.mozilla/certificates/two.der': two.der,
    });
    expect(lines(root)).toEqual([
      '/srv/one.pem = trusted',
      '/usr/lib/mozilla/certificates/two.der = trusted',
      '/home/alice/.mozilla/certificates/two.der = trusted',
    ]);
    expect(notes(policy, root)).toMatch(/installs "missing.pem", which is not there/);
    expect(readAll(policy, root)[0]?.problems).toEqual([]);
  });

  it.each<[string, string, string]>([
    [MAC, 'one.pem', '/Library/Application Support/Mozilla/Certificates/one.pem'],
    [MAC, 'one.pem', '/Users/bob/Library/Application Support/Mozilla/Certificates/one.pem'],
    [WINDOWS, 'one.pem', '/Users/bob/AppData/Local/Mozilla/Certificates/one.pem'],
    [WINDOWS, String.raw`C:\certs\one.pem`, '/certs/one.pem'],
  ])('on %s search for %s at %s', (system, name, path) => {
    const file =
      system === MAC
        ? '/Applications/Firefox.app/Contents/Resources/distribution/policies.json'
        : '/Program Files/Mozilla Firefox/distribution/policies.json';
    expect(lines(makeRoot({ [system]: '', [file]: install(name), [path]: one.pem }))).toEqual([
      `${path} = trusted`,
    ]);
  });

  it('in managed preferences only count when they say so', () => {
    const plist = (enabled: string): string =>
      `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>${enabled}<key>Certificates__Install</key><array><string>/one.pem</string></array></dict></plist>`;
    const at = (enabled: string): TestRoot =>
      makeRoot({
        [MAC]: '',
        '/one.pem': one.pem,
        '/Library/Managed Preferences/org.mozilla.firefox.plist': plist(enabled),
      });
    expect(lines(at('<key>EnterprisePoliciesEnabled</key><true/>'))).toEqual(['/one.pem = trusted']);
    expect(lines(at(''))).toEqual(['/one.pem = present']);
  });

  it('say in notes what else brings roots', () => {
    const text = JSON.stringify({
      policies: {
        Certificates: { ImportEnterpriseRoots: true },
        SecurityDevices: { card: '/usr/lib/card.so' },
      },
    });
    const linux = makeRoot({ [FILE]: text });
    expect(notes(policy, linux)).toMatch(/has no effect on this system/);
    expect(notes(policy, linux)).toMatch(/loads the PKCS #11 module card \(\/usr\/lib\/card.so\)/);
    const windows = makeRoot({
      [WINDOWS]: '',
      '/Program Files/Mozilla Firefox/distribution/policies.json': text,
    });
    expect(notes(policy, windows)).toMatch(
      /roots added to the operating system's store count in this program too/,
    );
  });

  it('that are damaged are a problem', () => {
    const root = makeRoot({ [FILE]: '{"policies": {' });
    expect(readAll(policy, root).flatMap(({ problems }) => problems.map(({ code }) => code))).toEqual([
      'truncated',
    ]);
  });

  it('lose exactly one entry, and get it back', () => {
    const before = install('/srv/one.pem', 'two.der');
    const root = makeRoot({
      [FILE]: before,
      '/srv/one.pem': one.pem,
      '/usr/lib/mozilla/certificates/two.der': two.der,
    });
    const { commands, undo, disposition, note } = plan(policy, root, two);
    expect(disposition).toBe('safe');
    expect(note).toMatch(/^Profiles that have started with this policy keep a copy/);
    runCommands(commands);
    expect(readFileSync(root.at(FILE), 'utf8')).toBe(install('/srv/one.pem'));
    expect(lines(root)).toEqual(['/srv/one.pem = trusted']);
    runCommands(undo);
    expect(readFileSync(root.at(FILE), 'utf8')).toBe(before);
  });

  it('say when an entry installs other certificates as well', () => {
    const root = makeRoot({ [FILE]: install('/srv/both.pem'), '/srv/both.pem': one.pem + two.pem });
    const { disposition, note } = plan(policy, root, one);
    expect(disposition).toBe('unsafe');
    expect(note).toMatch(/^The same entry installs other certificates/);
  });

  it.skipIf(!hasSample('firefox'))('of a sample are read', () => {
    const root = makeRoot({ [FILE]: sample('firefox/policies.json'), '/usr/local/share/x/r1.pem': one.pem });
    expect(lines(root)).toEqual(['/usr/local/share/x/r1.pem = trusted']);
    expect(notes(policy, root)).toMatch(/"cert1.der", which is not there/);
  });

  it.skipIf(!hasCertutil)(
    `are where the removal of a profile's copy begins${unless(hasCertutil, 'certutil of NSS')}`,
    () => {
      const profile = '/home/alice/.mozilla/firefox/abc.default';
      const root = makeRoot({
        [`${profile}/`]: '',
        [FILE]: install('/srv/one.pem'),
        '/srv/one.pem': one.pem,
      });
      makeNssDatabase(root.at(profile));
      addToNss(root.at(profile), one, 'One', 'CT,CT,');
      addToNss(root.at(profile), two, 'Two', 'CT,CT,');
      expect(plan(firefox, root, one)).toMatchObject({ disposition: 'unsafe' });
      expect(plan(firefox, root, one).note).toMatch(
        /^The policy in \/etc\/firefox\/policies\/policies.json installs it again/,
      );
      expect(plan(firefox, root, two).disposition).toBe('safe');
    },
  );
});

describe('the enterprise roots of Firefox', () => {
  const profile = (system: string): string =>
    system === MAC
      ? '/Users/bob/Library/Application Support/Firefox/Profiles/abc'
      : system === WINDOWS
        ? '/Users/bob/AppData/Roaming/Mozilla/Firefox/Profiles/abc'
        : '/home/bob/.mozilla/firefox/abc';
  const on = 'user_pref("security.enterprise_roots.enabled", true);\n';
  const off = 'user_pref("security.enterprise_roots.enabled", false);\n';

  it.each<[string, Readonly<Record<string, string>>, string]>([
    [
      MAC,
      { 'prefs.js': on },
      "prefs.js:1: security.enterprise_roots.enabled is on: roots added to the operating system's store count here too",
    ],
    [
      WINDOWS,
      { 'prefs.js': `// x\n${on}` },
      "prefs.js:2: security.enterprise_roots.enabled is on: roots added to the operating system's store count here too",
    ],
    [
      WINDOWS,
      { 'prefs.js': on, 'user.js': off },
      "user.js:1: security.enterprise_roots.enabled is off: roots added to the operating system's store do not count here",
    ],
    [
      '/x',
      { 'prefs.js': on },
      'prefs.js:1: security.enterprise_roots.enabled is on, which has no effect on Linux',
    ],
    [
      MAC,
      { 'prefs.js': 'user_pref("x", 1);' },
      "prefs.js: security.enterprise_roots.enabled is not set: from version 120 on, Firefox then trusts roots added to the operating system's store too",
    ],
    ['/x', { 'prefs.js': off }, ''],
    ['/x', { 'prefs.js': 'user_pref("x", 1);' }, ''],
  ])('on %s with %j', (system, files, expected) => {
    const directory = profile(system);
    const root = makeRoot({
      [system]: '',
      [`${directory}/cert9.db`]: '',
      ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text])),
    });
    expect(notes(enterpriseRoots, root)).toBe(expected === '' ? '' : `${directory}/${expected}`);
  });

  it('may be set by AutoConfig for everyone', () => {
    const path = '/Program Files/Mozilla Firefox/mozilla.cfg';
    const root = makeRoot({
      [WINDOWS]: '',
      [path]: '// first\nlockPref("security.enterprise_roots.enabled", true);',
    });
    expect(notes(enterpriseRoots, root)).toMatch(/mozilla.cfg:2: .* is on/);
  });

  it('that cannot be read are a problem', () => {
    const directory = profile('/x');
    const root = makeRoot({ [`${directory}/cert9.db`]: '', [`${directory}/prefs.js/`]: '' });
    expect(
      readAll(enterpriseRoots, root).flatMap(({ problems }) => problems.map(({ code }) => code)),
    ).toEqual(['unreadable']);
  });
});
