import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/python.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { countOf, foundIn, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

describe('bundles of Python packages', () => {
  it.each([
    '/usr/lib/python3/dist-packages/pip/_vendor/certifi/cacert.pem',
    '/usr/lib/python3.12/site-packages/certifi/cacert.pem',
    '/usr/lib64/python3.9/site-packages/certifi/cacert.pem',
    '/usr/local/lib/python3.12/dist-packages/certifi/cacert.pem',
    '/opt/service/venv/lib/python3.11/site-packages/botocore/cacert.pem',
    '/opt/conda/lib/python3.11/site-packages/certifi/cacert.pem',
    '/opt/conda/envs/data/lib/python3.11/site-packages/certifi/cacert.pem',
    '/opt/conda/ssl/cacert.pem',
    '/app/.venv/lib/python3.13/site-packages/grpc/_cython/_credentials/roots.pem',
    '/usr/local/aws-cli/v2/2.15.0/dist/awscli/botocore/cacert.pem',
    '/usr/lib/google-cloud-sdk/lib/third_party/certifi/cacert.pem',
    '/home/ann/.local/lib/python3.12/site-packages/httplib2/cacerts.txt',
    '/home/ann/.pyenv/versions/3.12.1/lib/python3.12/site-packages/certifi/cacert.pem',
    '/home/ann/.local/pipx/venvs/httpie/lib/python3.12/site-packages/certifi/cacert.pem',
    '/home/ann/.local/share/uv/tools/ruff/lib/python3.12/site-packages/certifi/cacert.pem',
    '/home/ann/miniconda3/envs/x/ssl/cacert.pem',
    '/home/ann/shop/.venv/lib/python3.12/site-packages/stripe/data/ca-certificates.crt',
    '/home/ann/src/shop/venv/lib/python3.12/site-packages/some_sdk/cacert.pem',
    '/usr/lib/python2.7/dist-packages/requests-2.1-py2.7.egg/certifi/cacert.pem',
  ])('are found at %s', (path) => {
    const root = makeRoot({ [path]: a.pem });
    expect(foundIn(stores, root)).toEqual([`python ${path}: listed (trusted)`]);
  });

  it('belong to the person in whose home they lie', () => {
    const root = makeRoot({
      '/home/ann/.local/lib/python3.12/site-packages/certifi/cacert.pem': a.pem,
      '/usr/lib/python3/dist-packages/certifi/cacert.pem': a.pem,
    });
    const locations = stores.flatMap((store) => store.locate(root.target));
    expect(locations.map(({ scope, user }) => [scope, user])).toEqual([
      ['application', undefined],
      ['user', 'ann'],
    ]);
  });

  it('in the package cache of conda are held, not trusted', () => {
    const path = '/opt/conda/pkgs/ca-certificates-2024.1/ssl/cacert.pem';
    expect(foundIn(stores, makeRoot({ [path]: a.pem }))).toEqual([
      `python ${path}: in the package cache: new environments get a copy (present)`,
    ]);
  });

  it('lose exactly the certificate, and get it back', () => {
    const path = '/usr/lib/python3/dist-packages/certifi/cacert.pem';
    const root = makeRoot({ [path]: `# A\n${a.pem}\n# B\n${b.pem}` });
    const outcome = removeAndUndo(stores, root, a, path);
    expect(outcome).toMatchObject({ disposition: 'unsafe', after: `# A\n\n# B\n${b.pem}`, restored: true });
    expect(outcome.note).toContain('next update');
  });
});

describe('settings of Python programs', () => {
  it.each([
    ['/etc/pip.conf', '[global]\ncert = /opt/ca.pem\n'],
    ['/home/ann/.config/pip/pip.conf', '[global]\ncert=/opt/ca.pem\n'],
    ['/opt/x/venv/pip.conf', '[install]\n  cert = "/opt/ca.pem" ; ours\n'],
    ['/home/ann/.condarc', 'channels:\n  - x\nssl_verify: /opt/ca.pem\n'],
    ['/home/ann/.config/pypoetry/auth.toml', '[certificates.corp]\ncert = "/opt/ca.pem"\n'],
    ['/home/ann/.bashrc', 'export REQUESTS_CA_BUNDLE=/opt/ca.pem\n'],
    ['/etc/systemd/system/web.service', '[Service]\nEnvironment="A=b" "PIP_CERT=/opt/ca.pem"\n'],
  ])('in %s name a file', (path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem, '/opt/x/venv/lib/python3/x': '' });
    expect(foundIn(stores, root)).toEqual(['python /opt/ca.pem: listed (trusted)']);
  });

  it.each([
    'ssl_verify: true',
    'ssl_verify: false',
    '# ssl_verify: /opt/ca.pem',
    'ssl_verify: ca.pem',
    'ssl_verify: /nowhere.pem',
    'ssl_verify:',
  ])('%s names none', (text) => {
    expect(foundIn(stores, makeRoot({ '/home/ann/.condarc': text, '/opt/ca.pem': a.pem }))).toEqual([]);
  });

  it('go when the file holds nothing else, so that the program still starts', () => {
    const conf = '/home/ann/.config/pip/pip.conf';
    const root = makeRoot({ [conf]: '[global]\ncert = /opt/ca.pem\ntimeout = 5\n', '/opt/ca.pem': a.pem });
    const outcome = removeAndUndo(stores, root, a, conf);
    expect(outcome).toMatchObject({
      disposition: 'unsafe',
      after: '[global]\ntimeout = 5\n',
      restored: true,
      note: 'Without the setting a program uses its usual roots.',
    });
  });

  it('stay when the file holds more', () => {
    const root = makeRoot({
      '/etc/pip.conf': '[global]\ncert = /opt/ca.pem\n',
      '/opt/ca.pem': a.pem + b.pem,
    });
    expect(removeAndUndo(stores, root, a, '/opt/ca.pem')).toMatchObject({ after: b.pem, restored: true });
  });

  it('on a line with others are for a person to change', () => {
    const root = makeRoot({
      '/etc/systemd/system/web.service': '[Service]\nEnvironment="A=b" "PIP_CERT=/opt/ca.pem"\n',
      '/opt/ca.pem': a.pem,
    });
    const outcome = removeAndUndo(stores, root, a, '/opt/ca.pem');
    expect(outcome.disposition).toBe('manual');
    expect(outcome.note).toContain('PIP_CERT in /etc/systemd/system/web.service, line 2');
  });
});

