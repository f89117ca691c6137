import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListParser, type ListedMember } from '../../src/images/seven-zip-list.ts';

function parse(text: string, pieceSize = text.length, isWindows = false): ListedMember[] {
  const parser = new ListParser(isWindows);
  const members: ListedMember[] = [];
  for (let at = 0; at < text.length; at += Math.max(pieceSize, 1)) {
    members.push(...parser.push(text.slice(at, at + Math.max(pieceSize, 1))));
  }
  const last = parser.end();
  return last ? [...members, last] : members;
}

/** Of 7-Zip 26.02. */
const EXT4 = `Path = etc/ssl
Folder = +
Size = 
Mode = drwxr-xr-x
Modified = 2026-11-23 16:10:46.000000000
Symbolic Link = 
User ID = 0

Path = etc/ssl/rel
Folder = -
Size = 13
Mode = lrwxrwxrwx
Modified = 2026-11-23 16:10:46.000000000
Symbolic Link = ../os-release
User ID = 1000

`;
const GPT = `Path = 1.root fs.img
Size = 20971520
File System = Linux Data
Characteristics = 
Offset = 11534336
ID = 7F770BEA-2A87-7F45-85DB-EC4D3355DFC5

`;

describe('the list of 7-Zip', () => {
  it('has files, directories and links', () => {
    expect(parse(EXT4)).toMatchObject([
      { path: 'etc/ssl', isDirectory: true, size: undefined, mode: 'drwxr-xr-x', link: '', uid: 0 },
      { path: 'etc/ssl/rel', isDirectory: false, size: 13, link: '../os-release', uid: 1000 },
    ]);
    expect(parse(EXT4)[0]?.modified).toBe(Date.UTC(2026, 10, 23, 16, 10, 46));
  });

  it('has partitions', () => {
    expect(parse(GPT)).toMatchObject([
      {
        path: '1.root fs.img',
        isDirectory: undefined,
        size: 20_971_520,
        offset: 11_534_336,
        use: 'Linux Data',
      },
    ]);
  });

  it('comes in pieces of any size', () => {
    const whole = parse(EXT4 + GPT);
    for (const size of [1, 2, 7, 100]) expect(parse(EXT4 + GPT, size)).toEqual(whole);
  });

  it('is read as Windows writes it', () => {
    const text = 'Path = Users\\ann\r\nFolder = +\r\n\r\n';
    expect(parse(text, text.length, true)).toMatchObject([{ path: 'Users/ann', isDirectory: true }]);
    expect(parse('Path = back\\slash\nFolder = -\n\n')).toMatchObject([{ path: 'back\\slash' }]);
  });

  it.each([
    [String.raw`Junction: C:\Users`, '/Users'],
    [String.raw`C:\ProgramData`, '/ProgramData'],
    [String.raw`..\Public\x`, '../Public/x'],
    ['WSL: /etc/x', '/etc/x'],
    [String.raw`Junction: D:\x`, 'D:/x'],
    ['WOF: 00112233', ''],
    ['00112233445566', ''],
    ['data:4096', ''],
  ])('knows where %s leads to', (link, target) => {
    expect(parse(`Path = x\nFolder = -\nLink = ${link}\n\n`)).toMatchObject([{ link: target }]);
  });

  it.each([
    ['a size that is no number', 'Size = 1e9', { size: undefined }],
    ['a negative size', 'Size = -1', { size: undefined }],
    ['a size beyond all', 'Size = 99999999999999999999', { size: undefined }],
    ['a time that is none', 'Modified = 2026-99-99 99:99:99', { modified: 0 }],
    ['a user beyond all', 'User ID = 99999999999', { uid: 0xffff_ffff }],
    ['a field twice', 'Size = 1\nSize = 2', { size: 1 }],
    ['names of objects', '__proto__ = x\nconstructor = y', { path: 'x' }],
  ])('bears %s', (_, lines, expected) => {
    expect(parse(`Path = x\nFolder = -\n${lines}\n\n`)).toMatchObject([expected]);
  });

  it.each([
    ['a line without end', 'x'.repeat(70_000)],
    ['a block without end', 'Size = 1\n'.repeat(201)],
  ])('is broken by %s', (_, text) => {
    const parser = new ListParser();
    expect([...parser.push(text), ...parser.push(EXT4)]).toEqual([]);
    expect(parser.isBroken).toBe(true);
    expect(parser.end()).toBeUndefined();
  });

  it('never throws, whatever is printed', () => {
    const line = oneof(
      string(),
      constantFrom(
        '',
        'Path = a',
        'Folder = +',
        'Folder = -',
        'Size = 12',
        'Link = Junction: C:\\',
        'Mode = l',
      ),
    );
    assert(
      property(array(line), integer({ min: 1, max: 50 }), (lines, size) => {
        const text = lines.join('\n');
        expect(parse(text, size)).toEqual(parse(text));
      }),
      { numRuns: 300 },
    );
  });
});
