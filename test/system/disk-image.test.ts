/** Disk images made by the usual tools, read with the real 7-Zip (and guestmount, where it runs). */

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import type { StoreContent } from '../../src/core/store.ts';
import type { Target } from '../../src/core/target.ts';
import { openReference } from '../../src/images/open.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';
import { describeWith, findTool, run } from './support/tools.ts';

const planted = makeCertificate({ subject: { CN: 'Planted on a disk' } });
const PLACE = '/usr/local/share/ca-certificates/corp.crt';

const SYSTEM: Readonly<Record<string, Node>> = {
  '/etc/os-release': 'ID=debian\n',
  '/etc/debian_version': '12.5\n',
  '/etc/fstab': '/dev/sda1 / ext4 defaults 0 1\n',
  '/bin/sh': '',
  '/etc/ca-certificates.conf': '',
  [PLACE]: planted.pem,
  '/etc/ssl/certs/corp.pem': { link: PLACE },
  '/etc/ssl/certs/ca-certificates.crt': planted.pem,
  '/home/ann/.config/x': 'x',
};

const MB = 1 << 20;
let work = '';
let system = '';

beforeAll(() => {
  work = makeTemporaryDirectory();
  system = makeTree(SYSTEM);
});

const at = (name: string): string => join(work, name);

function makeFile(name: string, megabytes: number): string {
  writeFileSync(at(name), '');
  truncateSync(at(name), megabytes * MB);
  return at(name);
}

function makeExt(name: string, type = 'ext4', tree = system): string {
  run('mke2fs', ['-q', '-t', type, '-d', tree, at(name), '16M']);
  return at(name);
}

