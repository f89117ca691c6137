import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { FsError, type Target } from '../../src/core/target.ts';
import { openDisk, type DiskOptions } from '../../src/images/disk-image.ts';
import { openReference } from '../../src/images/open.ts';
import {
  fakeSevenZip,
  type FakeDisk,
  type FakeFile,
  type FakePartition,
  type FakeTool,
} from '../support/seven-zip.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

/** Of qcow2, so that partitions are copied out of it by the program. */
const QCOW2 = Buffer.alloc(4096);
QCOW2.write('QFI\xfb', 'latin1');
QCOW2.writeUInt32BE(3, 4);

const EXT4 = Buffer.alloc(0x500);
EXT4.write('\x53\xef', 0x438, 'latin1');
EXT4.writeUInt32LE(0x40, 0x460);

const mark = (at: number, text: string): Buffer<ArrayBuffer> => {
  const head = Buffer.alloc(at + text.length);
  head.write(text, at, 'latin1');
  return head;
};

/** What is in the temporary directory now. */
const left = (): readonly string[] =>
  readdirSync(temporary).filter((name) => !name.startsWith('rootaudit-test-'));

const NO_TOOLS = '/nonexistent';
let temporary = '';

beforeEach(() => {
  temporary = makeTemporaryDirectory();
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function diskFile(content = QCOW2, name = 'disk.qcow2'): string {
  const path = join(makeTemporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

function use(disk: FakeDisk): FakeTool {
  const tool = fakeSevenZip(disk);
  vi.stubEnv('PATH', tool.directory);
  return tool;
}

interface Opened {
  readonly targets: readonly Target[];
  readonly tool: FakeTool;
  readonly close: () => Promise<void>;
}

async function open(disk: FakeDisk, options: Partial<DiskOptions> = {}, path = diskFile()): Promise<Opened> {
  const tool = use(disk);
  const targets: Target[] = [];
  for await (const target of openDisk(path, { format: 'qcow2', reference: 'disk.qcow2', ...options })) {
    targets.push(target);
  }
  return {
    targets,
    tool,
    close: async () => {
      for (const target of targets) await target.close?.();
    },
  };
}

async function openFiles(files: readonly FakeFile[]): Promise<Opened & { readonly target: Target }> {
  const opened = await open({ files: [{ path: 'etc' }, ...files] });
  const [target] = opened.targets;
  if (!target) throw new Error('no target');
  return { ...opened, target };
}

async function failureOf(opening: Promise<unknown>): Promise<RootauditError> {
  const failure: unknown = await opening.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof RootauditError) return failure;
  throw new Error(`expected a failure, got ${String(failure)}`);
}

const textOf = (target: Target, path: string): string | undefined => {
  const bytes = target.fs.read(path);
  return bytes && Buffer.from(bytes).toString('latin1');
};

function codeOf(look: () => unknown): string {
  try {
    look();
    return 'none';
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
}

describe.skipIf(process.platform === 'win32')('a file system on a disk image', () => {
  it('is a target with its files, links and homes', async () => {
    const { target, close } = await openFiles([
      { path: 'etc/os-release', content: 'ID=debian\n', mode: '-rw-r-----', lines: ['User ID = 7'] },
      { path: 'etc/link', link: '../etc/os-release', mode: 'lrwxrwxrwx' },
      { path: 'etc/out', link: '../../../../etc/os-release', mode: 'lrwxrwxrwx' },
      { path: 'etc/loop', link: 'loop', mode: 'lrwxrwxrwx' },
      { path: 'etc/pipe', content: '', mode: 'prw-r--r--' },
      { path: 'home' },
      { path: 'home/ann' },
    ]);
    expect(target).toMatchObject({
      kind: 'disk-image',
      reference: 'disk.qcow2',
      platform: 'linux',
      problems: [],
    });
    expect(target.homes).toEqual([{ user: 'ann', path: '/home/ann' }]);
    expect(['/etc/os-release', '/etc/link', '/etc/out'].map((path) => textOf(target, path))).toEqual(
      Array.from({ length: 3 }, () => 'ID=debian\n'),
    );
    expect(target.fs.stat('/etc/link')).toEqual({
      kind: 'file',
      size: 10,
      mode: 0o640,
      uid: 7,
      modified: Date.UTC(2026, 0, 2, 3, 4, 5),
    });
    expect(codeOf(() => target.fs.read('/etc/loop'))).toBe('link-loop');
    expect(codeOf(() => target.fs.read('/etc/pipe'))).toBe('not-a-file');
    expect(target.fs.read('/nothing')).toBeUndefined();
    await close();
  });

  it('has files with any names, which are asked for by those very names', async () => {
    const names = [
      '-i!etc',
      '--',
      '@list',
      'w*ld?.pem',
      'a b',
      ' end ',
      String.raw`back\slash`,
      'quo"te\'s',
      '$(touch x)`y`',
      'Path = x',
      '.wh.hidden',
      '.wh..wh..opq',
      'Gr\xc3\xbc\xc3\x9fe',
      'not-utf8-\xff\xfe',
    ];
    const { target, close } = await openFiles(
      names.map((name, index) => ({ path: `opt/${name}`, content: `<${index}>` })),
    );
    const found = target.fs.list('/opt').map(({ name }) => textOf(target, `/opt/${name}`));
    expect(new Set(found)).toEqual(new Set(names.map((_, index) => `<${index}>`)));
    expect(target.problems).toEqual([]);
    await close();
  });

  it('finds a file whose line feed the list does not show', async () => {
    const files = [{ path: 'etc/a_b_c', real: 'etc/a\nb_c', content: 'mine' }];
    const { target, close } = await openFiles(files);
    expect(textOf(target, '/etc/a_b_c')).toBe('mine');
    await close();
  });

  it('says so when two files have one name', async () => {
    const { target, close } = await openFiles([
      { path: 'etc/a_b', content: 'one' },
      { path: 'etc/a_b', content: 'other' },
    ]);
    expect(target.problems).toMatchObject([{ code: 'malformed', path: 'disk.qcow2' }]);
    await close();
  });

  it('leaves nothing outside of the root', async () => {
    const { target, close } = await openFiles([
      { path: '../../up', content: 'x' },
      { path: '/etc/absolute', content: 'y' },
      { path: 'etc/below/../../..', content: 'z' },
    ]);
    expect(target.fs.list('/').map(({ name }) => name)).toEqual(['etc']);
    // 7-Zip is asked for what is below the root, and knows no such name.
    expect(codeOf(() => target.fs.read('/etc/absolute'))).toBe('io');
    expect(target.problems?.map(({ message }) => message).join('\n')).toContain('`..` in the name');
    await close();
  });

  it('gets what stores look at in few calls', async () => {
    const files = Array.from({ length: 300 }, (_, index) => ({
      path: `etc/ssl/${index}.pem`,
      content: `-${index}-`,
    }));
    const { target, tool, close } = await openFiles([
      ...files,
      ...Array.from({ length: 50 }, (_, index) => ({ path: `opt/x${index}`, content: `x${index}` })),
    ]);
    for (const { path, content } of files) expect(textOf(target, `/${path}`)).toBe(content);
    for (let index = 0; index < 50; index++) expect(textOf(target, `/opt/x${index}`)).toBe(`x${index}`);
    expect(tool.calls().filter(([command]) => command === 'x')).toHaveLength(2);
    await close();
  });

  it('reads the targets of links that are kept as content', async () => {
    const { target, close } = await openFiles([
      { path: 'etc/real', content: 'yes' },
      { path: 'etc/link', content: 'real', mode: 'lrwxrwxrwx' },
    ]);
    expect(textOf(target, '/etc/link')).toBe('yes');
    await close();
  });

  it.each([
    ['shorter than the list says', { path: 'etc/x.pem', content: 'abc', size: 5 }],
    ['longer than the list says', { path: 'etc/x.pem', content: 'abcdefgh', size: 5 }],
    ['missing', { path: 'etc/x.pem', real: 'elsewhere', content: 'abcde' }],
  ])('cannot be read where a file is %s', async (_, file) => {
    const { target, close } = await openFiles([file]);
    expect(codeOf(() => target.fs.read('/etc/x.pem'))).toBe('io');
    await close();
  });

  it('refuses a file that is larger than any disk', async () => {
    const { target, close } = await openFiles([
      { path: 'etc/hole', content: 'x', size: 9 * 2 ** 40 },
      { path: 'etc/after', content: 'y' },
    ]);
    expect(codeOf(() => target.fs.open('/etc/hole'))).toBe('io');
    expect(codeOf(() => target.fs.read('/etc/hole'))).toBe('too-large');
    expect(textOf(target, '/etc/after')).toBe('y');
    await close();
  });

  it('reads a large file in pieces from a temporary file', async () => {
    const size = (64 << 20) + 5;
    const { target, close } = await openFiles([{ path: 'etc/large', content: 'z', repeat: size }]);
    const file = target.fs.open('/etc/large');
    const piece = Buffer.alloc(10);
    expect(file?.read(piece, size - 4)).toBe(4);
    expect(piece.toString('latin1')).toBe('zzzz\0\0\0\0\0\0');
    expect(codeOf(() => target.fs.read('/etc/large'))).toBe('too-large');
    await close();
    expect(left()).toEqual([]);
  });

  it('says what is in it that was not looked into', async () => {
    const { target, close } = await openFiles([{ path: 'live/filesystem.squashfs', content: 'hsqs' }]);
    expect(target.notes.join('\n')).toMatch(/1 file system in it .*live\/filesystem\.squashfs.* disk:FILE/s);
    await close();
  });

  it('is read further after errors, which are told', async () => {
    const { targets, close } = await open({
      files: [{ path: 'etc' }, { path: 'etc/x', content: 'y' }],
      listExit: 2,
    });
    expect(targets[0]?.problems).toMatchObject([{ code: 'malformed', path: 'disk.qcow2' }]);
    expect(targets[0] && textOf(targets[0], '/etc/x')).toBe('y');
    await close();
  });

  it('is known for Windows by its directories, and its links have drives', async () => {
    const { target, close } = await openFiles([
      { path: 'Windows/System32/x', content: '' },
      { path: 'ProgramData/y.pem', content: 'here' },
      { path: 'Users/All Users', lines: [String.raw`Link = C:\ProgramData`] },
      { path: 'Documents and Settings', lines: [String.raw`Link = Junction: C:\Users`] },
      { path: 'Users/packed', content: 'text', lines: ['Link = WOF: 00112233'] },
      { path: 'Users/packed:stream', content: 'no', lines: ['Alternate Stream = +'] },
    ]);
    expect(target.platform).toBe('win32');
    expect(textOf(target, '/Documents and Settings/All Users/y.pem')).toBe('here');
    expect(textOf(target, '/Users/packed')).toBe('text');
    expect(target.fs.kind('/Users/packed:stream')).toBeUndefined();
    await close();
  });
});

describe.skipIf(process.platform === 'win32')('the partitions of a disk image', () => {
  const root = {
    path: '1.root.img',
    use: 'Linux Data',
    head: EXT4,
    files: [{ path: 'etc' }, { path: 'etc/a', content: 'A' }],
  };
  const homes = {
    path: '2.img',
    use: 'Linux Home',
    head: EXT4,
    files: [
      { path: 'ann' },
      { path: 'ann/.config' },
      { path: 'ann/.config/x', content: 'X' },
      { path: 'lost+found' },
    ],
  };
  const esp = {
    path: '0.EFI.img',
    use: 'EFI System',
    head: mark(0x52, 'FAT32   '),
    files: [{ path: 'EFI' }, { path: 'EFI/boot.efi', content: 'MZ' }],
  };
  const other = (head: Buffer, use = 'x'): FakePartition => ({ path: `9.${use}`, use, head, files: [] });

  it('are targets of their own where there is a system or homes, and the others are named', async () => {
    const { targets, close } = await open({
      partitions: [esp, root, homes, other(mark(0xff6, 'SWAPSPACE2'), 'Linux Swap')],
    });
    expect(targets.map(({ reference }) => reference)).toEqual([
      'disk.qcow2 (partition 2, ext4)',
      'disk.qcow2 (partition 3, ext4)',
    ]);
    expect(targets[0]?.notes).toEqual([
      'not looked into: partition 4 (Linux Swap, swap)',
      'disk.qcow2 (partition 1, FAT) has no system on it, and was not looked into: EFI',
    ]);
    expect(targets[1]?.homes).toEqual([{ user: 'ann', path: '/ann' }]);
    expect(targets[1] && textOf(targets[1], '/ann/.config/x')).toBe('X');
    await close();
  });

  it('leave nothing behind once the last target is closed', async () => {
    const { targets, close } = await open({ partitions: [root, homes] });
    await targets[0]?.close?.();
    expect(targets[1] && textOf(targets[1], '/ann/.config/x')).toBe('X');
    expect(left()).toHaveLength(1);
    await close();
    expect(left()).toEqual([]);
  });

  it('are copied with holes for what is zero', async () => {
    const { tool, close } = await open({ partitions: [root] });
    const copied = tool
      .calls()
      .filter(([command, ...args]) => command === 'x' && args.includes('-i!1.root.img'));
    expect(copied).toHaveLength(2);
    await close();
  });

  it.each([
    ['LUKS', mark(0, 'LUKS\xba\xbe'), 'password-needed', 'encrypted with LUKS: unlock and mount it'],
    ['BitLocker', mark(3, '-FVE-FS-'), 'password-needed', 'encrypted with BitLocker'],
    [
      'LVM',
      mark(0x218, 'LVM2 001').fill('LABELONE', 0x200, 0x208),
      'unsupported',
      '7-Zip does not read LVM: install guestmount',
    ],
    ['XFS', mark(0, 'XFSB'), 'unsupported', '7-Zip does not read XFS'],
    ['Btrfs', mark(0x1_0040, '_BHRfS_M'), 'unsupported', '7-Zip does not read Btrfs'],
  ])('with %s are a problem that says what to do', async (name, head, code, message) => {
    const { targets, close } = await open({ partitions: [root, other(head)] });
    expect(targets).toHaveLength(1);
    expect(targets[0]?.problems).toMatchObject([{ code, path: `disk.qcow2 (partition 2, ${name})` }]);
    expect(targets[0]?.problems?.[0]?.message).toContain(message);
    await close();
    const failure = await failureOf(open({ partitions: [other(head)] }));
    expect(failure.message).toBe('nothing could be read of the disk image disk.qcow2');
    expect(failure.details.join('\n')).toContain(message);
    expect(left()).toEqual([]);
  });

  it('without a system are looked into when there is nothing else', async () => {
    const data = { ...root, files: [{ path: 'data' }, { path: 'data/x.pem', content: 'X' }] };
    const { targets, close } = await open({ partitions: [esp, data] });
    expect(targets.map(({ reference }) => reference)).toEqual(['disk.qcow2 (partition 2, ext4)']);
    await close();
  });

  it('with several volumes are several targets', async () => {
    const volumes = {
      ...root,
      files: [
        { path: 'One/etc' },
        { path: 'One/etc/a', content: 'A' },
        { path: 'Two/Users' },
        { path: 'Boot/x', content: '' },
      ],
    };
    const { targets, close } = await open({ partitions: [volumes] });
    expect(targets.map(({ reference }) => reference)).toEqual([
      'disk.qcow2 (partition 1, ext4) (One)',
      'disk.qcow2 (partition 1, ext4) (Two)',
    ]);
    expect(targets[0] && textOf(targets[0], '/etc/a')).toBe('A');
    await close();
  });
});

describe.skipIf(process.platform === 'win32')('a program for disk images', () => {
  it('has to be there, and which one to install is said', async () => {
    vi.stubEnv('PATH', NO_TOOLS);
    const reading = (async () => {
      for await (const target of openReference(diskFile(), { verify: false })) await target.close?.();
    })();
    const failure = await failureOf(reading);
    expect(failure.message).toMatch(
      /disk\.qcow2 is a disk image, and there is no program here that reads it$/,
    );
    for (const word of ['Debian', 'Fedora', 'brew install', 'Windows', 'guestmount', '--root']) {
      expect(failure.hint).toContain(word);
    }
  });

  it.each([
    [
      'is too old',
      '\n7-Zip [64] 16.02 : Copyright (c) 1999-2016 Igor Pavlov : 2016-05-21\n',
      'is of version 16',
    ],
    ['is something else', 'hello\n', 'does not tell its version'],
  ])('is refused when it %s', async (_, banner, words) => {
    const failure = await failureOf(open({ banner, files: [] }));
    expect(failure.message).toContain(words);
    expect(failure.hint).toContain('Install 7-Zip');
  });

  const times = { list: 700, read: 700, silence: 700 };

  it.each<[string, FakeDisk]>([
    ['says nothing for too long', { hangsAt: 'l' }],
    ['prints without end', { endless: `Path = ${'x'.repeat(1000)}` }],
    ['prints lines without end', { endless: 'x = y\n' }],
    ['prints something else', { list: 'No such file\n'.repeat(1000) }],
    ['fails', { list: '', listExit: 2, says: 'ERROR: Cannot open the file as archive\n' }],
    ['is killed', { list: '', listExit: 139 }],
  ])('that %s is given up', async (_, disk) => {
    const failure = await failureOf(open(disk, { times }));
    expect(failure.message).toContain('nothing could be read of');
    expect(left()).toEqual([]);
  });

  it('that hangs over a file leaves a problem for that file', async () => {
    const files = [{ path: 'etc' }, { path: 'etc/x', content: 'y' }];
    const { targets, close } = await open({ files, hangsAt: 'x' }, { times });
    expect(codeOf(() => targets[0]?.fs.read('/etc/x'))).toBe('io');
    await close();
  });

  it('takes a long list', async () => {
    const block = Array.from(
      { length: 50_000 },
      (_, index) => `Path = usr/d${index % 100}/f${index}\nFolder = -\nSize = 1\n\n`,
    );
    const { targets, close } = await open({ list: `Path = etc\nFolder = +\n\n${block.join('')}` });
    expect(targets[0]?.fs.list('/usr/d7')).toHaveLength(500);
    await close();
  });

  it('is not looked for in the current directory', async () => {
    vi.stubEnv('PATH', '.:');
    expect(
      (await failureOf(drain(openDisk(diskFile(), { format: 'qcow2', reference: 'x' })))).message,
    ).toContain('no program');
  });

  it('is not asked about an image that names another file', async () => {
    const backed = Buffer.from(QCOW2);
    backed.writeBigUInt64BE(104n, 8);
    const failure = await failureOf(open({ files: [] }, {}, diskFile(backed)));
    expect(failure.message).toBe('disk.qcow2 needs another file, which it names');
  });
});

async function drain(targets: AsyncIterable<Target>): Promise<void> {
  for await (const target of targets) await target.close?.();
}

/** Instead of a mount, a directory with the files of a system in it. */
function fakeGuestmount(script: string): string {
  const directory = makeTemporaryDirectory();
  const write = (name: string, text: string): void => {
    writeFileSync(join(directory, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${text}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  write('guestmount', `echo "$@" > '${directory}/asked'\nfor last; do :; done\n${script}`);
  write('guestunmount', `for last; do :; done\nrm -r "$last"/* && echo "$@" > '${directory}/unmounted'`);
  return directory;
}

describe.skipIf(process.platform !== 'linux')('guestmount', () => {
  const MOUNTS = 'mkdir "$last/etc" && echo ID=x > "$last/etc/os-release"';

  async function mounted(script: string, disk?: FakeDisk): Promise<{ directory: string; targets: Target[] }> {
    const directory = fakeGuestmount(script);
    const tool = disk && fakeSevenZip(disk);
    vi.stubEnv('PATH', [directory, ...(tool ? [tool.directory] : [])].join(':'));
    const targets: Target[] = [];
    for await (const target of openDisk(diskFile(), { format: 'qcow2', reference: 'disk.qcow2' }))
      targets.push(target);
    return { directory, targets };
  }

  const xfs = { path: '0.img', use: 'Linux', head: mark(0, 'XFSB'), files: [] };

  it.each<[string, FakeDisk | undefined]>([
    ['is used where there is no 7-Zip', undefined],
    ['is used for what 7-Zip does not read', { partitions: [xfs] }],
  ])('%s', async (_, disk) => {
    const { directory, targets } = await mounted(MOUNTS, disk);
    const [target] = targets;
    expect(target).toMatchObject({ kind: 'disk-image', reference: 'disk.qcow2', platform: 'linux' });
    expect(target && textOf(target, '/etc/os-release')).toBe('ID=x\n');
    expect(target?.hostPath('/etc/x')).toBe('/etc/x');
    expect(existsSync(join(directory, 'unmounted'))).toBe(false);
    await target?.close?.();
    expect(existsSync(join(directory, 'unmounted'))).toBe(true);
    expect(left()).toEqual([]);
  });

  it('is told the format, so that the disk cannot choose it', async () => {
    const { directory, targets } = await mounted(MOUNTS);
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(join(directory, 'asked'), 'utf8')).toMatch(/^--format=qcow2 -a \/.* -i --ro \//);
    await targets[0]?.close?.();
  });

  it('that fails says why', async () => {
    const failure = await failureOf(
      mounted('echo "libguestfs: error: no operating system was found on this disk" >&2; exit 1'),
    );
    expect(failure.message).toContain('guestmount says: no operating system was found on this disk');
    expect(failure.hint).toContain('--root');
  });

  it('that fails leaves what 7-Zip reads', async () => {
    const root = {
      path: '1.img',
      use: 'Linux',
      head: EXT4,
      files: [{ path: 'etc' }, { path: 'etc/a', content: 'A' }],
    };
    const { targets } = await mounted('exit 1', { partitions: [xfs, root] });
    expect(targets.map(({ reference }) => reference)).toEqual(['disk.qcow2 (partition 2, ext4)']);
    expect(targets[0]?.notes.join()).toContain('cannot be mounted');
    expect(targets[0]?.problems).toMatchObject([{ code: 'unsupported' }]);
    await targets[0]?.close?.();
  });
});
