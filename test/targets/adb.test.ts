import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { certificateFrom } from '../../src/core/certificate.ts';
import { RootauditError } from '../../src/core/errors.ts';
import { FsError, type Target } from '../../src/core/target.ts';
import { store as system } from '../../src/stores/android-system.ts';
import { store as user } from '../../src/stores/android-user.ts';
import { subjectHashOld } from '../../src/stores/shared/android-directory.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { openAdb } from '../../src/targets/adb.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const FILE = `${subjectHashOld(certificateFrom(one.der)) ?? ''}.0`;

/** A program that behaves like adb and whose device is this machine; it keeps what it was asked. */
function fakeAdb(state = 'device'): { readonly program: string; asked(): string } {
  const directory = makeTemporaryDirectory();
  const program = join(directory, 'adb');
  const log = join(directory, 'log');
  writeFileSync(
    program,
    `#!/bin/sh
echo "$@" >> '${log}'
if [ "$1" = -s ]; then [ "$2" = emulator-5554 ] || { echo "error: device '$2' not found" >&2; exit 1; }; shift 2; fi
case $1 in
  get-state) echo ${state} ;;
  exec-out) shift; exec sh -c "$*" ;;
esac
`,
  );
  chmodSync(program, 0o755);
  return { program, asked: () => readFileSync(log, 'utf8') };
}