const where = spawnSync('python3', ['-c', 'from pip._vendor import certifi; print(certifi.where())'], {
  encoding: 'utf8',
});
const bundle = where.status === 0 ? where.stdout.trim() : '';

describe.skipIf(bundle === '')('with the real pip (skipped where there is none)', () => {
  /** SHA-256 of everything that Python's own TLS loads from the file. */
  function loadedByPython(file: string): string[] {
    const program =
      'import ssl,sys,hashlib\nc=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\nc.load_verify_locations(sys.argv[1])\n' +
      'print("\\n".join(hashlib.sha256(d).hexdigest() for d in c.get_ca_certs(True)))';
    const { stdout } = spawnSync('python3', ['-c', program, file], { encoding: 'utf8' });
    return stdout.trim().split('\n').toSorted();
  }

  it('reads what Python reads, and Python no longer loads what was removed', () => {
    const path = '/usr/lib/python3/dist-packages/pip/_vendor/certifi/cacert.pem';
    const root = makeRoot({ [path]: `${readFileSync(bundle, 'utf8')}\n# planted\n${a.pem}` });
    const before = loadedByPython(root.at(path));
    expect(before).toContain(a.sha256);
    expect(foundIn(stores, root).length).toBe(before.length);
    expect(countOf(stores, root, a)).toBe(1);
    const { after = '', restored } = removeAndUndo(stores, root, a, path);
    const cut = makeRoot({ [path]: after });
    expect(restored).toBe(true);
    expect(loadedByPython(cut.at(path))).toEqual(before.filter((sha256) => sha256 !== a.sha256));
  });
});
