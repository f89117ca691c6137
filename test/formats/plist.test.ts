import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlist, type PlistValue } from '../../src/formats/plist.ts';
import { binaryPlist, plist, type Plain } from '../support/apple.ts';
import { hasPython, unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';

/** In the plain form of JSON, for comparing. */
function plain(value: PlistValue | undefined): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (value instanceof Date) return { date: value.toISOString() };
  if (typeof value === 'bigint') return { big: value.toString() };
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, item]) => [key, plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

function read(input: string | Uint8Array): unknown {
  const { entries, diagnostics } = parsePlist(typeof input === 'string' ? Buffer.from(input) : input);
  expect(diagnostics).toEqual([]);
  return plain(entries[0]);
}

const wrap = (body: string): string => `<plist version="1.0">${body}</plist>`;

describe('XML property lists', () => {
  it.each<[string, unknown]>([
    ['<string>a &lt;b&gt; &amp; &quot;c&apos; &#65;&#x1F600;</string>', 'a <b> & "c\' A😀'],
    ['<string> a\n<!-- x --><![CDATA[<&]]> </string>', ' a\n<& '],
    ['<string/>', ''],
    ['<integer> -12 </integer>', -12],
    ['<integer>0xfF</integer>', 255],
    ['<integer>18446744073709551615</integer>', { big: '18446744073709551615' }],
    ['<real>-1.5e3</real>', -1500],
    ['<real>+infinity</real>', Infinity],
    ['<true/>', true],
    ['<false></false>', false],
    ['<date>2025-01-02T03:04:05Z</date>', { date: '2025-01-02T03:04:05.000Z' }],
    ['<data>\n\tAA E=\n</data>', { bytes: '0001' }],
    ['<data/>', { bytes: '' }],
    ['<array/>', []],
    ['<array>\n<true/> <!-- c --> <integer>1</integer></array>', [true, 1]],
    ['<dict><key>a</key><dict/><key>__proto__</key><true/></dict>', JSON.parse('{"a":{},"__proto__":true}')],
    ['<dict><key>a</key><true/><key>a</key><false/></dict>', { a: false }],
  ])('%s', (body, expected) => {
    expect(read(wrap(body))).toEqual(expected);
  });

  it('may be UTF-16 or begin with a byte order mark, a comment, or a document type', () => {
    const text = `<?xml version="1.0"?><!-- c --><!DOCTYPE plist SYSTEM "x">\n${wrap('<string>é</string>')}\n`;
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16()]) {
      expect(read(bytes)).toBe('é');
    }
  });

  it.each([
    ['', 'truncated', 'empty file'],
    ['hello', 'malformed', 'an element is missing'],
    ['<html></html>', 'malformed', 'not a property list'],
    ['<plist>', 'truncated', 'an element is missing'],
    ['<plist><dict>', 'truncated', 'an element is missing'],
    ['<plist><dict></plist>', 'malformed', 'the end of dict is missing'],
    ['<plist><true/></plist><x/>', 'malformed', 'something follows'],
    [wrap('<dict><string>a</string></dict>'), 'malformed', 'a key is missing'],
    [wrap('<dict><key>a</key></dict>'), 'malformed', 'an element is missing'],
    [wrap('<string>&e;</string>'), 'malformed', 'unknown reference &e;'],
    [wrap('<string>&#0;</string>'), 'malformed', 'unknown reference'],
    [wrap('<string>a'), 'malformed', 'the end of string is missing'],
    ['<plist><string>a', 'truncated', 'string without an end'],
    [wrap('<data>A</data>'), 'malformed', 'data is not base64'],
    [wrap('<data>AA*=</data>'), 'malformed', 'data is not base64'],
    [wrap('<integer>one</integer>'), 'malformed', 'not an integer'],
    [wrap('<real>1,5</real>'), 'malformed', 'not a number'],
    [wrap('<date>2025-13-02T03:04:05Z</date>'), 'malformed', 'not a date'],
    [wrap('<set/>'), 'malformed', 'unknown element set'],
    [
      `<!DOCTYPE plist [<!ENTITY a "aaaa">]>${wrap('<string>&a;</string>')}`,
      'unsupported',
      'declarations of its own',
    ],
    [wrap('<array>'.repeat(100)), 'limit', 'nested more than 64 deep'],
    ['bplist00', 'truncated', 'cut off'],
    [`bplist17${'\0'.repeat(40)}`, 'unsupported', 'unknown version'],
  ])('%s: %s, %s', (text, code, message) => {
    const { entries, diagnostics } = parsePlist(Buffer.from(text));
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ level: 'error', code }]);
    expect(diagnostics[0]?.message).toContain(message);
  });

  it('that are broken say in which line', () => {
    const { diagnostics } = parsePlist(
      Buffer.from('<plist>\n<dict>\n<key>a</key>\n<oops/>\n</dict></plist>'),
    );
    expect(diagnostics).toMatchObject([{ message: 'unknown element oops', line: 4 }]);
  });

  it('of a million open elements, comments or references take no time', () => {
    for (const piece of ['<array>', '<!--', '&', '<string>', '<key', '<a b="', '<?']) {
      const started = performance.now();
      parsePlist(Buffer.from(wrap(piece.repeat(1_000_000))));
      parsePlist(Buffer.from(wrap(`<string>${piece.repeat(200_000)}`)));
      expect(performance.now() - started).toBeLessThan(1500);
    }
  });
});

