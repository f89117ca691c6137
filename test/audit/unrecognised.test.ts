import { describe, expect, it } from 'vitest';
import { scanReport } from '../support/rootaudit.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate, makeKey } from '../support/certificates.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const listed = makeCertificate({ subject: { CN: 'Listed' } });
const shipped = makeCertificate({ subject: { CN: 'Shipped' } });
const key = makeKey();
const own = makeCertificate({ subject: { CN: 'Own' }, key });

const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'listed', certificates: [blocked(listed, { id: 'listed' })] })],
  certificates: [listed.der],
  programs: { roots: { [shipped.sha256]: ['mozilla'] } },
});

const LOCAL = '/usr/local/share/ca-certificates/own.crt';

function scan(
  files: Readonly<Record<string, Node>>,
  ...args: readonly string[]
): ReturnType<typeof scanReport> {
  const root = makeTree({
    '/etc/os-release': 'ID=debian\n',
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n',
    '/etc/ssl/certs/ca-certificates.crt': `${shipped.pem}${listed.pem}${own.pem}`,
    [LOCAL]: own.pem,
    ...files,
  });
  return scanReport(['--no-policy', '--blocklist', BLOCKLIST, '--root', root, ...args]);
}

describe('roots that no programme ships', () => {
  it('are those that are trusted and neither shipped nor listed, each once', () => {
    const { unrecognised } = scan({});
    expect(unrecognised?.map(({ certificate }) => certificate.subject)).toEqual(['CN=Own']);
    expect(unrecognised?.[0]?.locations.map(({ path }) => path)).toEqual([
      LOCAL,
      '/etc/ssl/certs/ca-certificates.crt',
    ]);
  });

  it('tell the file that has them of itself, with its time and owner, and not its copies', () => {
    const [root] = scan({}).unrecognised ?? [];
    expect(root?.origins).toEqual([
      // oxlint-disable-next-line typescript/no-unsafe-assignment -- any text of that form
      { path: LOCAL, modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), user: expect.any(String) },
    ]);
  });

  it('tell the package that the file belongs to', () => {
    const anchor = '/etc/pki/ca-trust/source/anchors/own.pem';
    const [root] =
      scan({
        [LOCAL]: shipped.pem,
        '/etc/ssl/certs/ca-certificates.crt': shipped.pem,
        [anchor]: own.pem,
        '/var/lib/dpkg/info/corp.list': `/.\n${anchor}\n`,
        '/var/lib/dpkg/status': 'Package: corp\nVersion: 1.2\n',
      }).unrecognised ?? [];
    expect(root?.origins).toMatchObject([{ path: anchor, package: 'corp 1.2' }]);
  });

  it('tell where their private key lies', () => {
    const pem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const [root] = scan({ '/home/ann/.local/share/mkcert/rootCA-key.pem': pem }).unrecognised ?? [];
    expect(root?.privateKey).toBe('/home/ann/.local/share/mkcert/rootCA-key.pem');
  });

  it('fail the scan when it is asked to, and only then', () => {
    const files = { '/etc/ssl/certs/ca-certificates.crt': shipped.pem };
    expect(scan(files).exitCode).toBe(0);
    expect(scan(files, '--fail-on', 'unrecognised').exitCode).toBe(1);
    expect(scan({ ...files, [LOCAL]: shipped.pem }, '--fail-on', 'unrecognised').exitCode).toBe(0);
  });
});