/** Puts partitions into a new file, each at a whole number of megabytes. */
function makeDisk(
  name: string,
  script: string,
  parts: readonly (readonly [megabyte: number, file: string])[],
): string {
  const path = makeFile(name, 64);
  const { status, stderr } = spawnSync(findTool('sfdisk') ?? '', ['-q', path], {
    input: script,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const [megabyte, file] of parts) {
    run('dd', [
      `if=${file}`,
      `of=${path}`,
      'bs=1M',
      `seek=${megabyte}`,
      'conv=notrunc,sparse',
      'status=none',
    ]);
  }
  return path;
}

const GPT =
  'label: gpt\nstart=2048,size=8192,type=U\nstart=10240,size=32768,type=L\nstart=43008,size=8192,type=S\n';

interface Seen {
  readonly reference: string;
  /** "debian /usr/local/share/…" */
  readonly places: readonly string[];
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** Where the planted certificate is found on each target. */
async function look(reference: string, also?: (target: Target) => void): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for await (const target of openReference(reference, { verify: false })) {
    const parts = partsOf(target);
    const problems = [...(target.problems ?? []), ...parts.flatMap((part) => part.problems)];
    const places = parts
      .flatMap(({ anchors }) => anchors)
      .filter(({ certificate }) => Buffer.from(certificate.der).equals(planted.der))
      .map(({ path }) => path);
    also?.(target);
    seen.push({
      reference: target.reference,
      places: [...new Set(places)],
      problems: problems.map(({ message }) => message),
      notes: target.notes,
    });
    await target.close?.();
  }
  return seen;
}

function partsOf(target: Target): readonly StoreContent[] {
  return STORE_TYPES.filter(({ platforms }) => platforms.includes(target.platform)).flatMap((store) =>
    store.locate(target).flatMap((location) => [...store.read(target, location, { storePasswords: [] })]),
  );
}

async function failureOf(reference: string): Promise<RootauditError> {
  try {
    await look(reference);
  } catch (error) {
    if (error instanceof RootauditError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

const SEVEN_ZIP = findTool('7zz') === undefined ? '7z' : '7zz';

describeWith([SEVEN_ZIP, 'mke2fs'], 'a file system by itself', () => {
  it.each(['ext2', 'ext3', 'ext4'])('of the kind %s shows what is planted', async (type) => {
    const [seen] = await look(makeExt(`${type}.img`, type), (target) => {
      expect(target).toMatchObject({ kind: 'disk-image', platform: 'linux' });
      expect(target.homes).toEqual([{ user: 'ann', path: '/home/ann' }]);
      expect(target.fs.realPath('/etc/ssl/certs/corp.pem')).toBe(PLACE);
    });
    expect(seen?.places).toContain(PLACE);
    expect(seen?.problems).toEqual([]);
  });

  it('has names that no shell likes', async () => {
    const names = [
      '-dash',
      '--',
      '@list',
      'w*ld?',
      'line\nfeed',
      'under_score',
      ' end ',
      'back\\slash',
      'ä',
      '-i!x',
      '.wh.x',
    ];
    const tree = makeTree({
      ...SYSTEM,
      ...Object.fromEntries(names.map((name) => [`/opt/${name}`, `<${name}>`])),
    });
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/opt/byte-`), Buffer.of(0xff)]), '<byte>');
    const [seen] = await look(makeExt('names.img', 'ext4', tree), ({ fs }) => {
      const texts = fs.list('/opt').map(({ name }) => Buffer.from(fs.read(`/opt/${name}`) ?? []).toString());
      expect(new Set(texts)).toEqual(new Set([...names.map((name) => `<${name}>`), '<byte>']));
    });
    expect(seen?.problems).toEqual([]);
  });

  it('that is cut off is incomplete', async () => {
    const path = at('cut.img');
    copyFileSync(makeExt('whole.img'), path);
    truncateSync(path, 9 * MB);
    const [seen] = await look(path);
    expect(seen?.problems.join('\n')).toContain('not all of it could be read: 7-Zip says');
  });

  it('does not lead outside of itself', async () => {
    const outside = join(makeTemporaryDirectory(), 'secret.crt');
    writeFileSync(outside, planted.pem);
    const tree = makeTree({
      '/etc/ssl/certs/a.pem': { link: outside },
      '/etc/ssl/certs/b.pem': { link: `../../../../../..${outside}` },
    });
    const [seen] = await look(makeExt('links.img', 'ext4', tree));
    expect(seen?.places).toEqual([]);
  });
});

describeWith([SEVEN_ZIP, 'mke2fs', 'sfdisk'], 'a raw disk with partitions', () => {
  it.each([
    ['a GPT', GPT, ' (partition 2, ext4)'],
    [
      'an MBR',
      'label: dos\nstart=2048,size=8192,type=c\nstart=10240,size=32768,type=83\n',
      ' (partition 2, ext4)',
    ],
    [
      'logical partitions',
      'label: dos\nstart=2048,size=6144,type=c\nstart=8192,size=90000,type=5\nstart=10240,size=32768,type=83\n',
      ' (partition 2, ext4)',
    ],
    // Where there is but one, 7-Zip goes into it by itself.
    ['one GPT partition', 'label: gpt\nstart=10240,size=32768,type=L\n', ''],
  ])('in %s shows what is planted, without a copy', async (_, table, label) => {
    const path = makeDisk('disk.raw', table, [[5, makeExt('root.img')]]);
    const seen = await look(path);
    expect(seen).toMatchObject([{ reference: `${path}${label}`, problems: [] }]);
    expect(seen[0]?.places).toContain(PLACE);
  });

  it('is read as a target for each system', async () => {
    const homes = makeTree({ '/ann/.config/x': 'x', '/ann/.profile': '' });
    const path = makeDisk(
      'two.raw',
      'label: gpt\nstart=2048,size=32768,type=L\nstart=34816,size=32768,type=L\n',
      [
        [1, makeExt('root.img')],
        [17, makeExt('homes.img', 'ext4', homes)],
      ],
    );
    const seen = await look(path, ({ homes: found, reference }) => {
      if (reference.includes('partition 2')) expect(found).toEqual([{ user: 'ann', path: '/ann' }]);
    });
    expect(seen.map(({ reference }) => reference)).toEqual([
      `${path} (partition 1, ext4)`,
      `${path} (partition 2, ext4)`,
    ]);
  });
});

describeWith([SEVEN_ZIP, 'mke2fs', 'sfdisk', 'qemu-img'], 'a disk in a container', () => {
  it.each<[string, readonly string[], string?]>([
    ['qcow2', ['-O', 'qcow2']],
    ['compressed qcow2', ['-c', '-O', 'qcow2']],
    ['VMDK', ['-O', 'vmdk']],
    ['VMDK in pieces', ['-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentFlat'], 'pieces.vmdk'],
    ['VHD', ['-O', 'vpc']],
    ['VHD of a fixed size', ['-O', 'vpc', '-o', 'subformat=fixed,force_size']],
    ['VHDX', ['-O', 'vhdx']],
    ['VDI', ['-O', 'vdi']],
  ])('of the kind %s shows what is planted', async (_, args, name = 'contained') => {
    const raw = makeDisk('contained.raw', GPT, [[5, makeExt('root.img')]]);
    const path = at(name);
    run('qemu-img', ['convert', ...args, raw, path]);
    const seen = await look(path);
    expect(seen).toMatchObject([{ reference: `${path} (partition 2, ext4)`, problems: [] }]);
    expect(seen[0]?.places).toContain(PLACE);
    expect(seen[0]?.places).toContain('/etc/ssl/certs/ca-certificates.crt');
  });

  it('that needs another file is refused', async () => {
    const raw = makeDisk('base.raw', GPT, []);
    run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', raw, '-F', 'raw', at('over.qcow2')]);
    expect((await failureOf(at('over.qcow2'))).message).toContain('needs another file, which it names');
  });

  it('without partitions is read too', async () => {
    run('qemu-img', ['convert', '-O', 'qcow2', makeExt('bare.img'), at('bare.qcow2')]);
    const seen = await look(at('bare.qcow2'));
    expect(seen[0]?.places).toContain(PLACE);
  });
});

describeWith([SEVEN_ZIP, 'genisoimage'], 'a disc', () => {
  it.each<[string, readonly string[]]>([
    ['with Rock Ridge names', ['-R']],
    ['with Joliet names', ['-J', '-R']],
    ['with UDF', ['-udf', '-R']],
  ])('%s shows what is planted', async (_, args) => {
    const path = at('disc.iso');
    run('genisoimage', ['-quiet', ...args, '-o', path, system]);
    const seen = await look(path);
    expect(seen[0]?.places).toContain(PLACE);
    const links = seen[0]?.notes.some((note) => note.includes('shows no links'));
    expect(links).toBe(args.length > 1);
  });
});

describeWith([SEVEN_ZIP, 'mkfs.vfat', 'mmd', 'mcopy'], 'FAT', () => {
  it('shows what is planted', async () => {
    const path = makeFile('fat.img', 16);
    run('mkfs.vfat', [path]);
    run('mcopy', ['-s', '-i', path, join(system, 'usr'), join(system, 'bin'), '::/']);
    run('mmd', ['-i', path, '::/etc', '::/etc/ssl', '::/etc/ssl/certs']);
    run('mcopy', ['-i', path, join(system, 'etc/ssl/certs/ca-certificates.crt'), '::/etc/ssl/certs/']);
    expect((await look(path))[0]?.places).toContain('/etc/ssl/certs/ca-certificates.crt');
  });
});

describeWith([SEVEN_ZIP, 'mksquashfs'], 'SquashFS', () => {
  it.each(['gzip', 'xz', 'zstd'])('packed with %s shows what is planted, through links', async (packing) => {
    const path = at(`${packing}.squashfs`);
    run('mksquashfs', [system, path, '-quiet', '-no-progress', '-comp', packing]);
    const seen = await look(path, ({ fs }) => {
      expect(fs.realPath('/etc/ssl/certs/corp.pem')).toBe(PLACE);
    });
    expect(seen[0]?.places).toContain(PLACE);
    expect(seen[0]?.problems).toEqual([]);
  });
});

describeWith([SEVEN_ZIP, 'mkntfs', 'ntfs-3g', 'root'], 'NTFS', () => {
  const mountPoint = (): string => at('mounted');

  afterAll(() => {
    spawnSync('umount', [mountPoint()], { stdio: 'ignore' });
  });

  it('with Windows on it shows what is planted', async (context) => {
    const path = makeFile('ntfs.img', 32);
    run('mkntfs', ['-q', '-F', path]);
    mkdirSync(mountPoint());
    // Not every machine lets programs mount.
    if (spawnSync(findTool('ntfs-3g') ?? '', [path, mountPoint()]).status !== 0) context.skip();
    const put = (name: string, content: string): void => {
      mkdirSync(dirname(join(mountPoint(), name)), { recursive: true });
      writeFileSync(join(mountPoint(), name), content);
    };
    put('Windows/System32/config/SOFTWARE', '');
    put('Users/ann/x', '');
    put('Program Files/Git/mingw64/etc/ssl/certs/ca-bundle.crt', planted.pem);
    symlinkSync('Git', join(mountPoint(), 'Program Files/Link'));
    run('umount', [mountPoint()]);
    const seen = await look(path, ({ platform, homes, fs }) => {
      expect(platform).toBe('win32');
      expect(homes).toContainEqual({ user: 'ann', path: '/Users/ann' });
      expect(fs.list('/').map(({ name }) => name)).toEqual(['Program Files', 'Users', 'Windows']);
    });
    expect(seen[0]?.places).toContain('/Program Files/Git/mingw64/etc/ssl/certs/ca-bundle.crt');
  });
});

describeWith([SEVEN_ZIP, 'sfdisk', 'mke2fs', 'cryptsetup'], 'an encrypted partition', () => {
  it('is a problem beside a system that is read', async () => {
    const luks = makeFile('luks.img', 20);
    const format = ['luksFormat', '-q', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', luks, '-'];
    expect(spawnSync(findTool('cryptsetup') ?? '', format, { input: 'password' }).status).toBe(0);
    const table = 'label: gpt\nstart=2048,size=32768,type=L\nstart=34816,size=40960,type=L\n';
    const path = makeDisk('crypt.raw', table, [
      [1, makeExt('root.img')],
      [17, luks],
    ]);
    const [seen] = await look(path);
    expect(seen?.places).toContain(PLACE);
    expect(seen?.problems.join('\n')).toContain('encrypted with LUKS: unlock and mount it');
    const failure = await failureOf(luks);
    expect(failure.details.join('\n')).toContain('encrypted with LUKS');
  });
});

/** libguestfs starts the kernel of this machine. */
const HAS_KERNEL =
  process.env['SUPERMIN_KERNEL'] !== undefined ||
  spawnSync('sh', ['-c', 'ls /boot/vmlinuz-*'], { stdio: 'ignore' }).status === 0;

describeWith(
  [SEVEN_ZIP, 'guestmount', 'mkfs.xfs', ...(HAS_KERNEL ? [] : ['a kernel in /boot'])],
  'XFS, through guestmount',
  () => {
    it('shows what is planted, and is unmounted again', async () => {
      const path = makeFile('xfs.img', 320);
      const proto = at('proto');
      const file = (name: string, content: string): string => {
        writeFileSync(at(name), content);
        return `${name} ---644 0 0 ${at(name)}`;
      };
      writeFileSync(
        proto,
        `/dummy\n0 0\nd--755 0 0\nbin d--755 0 0\n${file('sh', 'x')}\n$\netc d--755 0 0\n${file('fstab', '')}\n` +
          `${file('debian_version', '12.5\n')}\nssl d--755 0 0\ncerts d--755 0 0\n${file('ca-certificates.crt', planted.pem)}\n$\n$\n$\n$\n`,
      );
      run('mkfs.xfs', ['-q', '-p', proto, path]);
      const [seen] = await look(path);
      expect(seen?.places).toEqual(['/etc/ssl/certs/ca-certificates.crt']);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain('rootaudit-disk-');
    });
  },
);

describeWith([SEVEN_ZIP, 'mke2fs'], 'nothing', () => {
  it('is left behind', async () => {
    const before = readdirSync(dirname(work)).filter((name) => name.startsWith('rootaudit-disk-'));
    await look(makeExt('last.img'));
    expect(readdirSync(dirname(work)).filter((name) => name.startsWith('rootaudit-disk-'))).toEqual(before);
  });
});