/** Objects, the table of their offsets, and the trailer; references of one octet. */
function binary(
  objects: readonly (readonly number[])[],
  top = 0,
  changes: Partial<Record<number, number>> = {},
): Buffer {
  const parts = objects.map((object) => Buffer.from(object));
  let at = 8;
  const offsets = parts.map((part) => {
    at += part.length;
    return at - part.length;
  });
  const trailer = Buffer.alloc(32);
  trailer[6] = 1;
  trailer[7] = 1;
  trailer[15] = objects.length;
  trailer[23] = top;
  trailer[31] = at;
  for (const [index, value] of Object.entries(changes)) trailer[Number(index)] = value ?? 0;
  return Buffer.concat([Buffer.from('bplist00'), ...parts, Buffer.from(offsets), trailer]);
}

describe('binary property lists', () => {
  it.each<[string, readonly (readonly number[])[], unknown]>([
    ['null', [[0x00]], null],
    ['booleans', [[0xa2, 1, 2], [0x08], [0x09]], [false, true]],
    ['one octet is unsigned', [[0x10, 0xff]], 255],
    ['eight octets are signed', [[0x13, ...Array.from({ length: 8 }, () => 0xff)]], -1],
    [
      'sixteen octets',
      [[0x14, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
      { big: '18446744073709551616' },
    ],
    ['float', [[0x22, 0x3f, 0xc0, 0, 0]], 1.5],
    ['a date', [[0x33, 0, 0, 0, 0, 0, 0, 0, 0]], { date: '2001-01-01T00:00:00.000Z' }],
    ['ASCII', [[0x51, 0x41]], 'A'],
    ['UTF-16', [[0x61, 0x20, 0xac]], '€'],
    ['UID', [[0x80, 5]], 5],
    ['a long count', [[0x4f, 0x10, 2, 1, 2]], { bytes: '0102' }],
    [
      'a shared object',
      [
        [0xa2, 1, 1],
        [0x51, 0x41],
      ],
      ['A', 'A'],
    ],
    ['a dictionary', [[0xd1, 1, 2], [0x51, 0x41], [0x09]], { A: true }],
  ])('%s', (_name, objects, expected) => {
    expect(read(binary(objects))).toEqual(expected);
  });

  it.each([
    ['contains itself', binary([[0xa1, 0]]), 'malformed', 'contains itself'],
    ['names an object that is not there', binary([[0xa1, 9]]), 'malformed', 'object 9 of 1'],
    ['has a key that is no string', binary([[0xd1, 1, 1], [0x09]]), 'malformed', 'a key is no string'],
    ['has an unknown kind of object', binary([[0xf0]]), 'malformed', 'unknown object kind 0xf0'],
    ['has data that is too long', binary([[0x4f, 0x12, 0x7f, 0, 0, 0]]), 'truncated', 'bytes wanted'],
    ['has an array that is too long', binary([[0xaf, 0x11, 0xff, 0xff]]), 'truncated', 'bytes wanted'],
    ['has too many references', binary([[0xaf, 0x12, 0x7f, 0, 0, 0]]), 'limit', 'too many references'],
    ['has a count that is no integer', binary([[0x4f, 0x51, 2]]), 'malformed', 'a count is no integer'],
    ['has no objects', binary([[0x09]], 0, { 15: 0 }), 'malformed', 'trailer'],
    ['has more objects than bytes', binary([[0x09]], 0, { 12: 1 }), 'malformed', 'trailer'],
    ['has offsets of no bytes', binary([[0x09]], 0, { 6: 0 }), 'malformed', 'trailer'],
    ['has its table outside', binary([[0x09]], 0, { 24: 0xff }), 'malformed', 'trailer'],
    ['has its top outside', binary([[0x09]], 7), 'malformed', 'trailer'],
    [
      'is too deep',
      binary(Array.from({ length: 100 }, (_, index) => [0xa1, index + 1])),
      'limit',
      'nested more than 64 deep',
    ],
  ])('one that %s is an error', (_name, bytes, code, message) => {
    const { entries, diagnostics } = parsePlist(bytes);
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ level: 'error', code }]);
    expect(diagnostics[0]?.message).toContain(message);
  });

  it('that would be a tree of 2^60 nodes is read at once', () => {
    const objects = Array.from({ length: 60 }, (_, index) => [0xa2, index + 1, index + 1]);
    expect(parsePlist(binary([...objects, [0x09]])).diagnostics).toEqual([]);
  });
});

