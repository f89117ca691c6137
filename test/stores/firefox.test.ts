import { describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import type { Target } from '../../src/core/target.ts';
import { parseIni } from '../../src/formats/ini.ts';
import { store as firefox } from '../../src/stores/firefox.ts';
import { store as thunderbird } from '../../src/stores/thunderbird.ts';
import { makeCertificate } from '../support/certificates.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { hasSample, makeRoot, outline, runCommands, sample } from '../support/root.ts';

const BASE = '/home/alice/.mozilla/firefox';
const options = { storePasswords: [] };

function found(target: Target, store = firefox): string[] {
  return store.locate(target).map(({ path, application }) => `${path} = ${application}`);
}

describe('profiles of Firefox', () => {
  it('are those of profiles.ini, relative and absolute, and those beside it', () => {
    const { target } = makeRoot({
      [`${BASE}/profiles.ini`]:
        '\ufeff[Install4F96D1932A9F858E]\r\nDefault=abc.default-release\r\n\r\n[Profile1]\r\nName=default-release\r\n' +
        'IsRelative=1\r\nPath=abc.default-release\r\n[Profile0]\nName=work\nIsRelative=0\nPath=/srv/profile\n' +
        '[Profile2]\nName=gone\nIsRelative=1\nPath=gone\n',
      [`${BASE}/abc.default-release/cert9.db`]: '',
      [`${BASE}/old.backup/cert8.db`]: '',
      [`${BASE}/Crash Reports/events`]: '',
      '/srv/profile/cert9.db': '',
    });
    expect(found(target)).toEqual([
      `${BASE}/abc.default-release = Firefox (alice, profile default-release)`,
      '/srv/profile = Firefox (alice, profile work)',
      `${BASE}/old.backup = Firefox (alice, profile old.backup)`,
    ]);
  });

  it('count once, by whatever links and names they are reached', () => {
    const { target } = makeRoot({
      [`${BASE}/profiles.ini`]:
        '[Profile0]\nName=a\nIsRelative=1\nPath=link\n[Profile1]\nName=b\nIsRelative=0\nPath=/home/alice/.mozilla/../.mozilla/firefox/real\n',
      [`${BASE}/real/cert9.db`]: '',
      [`${BASE}/link`]: { link: 'real' },
      '/home/alice/.config/mozilla': { link: '../.mozilla' },
    });
    expect(found(target)).toEqual([`${BASE}/link = Firefox (alice, profile a)`]);
  });

  it('named by a hostile profiles.ini stay inside the target, and keep their names as they are', () => {
    const { target } = makeRoot({
      [`${BASE}/profiles.ini`]:
        '[Profile0]\nName=\u001b[31mred\nIsRelative=1\nPath=../../../../../../../../srv/p\n' +
        '[Profile1]\nName=nul\nIsRelative=0\nPath=/etc/\0x\n[Profile2]\nPath=\n[Profile3]\nIsRelative=0\nPath=/proc/self/root/tmp\n' +
        '='.repeat(1000),
      '/srv/p/cert9.db': '',
    });
    expect(found(target)).toEqual(['/srv/p = Firefox (alice, profile \u001b[31mred)']);
  });

  it('are a problem when their list cannot be read', () => {
    const { target } = makeRoot({ [`${BASE}/profiles.ini/`]: '', [`${BASE}/a/cert9.db`]: '' });
    const locations = firefox.locate(target);
    const problems = locations.flatMap((location) => readWhole(firefox, target, location, options).problems);
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([`unreadable ${BASE}/profiles.ini`]);
    expect(locations).toHaveLength(2);
  });

  it.each([
    ['/home/a/.config/mozilla/firefox/x', 'Firefox'],
    ['/home/a/snap/firefox/common/.mozilla/firefox/x', 'Firefox'],
    ['/home/a/.var/app/org.mozilla.firefox/.mozilla/firefox/x', 'Firefox'],
    ['/home/a/.var/app/org.mozilla.firefox/config/mozilla/firefox/x', 'Firefox'],
    ['/home/a/Downloads/FirefoxPortable/Data/profile', 'Firefox'],
    ['/home/a/.librewolf/x', 'LibreWolf'],
    ['/home/a/.waterfox/x', 'Waterfox'],
    ['/home/a/.floorp/x', 'Floorp'],
    ['/home/a/.zen/x', 'Zen Browser'],
    ['/home/a/.config/zen/x', 'Zen Browser'],
    ['/home/a/tor-browser/Browser/TorBrowser/Data/Browser/profile.default', 'Tor Browser'],
    ['/home/a/Downloads/tor-browser_en-US/Browser/TorBrowser/Data/Browser/profile.default', 'Tor Browser'],
    [
      '/home/a/.local/share/torbrowser/tbb/x86_64/tor-browser/Browser/TorBrowser/Data/Browser/profile.default',
      'Tor Browser',
    ],
    ['/home/a/mullvad-browser/Browser/TorBrowser/Data/Browser/profile.default', 'Mullvad Browser'],
    ['/home/a/.moonchild productions/pale moon/x', 'Pale Moon'],
    ['/home/a/.mozilla/seamonkey/x', 'SeaMonkey'],
    ['/Users/a/Library/Application Support/Firefox/Profiles/x', 'Firefox'],
    ['/Users/a/Library/Application Support/TorBrowser-Data/Browser/x', 'Tor Browser'],
    ['/Users/a/AppData/Roaming/Mozilla/Firefox/Profiles/x', 'Firefox'],
    ['/Users/a/AppData/Roaming/librewolf/Profiles/x', 'LibreWolf'],
  ])('are found in %s', (path, program) => {
    const { target } = makeRoot({ [`${path}/cert9.db`]: '' });
    const name = path.split('/').at(-1) ?? '';
    expect(found(target)).toEqual([`${path} = ${program} (a, profile ${name})`]);
    expect(found(target, thunderbird)).toEqual([]);
  });

  it('of Windows may lie on another drive', () => {
    const { target } = makeRoot({
      '/Users/a/AppData/Roaming/Mozilla/Firefox/profiles.ini':
        '[Profile0]\r\nName=d\r\nIsRelative=0\r\nPath=D:\\profiles\\main\r\n',
      '/D:/profiles/main/cert9.db': '',
    });
    expect(found(target)).toEqual(['/D:/profiles/main = Firefox (a, profile d)']);
  });

  it.skipIf(!hasCertutil)(
    `are read, and a root leaves them and comes back${unless(hasCertutil, 'certutil of NSS')}`,
    () => {
      const root = makeRoot({ [`${BASE}/abc.default/prefs.js`]: '' });
      const profile = `${BASE}/abc.default`;
      makeNssDatabase(root.at(profile));
      addToNss(root.at(profile), makeCertificate({ subject: { CN: 'Bad' } }), 'Bad', 'CT,C,C');
      addToNss(root.at(profile), makeCertificate({ subject: { CN: 'Good' } }), 'Good', 'p,p,p');
      const [location] = firefox.locate(root.target);
      if (!location) throw new Error('no profile');
      const read = () => readWhole(firefox, root.target, location, options);
      expect(outline(read())).toEqual(['Bad = trusted', 'Good = mitigated']);
      const { disposition, commands, undo, note } = firefox.planRemoval(
        root.target,
        location,
        read().anchors.slice(0, 1),
      );
      expect(disposition).toBe('safe');
      expect(note).toMatch(/^Close Firefox first\./);
      runCommands(commands);
      expect(outline(read())).toEqual(['Good = mitigated']);
      runCommands(undo);
      expect(outline(read())).toEqual(['Bad = trusted', 'Good = mitigated']);
    },
  );

  it.skipIf(!hasCertutil)(`of Windows are cleaned by hand${unless(hasCertutil, 'certutil of NSS')}`, () => {
    const profile = '/Users/a/AppData/Roaming/Mozilla/Firefox/Profiles/x';
    const root = makeRoot({ '/Windows/System32/': '', [`${profile}/`]: '' });
    makeNssDatabase(root.at(profile));
    addToNss(root.at(profile), makeCertificate({ subject: { CN: 'Bad' } }), 'Bad', 'C,,');
    const [location] = firefox.locate(root.target);
    if (!location) throw new Error('no profile');
    const { anchors } = readWhole(firefox, root.target, location, options);
    expect(firefox.planRemoval(root.target, location, anchors)).toMatchObject({
      disposition: 'manual',
      commands: [],
    });
  });
});

describe('profiles of Thunderbird', () => {
  it.each([
    ['/home/a/.thunderbird/x', 'Thunderbird'],
    ['/home/a/snap/thunderbird/common/.thunderbird/x', 'Thunderbird'],
    ['/home/a/.var/app/org.mozilla.Thunderbird/.thunderbird/x', 'Thunderbird'],
    ['/home/a/.var/app/eu.betterbird.Betterbird/.thunderbird/x', 'Betterbird'],
    ['/Users/a/Library/Thunderbird/Profiles/x', 'Thunderbird'],
    ['/Users/a/AppData/Roaming/Thunderbird/Profiles/x', 'Thunderbird'],
  ])('are found in %s', (path, program) => {
    const { target } = makeRoot({ [`${path}/cert9.db`]: '' });
    expect(found(target, thunderbird)).toEqual([`${path} = ${program} (a, profile x)`]);
    expect(found(target)).toEqual([]);
  });
});

describe.skipIf(!hasSample('firefox'))(
  `a sample profiles.ini${unless(hasSample('firefox'), 'the directory of samples')}`,
  () => {
    it('names three profiles', () => {
      const { entries } = parseIni(sample('firefox/profiles.ini'));
      const paths = entries
        .filter(({ name }) => name.startsWith('Profile'))
        .map(({ values }) => values.get('Path'));
      expect(paths).toEqual(['xyz.default', 'abcd1234.default-release', '/srv/ffprofile']);
    });
  },
);
