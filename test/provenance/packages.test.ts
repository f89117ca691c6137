import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRpmHeader } from '../../src/formats/rpm-header.ts';
import { packageOwners } from '../../src/provenance/packages.ts';
import { DirectoryFs } from '../../src/targets/directory-fs.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const CERTIFICATE = '/usr/local/share/ca-certificates/corp.crt';

const DATABASES: readonly {
  readonly manager: string;
  readonly files: Readonly<Record<string, string>>;
  readonly version: string;
}[] = [
  {
    manager: 'dpkg',
    files: {
      '/var/lib/dpkg/info/other.list': '/.\n/usr\n',
      '/var/lib/dpkg/info/corp-root:amd64.list': `/.\n${CERTIFICATE}\n`,
      '/var/lib/dpkg/status':
        'Package: other\nVersion: 9\n\nPackage: corp-root\nStatus: ok\nVersion: 1.2-3\n',
    },
    version: '1.2-3',
  },
  {
    manager: 'apk',
    files: {
      '/lib/apk/db/installed': `P:other\nV:9\nF:usr\nR:a\n\nP:corp-root\nV:1.2-r3\nF:usr/local/share/ca-certificates\nR:corp.crt\n`,
    },
    version: '1.2-r3',
  },
  {
    manager: 'pacman',
    files: {
      '/var/lib/pacman/local/ALPM_DB_VERSION': '9\n',
      '/var/lib/pacman/local/corp-root-1.2-3/files': `%FILES%\nusr/\n${CERTIFICATE.slice(1)}\n`,
    },
    version: '1.2-3',
  },
];

function ownersIn(root: string, paths: readonly string[]): unknown {
  return Object.fromEntries(packageOwners(new DirectoryFs(root), paths));
}

describe('which package a file belongs to', () => {
  it.each(DATABASES)('is read from the database of $manager', ({ manager, files, version }) => {
    const root = makeTree({ ...files, [CERTIFICATE]: 'x' });
    expect(ownersIn(root, [CERTIFICATE, '/etc/hostname'])).toEqual({
      [CERTIFICATE]: { manager, name: 'corp-root', version },
    });
  });

  it('is found under the other spelling of a merged /usr', () => {
    const root = makeTree({
      '/var/lib/dpkg/info/x.list': '/.\n/lib/ca.pem\n',
      '/usr/lib/ca.pem': 'x',
      '/lib': { link: 'usr/lib' },
    });
    expect(ownersIn(root, ['/usr/lib/ca.pem'])).toMatchObject({ '/usr/lib/ca.pem': { name: 'x' } });
  });

  it('is not guessed from a path that is only the beginning or the end of a listed one', () => {
    const root = makeTree({ '/var/lib/dpkg/info/x.list': `/.\n${CERTIFICATE}.bak\n/x${CERTIFICATE}\n` });
    expect(ownersIn(root, [CERTIFICATE])).toEqual({});
  });

  it.skipIf(!existsSync('/usr/bin/rpmbuild'))('is read from a database that RPM itself wrote', () => {
    const work = makeTemporaryDirectory();
    const root = join(work, 'root');
    mkdirSync(join(root, 'var/lib/rpm'), { recursive: true });
    const spec = join(work, 'corp.spec');
    writeFileSync(
      spec,
      `Name: corp-root\nVersion: 1.2\nRelease: 3\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n` +
        `%install\nmkdir -p %{buildroot}/usr/local/share/ca-certificates\necho x > %{buildroot}${CERTIFICATE}\n%files\n${CERTIFICATE}\n`,
    );
    spawnSync('rpmbuild', ['-bb', '--define', `_topdir ${work}/build`, spec]);
    const rpm = join(work, 'build/RPMS/noarch/corp-root-1.2-3.noarch.rpm');
    const database = ['--root', root, '--define', '_dbpath /var/lib/rpm'];
    spawnSync('rpm', [...database, '-i', '--nodeps', '--force-debian', rpm]);
    expect(ownersIn(root, [CERTIFICATE])).toEqual({
      [CERTIFICATE]: { manager: 'rpm', name: 'corp-root', version: '1.2-3' },
    });
  });
});

/** An RPM header of name, version, release and one file. */
function rpmHeader(): Buffer {
  const data = Buffer.concat([
    Buffer.from(['corp', '1.2', '3', '/etc/', 'corp.pem', ''].join('\0')),
    Buffer.alloc(1),
    Buffer.from([0, 0, 0, 0]),
  ]);
  const entry = (tag: number, type: number, offset: number): Buffer => {
    const bytes = Buffer.alloc(16);
    for (const [i, value] of [tag, type, offset, 1].entries()) bytes.writeUInt32BE(value, i * 4);
    return bytes;
  };
  const entries = [
    entry(1000, 6, 0),
    entry(1001, 6, 5),
    entry(1002, 6, 9),
    entry(1118, 8, 11),
    entry(1117, 8, 17),
    entry(1116, 4, 27),
  ];
  const head = Buffer.alloc(8);
  head.writeUInt32BE(entries.length);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, ...entries, data]);
}

describe('the header of an RPM package', () => {
  it('gives name, version and the full paths of its files', () => {
    const parsed = parseRpmHeader(rpmHeader());
    expect(parsed).toMatchObject({ name: 'corp', version: '1.2-3' });
    expect('files' in parsed && [...parsed.files()]).toEqual(['/etc/corp.pem']);
  });

  it('never throws on changed bytes', () => {
    const whole = rpmHeader();
    assert(
      property(nat(whole.length), nat(whole.length - 1), nat(255), (length, at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        const parsed = parseRpmHeader(bytes.subarray(0, length));
        if ('files' in parsed) expect([...parsed.files()].length).toBeLessThan(10);
      }),
    );
  });
});
