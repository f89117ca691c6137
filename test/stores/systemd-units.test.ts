/** Variables that systemd units set: those of packages, of administrators, and of people. */

import { describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/openssl.ts';
import { foundIn } from '../support/certificate-files.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeRoot } from '../support/root.ts';
import type { Node } from '../support/tree.ts';

const CA = '/opt/ca.pem';
const UNIT = `[Service]\nExecStart=/usr/bin/a\nEnvironment="SSL_CERT_FILE=${CA}"\n`;
const FOUND = [`openssl-env ${CA}: listed (trusted)`];
const certificate = makeCertificate({ subject: { CN: 'Set by a unit' } });
const PASSWD = 'ann:x:1000:1000::/home/ann:/bin/sh\n';

const found = (files: Readonly<Record<string, Node>>): string[] =>
  foundIn(stores, makeRoot({ '/etc/passwd': PASSWD, '/home/ann/': '', [CA]: certificate.pem, ...files }));

describe('a variable in a unit is found', () => {
  it.each([
    '/usr/lib/systemd/system/a.service',
    '/lib/systemd/system/a.service',
    '/usr/lib/systemd/user/a.service',
    '/usr/local/lib/systemd/system/a.service',
    '/etc/systemd/system/a.service',
    '/etc/systemd/user/a.service.d/own.conf',
    '/usr/lib/systemd/system/a.service.d/own.conf',
    '/run/systemd/system/a.service',
    '/home/ann/.config/systemd/user/a.service',
  ])('of %s', (path) => {
    expect(found({ [path]: UNIT })).toEqual(FOUND);
  });

  it('in the file that it names', () => {
    const unit = '[Service]\nEnvironmentFile=-/etc/own/a.env\n';
    const files = { '/usr/lib/systemd/system/a.service': unit, '/etc/own/a.env': `SSL_CERT_FILE=${CA}\n` };
    expect(found(files)).toEqual(FOUND);
  });

  it('once, also when /lib is /usr/lib and the unit has other names', () => {
    const root = makeRoot({
      [CA]: certificate.pem,
      '/usr/lib/systemd/system/a.service': UNIT,
      '/usr/lib/systemd/system/b.service': { link: 'a.service' },
      '/etc/systemd/system/multi-user.target.wants/a.service': { link: '/lib/systemd/system/a.service' },
      '/lib': { link: 'usr/lib' },
    });
    const [, openssl] = stores;
    const [location] = openssl?.locate(root.target) ?? [];
    expect(location?.application).toBe('OpenSSL (SSL_CERT_FILE in /usr/lib/systemd/system/a.service)');
    expect(foundIn(stores, root)).toEqual(FOUND);
  });

  it('not in one that is masked', () => {
    expect(found({ '/usr/lib/systemd/system/a.service': { link: '/dev/null' } })).toEqual([]);
  });
});
