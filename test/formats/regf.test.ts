import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openHive } from '../../src/formats/regf.ts';
import { findDword, findKey, findValue } from '../../src/formats/registry.ts';
import { mark, registryLines } from '../support/registry.ts';
import { hasSample, sample } from '../support/root.ts';
import { makeHive, tree, type HiveOptions } from '../support/windows.ts';

const BIG = Buffer.alloc(50_000, 'big data ');
const CONTENT = tree({
  'Microsoft\\Store\\Certificates\\ABCD': {
    Blob: Buffer.from('certificate'),
    Flags: 7,
    Small: Buffer.of(1, 2),
  },
  'Microsoft\\Store\\Certificates\\Größe': { '': Buffer.from('the default value') },
  'Microsoft\\Store\\CRLs': {},
  'Microsoft\\日本語': { List: BIG, Empty: Buffer.alloc(0) },
});

const open = (hive: Uint8Array, ...logs: Uint8Array[]): ReturnType<typeof openHive> =>
  openHive({ hive, logs });

function codesOf(hive: Uint8Array, ...logs: Uint8Array[]): string[] {
  const opened = open(hive, ...logs);
  registryLines(opened);
  return opened.diagnostics.map(({ level, code }) => `${level} ${code}`);
}

describe('a hive', () => {
  it.each<[string, HiveOptions]>([
    ['lh lists', { list: 'lh' }],
    ['lf lists', { list: 'lf' }],
    ['li lists', { list: 'li' }],
    ['lists of lists', { list: 'ri' }],
    ['large values in one cell, as before Windows XP', { minor: 3 }],
  ])('with %s gives all keys and values', (_what, options) => {
    const opened = open(makeHive(CONTENT, options));
    expect(registryLines(opened)).toEqual([
      '\\Microsoft',
      '\\Microsoft\\Store',
      '\\Microsoft\\Store\\Certificates',
      '\\Microsoft\\Store\\Certificates\\ABCD',
      `\\Microsoft\\Store\\Certificates\\ABCD\tBlob=${mark(Buffer.from('certificate'))}`,
      `\\Microsoft\\Store\\Certificates\\ABCD\tFlags=${mark(Buffer.of(7, 0, 0, 0))}`,
      `\\Microsoft\\Store\\Certificates\\ABCD\tSmall=${mark(Buffer.of(1, 2))}`,
      '\\Microsoft\\Store\\Certificates\\Größe',
      `\\Microsoft\\Store\\Certificates\\Größe\t=${mark(Buffer.from('the default value'))}`,
      '\\Microsoft\\Store\\CRLs',
      '\\Microsoft\\日本語',
      `\\Microsoft\\日本語\tList=${mark(BIG)}`,
      `\\Microsoft\\日本語\tEmpty=${mark(Buffer.alloc(0))}`,
    ]);
    expect(opened.diagnostics).toEqual([]);
  });

  it('is searched without regard to case', () => {
    const { root } = open(makeHive(CONTENT));
    const key = findKey(root, 'MICROSOFT\\store\\certificates\\abcd');
    expect(findDword(key, 'FLAGS')).toBe(7);
    expect(findDword(key, 'Blob')).toBeUndefined();
    expect(findValue(key, 'nothing')).toBeUndefined();
    expect(findKey(root, 'Microsoft\\None\\Certificates')).toBeUndefined();
  });
});