const value = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(text)),
    fc.integer(),
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{0,8}$/), tie('value'), { maxKeys: 20 }),
  ),
})).value;

describe.skipIf(!hasPython)(`against python3's plistlib${unless(hasPython, 'python3')}`, () => {
  it('both forms of one list read alike, and as plistlib reads them', () => {
    const values = fc.sample(value, { numRuns: 200, seed: 7 });
    const xml = plist(values);
    const expected: unknown = JSON.parse(
      spawnSync('python3', ['-c', PRINT], { input: xml, encoding: 'utf8', maxBuffer: 64 << 20 }).stdout,
    );
    expect(read(xml)).toEqual(expected);
    expect(read(binaryPlist(xml))).toEqual(expected);
  });
});

const PRINT = `
import plistlib, json, sys, datetime
def plain(v):
    if isinstance(v, bytes): return {'bytes': v.hex()}
    if isinstance(v, datetime.datetime): return {'date': v.isoformat() + '.000Z'}
    if isinstance(v, list): return [plain(x) for x in v]
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    return v
print(json.dumps(plain(plistlib.loads(sys.stdin.buffer.read()))))
`;

describe('damaged property lists', () => {
  const lists = [
    Buffer.from(plist({ a: ['x', 1, true, Buffer.from('abc')], b: { c: new Date(0) } })),
    binary([
      [0xd2, 1, 2, 3, 4],
      [0x51, 0x41],
      [0x51, 0x42],
      [0xa1, 4],
      [0x4f, 0x10, 2, 1, 2],
    ]),
  ];

  it('never make the parser throw', () => {
    const edit = fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...lists),
        fc.nat(2000),
        fc.array(edit, { maxLength: 20 }),
        (list, length, edits) => {
          const bytes = Buffer.from(list);
          for (const [at, octet] of edits) bytes[at % bytes.length] = octet;
          parsePlist(bytes);
          parsePlist(bytes.subarray(0, length));
        },
      ),
      { numRuns: 2000, interruptAfterTimeLimit: 10_000 },
    );
  });
});

const samples = hasSample('macos');

describe.skipIf(!samples)(`sample lists${unless(samples, 'the directory of samples')}`, () => {
  it('of both forms say the same', () => {
    expect(read(sample('macos/Admin.bin.plist'))).toEqual(read(sample('macos/Admin.xml.plist')));
  });
});
