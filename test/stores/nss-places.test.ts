import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import { store as system } from '../../src/stores/nss-system.ts';
import { store as user } from '../../src/stores/nss-user.ts';
import { hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { makeRoot } from '../support/root.ts';

const options = { storePasswords: [] };

describe('NSS databases of people and of the system', () => {
  it('are found in every home, in snaps and in flatpaks, each once', () => {
    const { target } = makeRoot({
      '/home/alice/.pki/nssdb/cert9.db': '',
      '/home/alice/.local/share/pki/nssdb/cert9.db': '',
      '/home/alice/snap/chromium/2999/.pki/nssdb/cert9.db': '',
      '/home/alice/snap/chromium/current': { link: '2999' },
      '/home/alice/snap/chromium/common/.pki/nssdb': { link: '../../current/.pki/nssdb' },
      '/home/alice/.var/app/com.google.Chrome/.pki/nssdb/cert9.db': '',
      '/home/bob/.pki/nssdb/pkcs11.txt': '',
      '/root/.pki/nssdb/cert9.db': '',
    });
    expect(
      user
        .locate(target)
        .map(({ path, application }) => `${path} ${application}`)
        .toSorted(),
    ).toEqual([
      '/home/alice/.local/share/pki/nssdb NSS shared database (alice)',
      '/home/alice/.pki/nssdb NSS shared database (alice)',
      '/home/alice/.var/app/com.google.Chrome/.pki/nssdb flatpak com.google.Chrome (alice)',
      '/home/alice/snap/chromium/common/.pki/nssdb snap chromium (alice)',
      '/root/.pki/nssdb NSS shared database (root)',
    ]);
  });

  it('of servers are found', () => {
    const { target } = makeRoot({
      '/etc/pki/nssdb/cert9.db': '',
      '/etc/ipsec.d/cert9.db': '',
      '/etc/dirsrv/slapd-one/cert9.db': '',
      '/etc/dirsrv/slapd-two/cert9.db': '',
      '/etc/dirsrv/config/other': '',
      '/etc/httpd/alias/cert8.db': '',
    });
    expect(system.locate(target).map(({ path, scope, format }) => `${scope} ${path} ${format}`)).toEqual([
      'system /etc/pki/nssdb NSS cert9.db',
      'system /etc/ipsec.d NSS cert9.db',
      'system /etc/dirsrv/slapd-one NSS cert9.db',
      'system /etc/dirsrv/slapd-two NSS cert9.db',
      'system /etc/httpd/alias NSS cert8.db',
    ]);
  });

  it('in the old format that are damaged are a problem, never clean', () => {
    const { target } = makeRoot({ '/etc/httpd/alias/cert8.db': 'x' });
    const [location] = system.locate(target);
    const content = location && readWhole(system, target, location, options);
    expect(content?.problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'truncated /etc/httpd/alias/cert8.db',
    ]);
  });

  it('that are damaged, too deep in links, or no files are problems', () => {
    const { target } = makeRoot({
      '/etc/pki/nssdb/cert9.db': 'this is no database',
      '/etc/ipsec.d/cert9.db/': '',
      '/etc/httpd/alias/cert9.db': { link: 'cert9.db' },
    });
    const codes = system
      .locate(target)
      .map((location) =>
        readWhole(system, target, location, options).problems.map(({ code, path }) => `${code} ${path}`),
      );
    expect(codes).toEqual([
      ['malformed /etc/pki/nssdb/cert9.db'],
      ['unreadable /etc/ipsec.d/cert9.db'],
      ['link-loop /etc/httpd/alias/cert9.db'],
    ]);
  });

  it.skipIf(process.getuid?.() === 0)(
    'that may not be read are problems (skipped: as root, everything may)',
    () => {
      const root = makeRoot({ '/etc/dirsrv/slapd-one/cert9.db': '' });
      chmodSync(root.at('/etc/dirsrv'), 0o000);
      const problems = system
        .locate(root.target)
        .flatMap((location) => readWhole(system, root.target, location, options).problems);
      chmodSync(root.at('/etc/dirsrv'), 0o755);
      expect(problems.map(({ code }) => code)).toEqual(['unreadable']);
    },
  );

  it.skipIf(!hasCertutil)(
    `that are empty are read without a word${unless(hasCertutil, 'certutil of NSS')}`,
    () => {
      const root = makeRoot({ '/etc/pki/nssdb/': '' });
      makeNssDatabase(root.at('/etc/pki/nssdb'));
      const [location] = system.locate(root.target);
      expect(location && readWhole(system, root.target, location, options)).toEqual({
        anchors: [],
        problems: [],
        notes: [],
      });
    },
  );
});