describe('a damaged hive', () => {
  const whole = makeHive(CONTENT);
  /** The hive with a record changed, whose signature is `signature`. */
  const changed = (signature: string, change: (hive: Buffer, at: number) => void): Buffer => {
    const hive = Buffer.from(whole);
    change(hive, hive.lastIndexOf(signature, hive.length, 'latin1'));
    return hive;
  };

  it.each<[string, Buffer, string[]]>([
    ['of no bytes', Buffer.alloc(0), ['error truncated']],
    ['of another format', Buffer.alloc(8192, 'x'), ['error malformed']],
    ['cut off', whole.subarray(0, 4096 + 64), ['error truncated', 'error truncated']],
    ['with an unfinished write', makeHive(CONTENT, { sequences: [3, 2] }), ['error stale']],
    ['whose header is damaged', Buffer.from(whole).fill(1, 100, 104), ['error stale']],
    [
      'whose root is a free cell',
      changed('nk', (hive, at) => hive.writeInt32LE(80, at - 4)),
      ['error malformed'],
    ],
    [
      'whose root has another signature',
      changed('nk', (hive, at) => hive.write('xx', at)),
      ['error malformed'],
    ],
    [
      'whose list leads to the root again',
      changed('lh', (hive, at) => hive.writeUInt32LE(whole.readUInt32LE(36), at + 4)),
      ['error malformed'],
    ],
    [
      'with a count beyond the list',
      changed('lh', (hive, at) => hive.writeUInt16LE(60_000, at + 2)),
      ['error malformed'],
    ],
    [
      'with a name beyond its cell',
      changed('nk', (hive, at) => hive.writeUInt16LE(5000, at + 72)),
      ['error truncated'],
    ],
    [
      'with a list of an unknown kind',
      changed('lh', (hive, at) => hive.write('lx', at)),
      ['error malformed'],
    ],
    [
      'with a value that is too large',
      changed('vk', (hive, at) => hive.writeUInt32LE(0x7fffffff, at + 4)),
      ['error limit'],
    ],
    [
      'with a value beyond its cell',
      changed('vk', (hive, at) => hive.writeUInt32LE(60_000, at + 4)),
      ['error malformed'],
    ],
    [
      'with missing segments',
      changed('db', (hive, at) => hive.writeUInt16LE(1, at + 2)),
      ['error truncated'],
    ],
  ])('%s says so', (_what, hive, codes) => {
    expect(codesOf(hive)).toEqual(codes);
  });

  it('keeps what lies beside the damage', () => {
    const hive = changed('db', (bytes, at) => bytes.writeUInt16LE(1, at + 2));
    expect(registryLines(open(hive))).toHaveLength(12);
  });

  it('never throws, hangs or grows, whatever its bytes', () => {
    const small = makeHive(tree({ 'a\\b': { x: Buffer.from('value'), y: 1 }, 'a\\c': {} }), { list: 'ri' });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.nat(small.length),
        (changes, end) => {
          const hive = Buffer.from(small);
          for (const [at, octet] of changes) hive[at < 4096 ? at : 4096 + ((at - 4096) % 500)] = octet;
          const opened = open(hive.subarray(0, end > 4096 ? hive.length : end));
          expect(registryLines(opened).length).toBeLessThan(1000);
          expect(opened.diagnostics.length).toBeLessThanOrEqual(102);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('whose lists name one key again and again is read to a bound', () => {
    // Each level names the next one 3000 times.
    const keys = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, {}]));
    const hive = makeHive({ keys: { a: { keys: { b: { keys } } } } }, { list: 'li' });
    const list = hive.indexOf(Buffer.from([0x6c, 0x69, 0xb8, 0x0b]));
    // The leaves become copies of a key that has the same list below it.
    const first = hive.readUInt32LE(list + 4);
    const listOffset = list - 4 - 4096;
    for (let i = 0; i < 3000; i++) {
      const nk = 4096 + hive.readUInt32LE(list + 4 + i * 4) + 4;
      hive.writeUInt32LE(3000, nk + 20);
      hive.writeUInt32LE(listOffset, nk + 28);
    }
    expect(first).toBeGreaterThan(0);
    let count = 0;
    const visit = (key: ReturnType<typeof openHive>['root'], depth: number): void => {
      for (const subkey of key?.subkeys() ?? []) {
        count++;
        if (depth < 6) visit(subkey, depth + 1);
      }
    };
    const opened = open(hive);
    visit(opened.root, 0);
    expect(count).toBeLessThanOrEqual(1_000_000);
    expect(opened.diagnostics.map(({ code }) => code)).toContain('limit');
  });
});

