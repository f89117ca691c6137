import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchPart, pathTest } from '../../src/policy/glob.ts';

describe('a path pattern', () => {
  it.each([
    ['/opt/app', '/opt/app', true],
    ['/opt/app', '/opt/app/lib/cacerts', true],
    ['/opt/app', '/opt/application', false],
    ['/opt/app/', '/opt/app/x', true],
    ['/opt/app', '/opt', false],
    ['/', '/anything', true],
    ['/opt/*/cacerts', '/opt/a/cacerts', true],
    ['/opt/*/cacerts', '/opt/a/b/cacerts', false],
    ['/opt/**/cacerts', '/opt/a/b/cacerts', true],
    ['/opt/**/cacerts', '/opt/cacerts', true],
    ['/opt/**/cacerts', '/opt/a/b/other', false],
    ['**/cacerts', '/usr/lib/jvm/java/lib/security/cacerts', true],
    ['**/a/**/b', '/a/x/a/y/b/z', true],
    ['**', '/anything/at/all', true],
    ['/opt/**', '/opt', true],
    ['/home/*/.pki', '/home/alice/.pki/nssdb/cert9.db', true],
    ['/etc/ssl/*.pem', '/etc/ssl/a.pem', true],
    ['/etc/ssl/*.pem', '/etc/ssl/a.crt', false],
    ['/etc/ssl/*.pem', '/etc/ssl/sub/a.pem', false],
    ['/etc/ss?', '/etc/ssl/a', true],
    ['/etc/ss?', '/etc/ss', false],
    ['/etc/SSL', '/etc/ssl', false],
    [String.raw`C:\Program Files\Java`, '/c:/program files/java/lib/cacerts', true],
    ['/C:/Windows', '/C:/WINDOWS/System32', true],
    [String.raw`HKLM\SOFTWARE\*\Root`, String.raw`HKLM\Software\Microsoft\ROOT\Certificates`, true],
    ['/Windows/System32/config/SOFTWARE', String.raw`/Windows/System32/config/SOFTWARE\Microsoft`, true],
    ['/a(b)+[c].x', '/a(b)+[c].x', true],
    ['/a.b', '/axb', false],
  ])('%s against %s: %s', (pattern, path, expected) => {
    const fits = pathTest(pattern);
    expect([fits(path), fits(path)]).toEqual([expected, expected]);
  });

  const part = fc
    .array(fc.constantFrom('a', 'b', '*', '?'), { minLength: 1, maxLength: 5 })
    .map((all) => all.join(''));

  it('means the same as a regular expression', () => {
    const pattern = fc.array(
      fc.oneof(
        part.filter((each) => each !== '**'),
        fc.constant('**'),
      ),
      { maxLength: 5 },
    );
    const path = fc.array(fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(pattern, path, (parts, names) => {
        const source = parts
          .map((each) =>
            each === '**' ? '(?:/[^/]+)*' : `/${each.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}`,
          )
          .join('');
        const text = `/${names.map((name) => name.join('')).join('/')}`;
        const expected = new RegExp(`^${source}(?:/.*)?$`).test(text === '/' ? '' : text);
        expect(pathTest(`/${parts.join('/')}`)(text)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no longer than the lengths allow', () => {
    const start = performance.now();
    expect(matchPart(`${'*a'.repeat(500)}b`, 'a'.repeat(4000))).toBe(false);
    expect(pathTest(`/${'**/a/'.repeat(200)}b`)('/a'.repeat(2000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
