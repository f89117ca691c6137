import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf16, findDword, findKey, findValue } from '../../src/formats/registry.ts';
import { parseRegText } from '../../src/formats/reg-text.ts';
import { registryLines, mark } from '../support/registry.ts';
import { hasSample, sample } from '../support/root.ts';

const KEY = 'HKEY_LOCAL_MACHINE\\Software\\A b';
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const version5 = (text: string): Buffer => utf16(`Windows Registry Editor Version 5.00\r\n\r\n${text}`);
const wine = (text: string): Buffer => Buffer.from(`WINE REGISTRY Version 2\n;; comment\n\n${text}`);

describe('the registry as text', () => {
  it.each<[string, Buffer]>([
    ['an export', version5(`[${KEY}]\r\n"Blob"=hex:01,0a,ff\r\n`)],
    [
      'an export in UTF-8',
      Buffer.from(`\ufeffWindows Registry Editor Version 5.00\n[${KEY}]\n"Blob"=hex:01,0a,ff`),
    ],
    ['an old export', Buffer.from(`REGEDIT4\r\n\r\n[${KEY}]\r\n"Blob"=hex:01,0a,ff\r\n`)],
    ['an export over lines', version5(`[${KEY}]\r\n"Blob"=hex:01,\\\r\n  0a,\\\r\n  ff\r\n`)],
    [
      'a prefix',
      wine(`[HKEY_LOCAL_MACHINE\\\\Software\\\\A b] 1700000000\n#time=1da\n"Blob"=hex:01,0a,\\\n  ff\n`),
    ],
  ])('%s gives keys and values', (_what, bytes) => {
    const parsed = parseRegText(bytes);
    expect(parsed.diagnostics).toEqual([]);
    expect(registryLines(parsed)).toEqual([
      '\\HKEY_LOCAL_MACHINE',
      '\\HKEY_LOCAL_MACHINE\\Software',
      `\\${KEY}`,
      `\\${KEY}\tBlob=${mark(Buffer.of(1, 10, 255))}`,
    ]);
  });

  it.each<[string, string, number, string]>([
    ['a text', '"x"="a \\"b\\" \\\\ c"', 1, 'a "b" \\ c'],
    ['the default value', '@="text"', 1, 'text'],
    ['a text in hex', '"x"=hex(1):61,00,62,00,00,00', 1, 'ab'],
    ['a text that may be expanded', '"x"=hex(2):25,00,00,00', 2, '%'],
  ])('has %s', (_what, line, type, text) => {
    const { root } = parseRegText(version5(`[K]\r\n${line}\r\n`));
    const value = findValue(findKey(root, 'k'), line.startsWith('@') ? '' : 'X');
    expect([value?.type, decodeUtf16(value?.data ?? Buffer.alloc(0))]).toEqual([type, text]);
  });

  it('has numbers', () => {
    const { root } = parseRegText(version5('[K]\r\n"n"=dword:0000001a\r\n'));
    expect(findDword(findKey(root, 'K'), 'n')).toBe(26);
  });

  it("reads Wine's escapes", () => {
    const { root, diagnostics } = parseRegText(
      wine('[A\\\\\\x65e5\\x672c \\[x\\]] 17\n"n\\x00e4me"=str(2):"tab\\there \\x20ac \\101 \\"q\\""\n'),
    );
    expect(diagnostics).toEqual([]);
    const value = findValue(findKey(root, 'A\\日本 [x]'), 'näme');
    expect([value?.type, decodeUtf16(value?.data ?? Buffer.alloc(0))]).toEqual([2, 'tab\there € A "q"']);
  });

  it('keeps only what was asked for', () => {
    const text =
      '[A\\\\B\\\\C] 1\n"x"=dword:1\n[A\\\\Bc] 1\n"x"=dword:1\n[Other] 1\n"x"=broken\n[a\\\\b] 1\n"y"=dword:2\n';
    const parsed = parseRegText(wine(text), ['A\\B']);
    expect(registryLines(parsed).filter((line) => line.includes('\t'))).toHaveLength(2);
    expect(parsed.diagnostics).toEqual([]);
  });

  it.each<[string, Buffer, string]>([
    ['no bytes', Buffer.alloc(0), '1 malformed'],
    ['another text', Buffer.from('[General]\nx=1\n'), '1 malformed'],
    ['a key without its end', version5('[K\r\n'), '3 malformed'],
    ['a value without a sign', version5('[K]\r\n"x"\r\n'), '4 malformed'],
    ['a value of an unknown kind', version5('[K]\r\n"x"=what\r\n'), '4 malformed'],
    ['octets that are none', version5('[K]\r\n"x"=hex:zz\r\n'), '4 malformed'],
    ['octets of three digits', version5('[K]\r\n"x"=hex:123\r\n'), '4 malformed'],
    ['a number that is none', version5('[K]\r\n"x"=dword:\r\n'), '4 malformed'],
    ['a text without its end', version5('[K]\r\n"x"="abc\r\n'), '4 truncated'],
    ['keys without end', version5(`[${'a\\'.repeat(600)}]\r\n`), '3 limit'],
  ])('%s is a problem, with its line', (_what, bytes, expected) => {
    const { diagnostics } = parseRegText(bytes);
    expect(diagnostics.map(({ line, code }) => `${line} ${code}`)).toEqual([expected]);
  });

  it('takes nothing from lines that remove keys', () => {
    expect(registryLines(parseRegText(version5('[-K]\r\n"x"=dword:1\r\n')))).toEqual([]);
  });

  it('never throws, whatever its text', () => {
    const pieces = [
      '[',
      ']',
      '\\\\',
      '\\',
      '"',
      '=',
      'hex:',
      'dword:',
      '0a',
      ',',
      '\n',
      'K',
      '@',
      'str(2):',
      '-',
      ' ',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (parts) => {
        for (const form of [wine, version5])
          expect(registryLines(parseRegText(form(parts.join('')))).length).toBeLessThan(100);
      }),
      { numRuns: 3000 },
    );
  });

  it.skipIf(!hasSample('windows/text-registry'))('reads the samples', () => {
    const prefix = parseRegText(sample('windows/text-registry/system.reg'));
    const exported = parseRegText(sample('windows/text-registry/export.reg'));
    const blobs = [prefix, exported].map((parsed) =>
      registryLines(parsed).filter((line) => line.includes('\tBlob=')),
    );
    expect(blobs.map(({ length }) => length)).toEqual([3, 1]);
    // Both hold the same root.
    expect(blobs[0]?.[0]?.split('\t')[1]).toBe(blobs[1]?.[0]?.split('\t')[1]);
    expect([...prefix.diagnostics, ...exported.diagnostics]).toEqual([]);
  });
});