function code(look: () => unknown): string {
  try {
    look();
    return 'none';
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
}

describe.skipIf(process.platform === 'win32')('a device behind adb', () => {
  const { program } = fakeAdb();
  const opened = (tree: Readonly<Record<string, Node>>): { fs: Target['fs']; root: string } => ({
    fs: openAdb({ program }).fs,
    root: makeTree(tree),
  });

  it('gives files byte for byte', () => {
    const bytes = Buffer.from(Array.from({ length: 2000 }, (_, index) => index % 256));
    const { fs, root } = opened({ '/a': bytes, '/empty': '', [`/it's "$(x)" \`y\` ä\n`]: 'odd' });
    expect(Buffer.from(fs.read(`${root}/a`) ?? []).equals(bytes)).toBe(true);
    expect(fs.read(`${root}/empty`)).toHaveLength(0);
    expect(fs.read(`${root}/none`)).toBeUndefined();
    expect(fs.read(`${root}/none/below`)).toBeUndefined();
    expect(fs.read(`${root}/a/below`)).toBeUndefined();
    expect(Buffer.from(fs.read(`${root}/a`, 2000) ?? [])).toHaveLength(2000);
    expect(code(() => fs.read(`${root}/a`, 1999))).toBe('too-large');
    expect(code(() => fs.read(root))).toBe('not-a-file');
    expect(code(() => fs.read('relative'))).toBe('io');
  });

  it('gives large files in pieces', () => {
    const { fs, root } = opened({ '/a': '0123456789' });
    const file = fs.open(`${root}/a`);
    const into = Buffer.alloc(4);
    expect(file?.size).toBe(10);
    expect([file?.read(into, 3), into.toString()]).toEqual([4, '3456']);
    expect([file?.read(into, 8), into.toString('latin1', 0, 2)]).toEqual([2, '89']);
    expect(file?.read(into, 10)).toBe(0);
  });

  it('lists directories with the kinds of what is in them', () => {
    const { fs, root } = opened({
      '/d/x': '',
      '/.hidden': '',
      '/..odd': '',
      '/l': { link: 'd' },
      '/lost': { link: 'n' },
      [`/a b'c`]: '',
    });
    expect(fs.list(root).map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      '..odd file',
      '.hidden file',
      `a b'c file`,
      'd directory',
      'l link',
      'lost link',
    ]);
    expect(fs.list(`${root}/none`)).toEqual([]);
    expect(fs.list(`${root}/.hidden`)).toEqual([]);
    expect(fs.list(`${root}/d/x/y`)).toEqual([]);
  });

  it('follows links, and says so when they never end', () => {
    const { fs, root } = opened({ '/d/x': 'text', '/l': { link: 'd' }, '/loop': { link: 'loop' } });
    expect(fs.realPath(`${root}/l/x`)).toBe(`${root}/d/x`);
    expect(fs.kind(`${root}/l`)).toBe('directory');
    expect(fs.stat(`${root}/l/x`)).toMatchObject({ kind: 'file', size: 4 });
    expect(fs.kind('/dev/null')).toBe('other');
    expect(code(() => fs.stat(`${root}/loop`))).toBe('link-loop');
  });

  it.skipIf(process.getuid?.() === 0)('says what may not be read (skipped: as root, everything may)', () => {
    const { fs, root } = opened({ '/d/x': 'text', '/f': 'text' });
    chmodSync(`${root}/d`, 0o000);
    chmodSync(`${root}/f`, 0o000);
    const codes = [() => fs.read(`${root}/f`), () => fs.list(`${root}/d`), () => fs.stat(`${root}/d/x`)].map(
      code,
    );
    chmodSync(`${root}/d`, 0o755);
    expect(codes).toEqual(['denied', 'denied', 'denied']);
  });

  it('only ever asks for reading, one word per path', () => {
    const adb = fakeAdb();
    const { fs } = openAdb({ program: adb.program, serial: 'emulator-5554' });
    fs.read('/tmp/$(touch /tmp/x)');
    fs.list('/');
    expect(adb.asked()).toContain(`'/tmp/$(touch /tmp/x)'`);
    expect(adb.asked().split('\n')[1]).toMatch(/^-s emulator-5554 exec-out /);
    expect(adb.asked()).not.toMatch(/\brm\b|\bmv\b|> *\/(?!dev\/null)/);
  });

  it.each<[string, () => Target, RegExp]>([
    [
      'is not there',
      () => openAdb({ program, serial: 'other' }),
      /no Android device answers: error: device 'other' not found/,
    ],
    [
      'is not allowed to answer',
      () => openAdb({ program: fakeAdb('unauthorized').program }),
      /no Android device answers: unauthorized/,
    ],
    [
      'has a serial number that is an option',
      () => openAdb({ program, serial: '-H' }),
      /is no serial number/,
    ],
    ['cannot be asked', () => openAdb({ program: '/nonexistent/adb' }), /adb cannot be run/],
  ])('that %s ends the run', (_, open, message) => {
    expect(open).toThrow(RootauditError);
    expect(open).toThrow(message);
  });

  it('has the stores of Android', () => {
    const root = makeTree({
      [`/system/etc/security/cacerts/${FILE}`]: one.pem,
      [`/data/misc/user/0/cacerts-added/${FILE}`]: one.der,
    });
    const { fs, ...rest } = openAdb({ program });
    // The stores of a device whose root is a directory of this machine.
    const at = (path: string): string => root + path;
    const out = (path: string | undefined): string | undefined => path?.slice(root.length);
    const target: Target = {
      ...rest,
      hostPath: (path) => path,
      fs: {
        stat: (path) => fs.stat(at(path)),
        kind: (path) => fs.kind(at(path)),
        realPath: (path) => out(fs.realPath(at(path))),
        list: (path) => fs.list(at(path)),
        read: (path, maxBytes) => fs.read(at(path), maxBytes),
        open: (path) => fs.open(at(path)),
      },
    };
    const paths = [system, user].flatMap((store) =>
      store.locate(target).flatMap((location) => {
        const { anchors, problems } = readWhole(store, target, location, { storePasswords: [] });
        expect(problems).toEqual([]);
        expect(store.planRemoval(target, location, anchors).disposition).toBe('manual');
        return anchors.map(({ path }) => path);
      }),
    );
    expect(paths).toEqual([
      `/system/etc/security/cacerts/${FILE}`,
      `/data/misc/user/0/cacerts-added/${FILE}`,
    ]);
  });
});