describe('transaction logs', () => {
  const windows = 'windows';
  const logged = (directory: string, name: string): [Buffer, Buffer, Buffer] => [
    sample(`${windows}/${directory}/${name}`),
    sample(`${windows}/${directory}/${name}.LOG1`),
    sample(`${windows}/${directory}/${name}.LOG2`),
  ];

  it.skipIf(!hasSample(`${windows}/yarp-OldDirtyHive`))(
    'of the old form lead to what Windows 7 made of the hive',
    () => {
      const dirty = open(...logged('yarp-OldDirtyHive', 'OldDirtyHive'));
      const recovered = open(sample(`${windows}/yarp-OldDirtyHive/RecoveredHive_Windows7`));
      expect(registryLines(dirty)).toEqual(registryLines(recovered));
      expect(dirty.diagnostics).toEqual([]);
      expect(registryLines(dirty).filter((line) => !line.includes('\t'))).toHaveLength(5002);
    },
  );

  describe.skipIf(!hasSample(`${windows}/dirty-new-log`))('of the new form', () => {
    const root = 'Microsoft\\SystemCertificates\\ROOT\\Certificates';
    const roots = (opened: ReturnType<typeof openHive>): string[] =>
      Array.from(findKey(opened.root, root)?.subkeys() ?? [], ({ name }) => name.slice(0, 8)).toSorted();
    const [hive, log1, log2] = logged('dirty-new-log', 'SOFTWARE');

    it.each([
      ['in order', [log1, log2]],
      ['in the other order', [log2, log1]],
    ])('are replayed %s', (_how, logs) => {
      const opened = open(hive, ...logs);
      expect(roots(opened)).toEqual(['187BB753', '55A6723E', 'DAFAF7FA']);
      expect(opened.diagnostics).toEqual([]);
    });

    it('are replayed as far as they go without a gap', () => {
      expect(roots(open(hive, log2))).toHaveLength(2);
      const alone = open(hive, log1);
      expect(roots(alone)).toEqual(['187BB753']);
      expect(alone.diagnostics.map(({ code }) => code)).toEqual(['stale']);
    });

    it('are not used where an entry is damaged', () => {
      const damaged = Buffer.from(log2);
      damaged[2000] = (damaged[2000] ?? 0) ^ 1;
      expect(codesOf(hive, log1, damaged)).toEqual(['error stale']);
    });

    it('are left alone beside a hive that is whole', () => {
      const clean = makeHive(CONTENT);
      expect(registryLines(open(clean, log1, log2))).toEqual(registryLines(open(clean)));
    });

    it('restore a damaged header from the log that was written last', () => {
      const damaged = Buffer.from(hive).fill(0, 40, 44);
      const opened = open(damaged, log1, log2);
      expect(roots(opened)).not.toEqual([]);
    });

    it('never throw, whatever their bytes', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(log1.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
          const log = Buffer.from(log1);
          for (const [at, octet] of changes) log[at % 1024] = octet;
          expect(open(hive, log, log2).root).toBeDefined();
        }),
        { numRuns: 200 },
      );
    });
  });

  it.skipIf(!hasSample(`${windows}/yarp-BadLogHive3`))(
    'that do not fit leave the hive as it is, and stale',
    () => {
      const opened = open(...logged('yarp-BadLogHive3', 'BadLogHive'));
      expect(registryLines(opened).filter((line) => !line.includes('\t'))).toHaveLength(4);
      expect(opened.diagnostics.map(({ code }) => code)).toEqual(['stale']);
    },
  );

  const hasXz = spawnSync('xz', ['--version']).status === 0;
  it.skipIf(!hasXz || !hasSample(`${windows}/regipy-transactions`))('of a real system are replayed', () => {
    const [hive = Buffer.alloc(0), ...logs] = ['NTUSER.DAT', 'ntuser.dat.LOG1', 'ntuser.dat.LOG2'].map(
      (name) =>
        execFileSync('xz', ['-dc'], {
          input: sample(`${windows}/regipy-transactions/${name}.xz`),
          maxBuffer: 1 << 28,
        }),
    );
    const opened = open(hive, ...logs);
    expect(registryLines(opened).filter((line) => !line.includes('\t'))).toHaveLength(3104);
    expect(opened.diagnostics).toEqual([]);
  });
});

const hasHivex = spawnSync('hivexml', []).error === undefined;

describe.skipIf(!hasHivex)(`hives as hivex reads them${hasHivex ? '' : ' (needs hivexml)'}`, () => {
  it.each([
    ['made here', makeHive(CONTENT)],
    ['made here with lists of lists', makeHive(CONTENT, { list: 'ri' })],
    ...['SOFTWARE', 'NTUSER.DAT', 'yarp-OldDirtyHive/RecoveredHive_Windows7', 'yarp-BigDataHive'].flatMap(
      (name): [string, Buffer][] => (hasSample(`windows/${name}`) ? [[name, sample(`windows/${name}`)]] : []),
    ),
  ])('%s', (_name, hive) => {
    const directory = mkdtempSync(join(tmpdir(), 'rootaudit-hivex-'));
    try {
      writeFileSync(join(directory, 'hive'), hive);
      // It opens /dev/stdout by its name, which a pipe of Node.js does not allow.
      execFileSync('sh', ['-c', 'hivexml hive > tree.xml'], { cwd: directory });
      const { keys, values } = readXml(readFileSync(join(directory, 'tree.xml'), 'utf8'));
      const lines = registryLines(open(hive));
      expect(lines.filter((line) => !line.includes('\t'))).toEqual(keys);
      expect(lines).toEqual(expect.arrayContaining(values));
      expect(keys.length + values.length).toBeGreaterThan(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** Keys in order, and the binary values as {@link registryLines} writes them. */
function readXml(xml: string): { readonly keys: string[]; readonly values: string[] } {
  const keys: string[] = [];
  const values: string[] = [];
  const path: string[] = [];
  const parts =
    /<node name="([^"]*)"[^>]*>|(<\/node>)|<value type="binary" encoding="base64" key="([^"]*)" value="([^"]*)"/g;
  for (const [, name, end, key, value] of xml.matchAll(parts)) {
    if (name !== undefined) {
      path.push(name);
      if (path.length > 1) keys.push(`\\${path.slice(1).join('\\')}`);
    } else if (end !== undefined) path.pop();
    else {
      const data = Buffer.from(value ?? '', 'base64');
      values.push(
        `${path
          .slice(1)
          .map((part) => `\\${part}`)
          .join('')}\t${key ?? ''}=${mark(data)}`,
      );
    }
  }
  return { keys, values };
}
