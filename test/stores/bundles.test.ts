import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { stores as applications } from '../../src/stores/applications.ts';
import { stores as languages } from '../../src/stores/languages.ts';
import { store as php } from '../../src/stores/php.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

const stores = [...languages, php, ...applications];

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

describe('bundles that come with programs and packages', () => {
  it.each([
    ['ruby', '/usr/local/bundle/gems/excon-0.110.0/data/cacert.pem'],
    ['ruby', '/var/lib/gems/3.1.0/gems/httpclient-2.8.3/lib/httpclient/cacert.pem'],
    ['ruby', '/home/ann/.rbenv/versions/3.3.0/lib/ruby/gems/3.3.0/gems/aws-sdk-core-3.190.0/ca-bundle.crt'],
    ['ruby', '/opt/chef/embedded/lib/ruby/gems/3.1.0/gems/stripe-5.0.0.beta1/lib/data/ca-certificates.crt'],
    ['ruby', '/home/ann/.rvm/usr/ssl/cert.pem'],
    ['perl', '/usr/share/perl5/Mozilla/CA/cacert.pem'],
    ['perl', '/usr/local/share/perl/5.36.0/Mozilla/CA/cacert.pem'],
    ['perl', '/home/ann/perl5/lib/perl5/Mozilla/CA/cacert.pem'],
    ['erlang', '/opt/app/lib/castore-1.0.5/priv/cacerts.pem'],
    ['erlang', '/home/ann/shop/deps/certifi/priv/cacerts.pem'],
    ['r-julia', '/opt/R/4.3.1/lib/R/etc/curl-ca-bundle.crt'],
    ['r-julia', '/opt/julia-1.10/share/julia/cert.pem'],
    ['r-julia', '/home/ann/.julia/artifacts/0a1b/cacert.pem'],
    ['php', '/var/www/html/vendor/composer/ca-bundle/res/cacert.pem'],
    ['php', '/var/www/html/wp-includes/certificates/ca-bundle.crt'],
    ['php', '/home/ann/shop/vendor/guzzlehttp/guzzle/src/cacert.pem'],
    ['snap-flatpak', '/snap/core22/current/etc/ssl/certs/ca-certificates.crt'],
    [
      'snap-flatpak',
      '/var/lib/flatpak/runtime/org.gnome.Platform/x86_64/45/active/files/etc/ssl/certs/ca-certificates.crt',
    ],
  ])('%s: %s', (id, path) => {
    expect(foundIn(stores, makeRoot({ [path]: a.pem }))).toEqual([`${id} ${path}: listed (trusted)`]);
  });

  it.each([
    ['git-for-windows', '/Program Files/Git/mingw64/etc/ssl/certs/ca-bundle.crt', 'listed'],
    ['git-for-windows', '/Users/ann/AppData/Local/Programs/Git/usr/ssl/certs/ca-bundle.crt', 'listed'],
    ['msys2-cygwin', '/msys64/usr/ssl/certs/ca-bundle.crt', 'listed'],
    ['msys2-cygwin', '/cygwin64/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', 'listed'],
    ['php', '/xampp/apache/bin/curl-ca-bundle.crt', 'listed'],
  ])('%s: %s, on Windows', (id, path, expressed) => {
    const root = makeRoot({ [path]: a.pem, '/Windows/System32/': '' });
    const there = stores.filter(({ platforms }) => platforms.includes(root.target.platform));
    expect(foundIn(there, root)).toEqual([`${id} ${path}: ${expressed} (trusted)`]);
  });

  it('rubygems has roots for its own sites', () => {
    const path = '/usr/lib/ruby/3.1.0/rubygems/ssl_certs/rubygems.org/GlobalSignRootCA.pem';
    expect(foundIn(stores, makeRoot({ [path]: a.pem }))).toEqual([
      `ruby ${path}: for the sites of rubygems only (trusted)`,
    ]);
  });

  it('an Electron program has certificates beside it', () => {
    const root = makeRoot({
      '/opt/Chat/resources/app.asar': 'x',
      '/opt/Chat/resources/roots.pem': a.pem,
      '/opt/Chat/resources/app.asar.unpacked/corp.crt': b.pem,
      '/opt/Other/resources/roots.pem': a.pem,
    });
    const words = 'beside the program, for it only (trusted)';
    expect(foundIn(stores, root)).toEqual([
      `electron-app /opt/Chat/resources/roots.pem: ${words}`,
      `electron-app /opt/Chat/resources/app.asar.unpacked/corp.crt: ${words}`,
    ]);
  });

  it('Mono has a directory', () => {
    const root = makeRoot({
      '/usr/share/.mono/certs/Trust/ski-AA.cer': a.der,
      '/usr/share/.mono/certs/new-certs/Trust/01234567.0': b.pem,
    });
    expect(foundIn(stores, root)).toEqual([
      'mono /usr/share/.mono/certs/Trust: Trust (trusted)',
      'mono /usr/share/.mono/certs/new-certs/Trust: Trust (trusted)',
    ]);
  });

  it('lose exactly the certificate, with a word about the next update', () => {
    const path = '/usr/share/perl5/Mozilla/CA/cacert.pem';
    const root = makeRoot({ [path]: a.pem + b.pem });
    expect(removeAndUndo(stores, root, a, path)).toMatchObject({
      disposition: 'unsafe',
      after: b.pem,
      restored: true,
      note: expect.stringContaining('The next update of the package brings the bundle back as it was.'),
    });
  });
});

describe('settings of PHP and Composer', () => {
  it.each([
    ['/etc/php/8.2/cli/php.ini', '[openssl]\n;openssl.cafile=/opt/x.pem\nopenssl.cafile = "/opt/ca.pem"\n'],
    ['/usr/local/etc/php/conf.d/ca.ini', 'curl.cainfo=/opt/ca.pem\n'],
    ['/home/ann/.config/composer/config.json', '{\n  "config": {\n    "cafile": "/opt/ca.pem",\n'],
  ])('in %s name a file', (path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem });
    expect(foundIn([php], root)).toEqual(['php /opt/ca.pem: listed (trusted)']);
  });

  it('in JSON are for a person to take out, because of its commas', () => {
    const path = '/home/ann/.config/composer/config.json';
    const root = makeRoot({ [path]: '{\n  "cafile": "/opt/ca.pem"\n}\n', '/opt/ca.pem': a.pem });
    expect(removeAndUndo([php], root, a, path)).toMatchObject({ disposition: 'manual', restored: true });
  });
});

const hasPerl = spawnSync('perl', ['-MMozilla::CA', '-e', '1']).status === 0;
it.skipIf(!hasPerl)(
  'the bundle of the real Mozilla::CA is where it is looked for (skipped without it)',
  () => {
    const { stdout } = spawnSync('perl', ['-MMozilla::CA', '-e', 'print Mozilla::CA::SSL_ca_file()'], {
      encoding: 'utf8',
    });
    expect(foundIn(languages, makeRoot({ [stdout]: a.pem }))).toHaveLength(1);
  },
);
