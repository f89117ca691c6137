import { describe, expect, it } from 'vitest';
import {
  fromWindowsPath,
  isWindowsName,
  linkFromWindows,
  toWindowsPath,
} from '../../src/targets/windows-paths.ts';

describe('paths of Windows', () => {
  it.each([
    [String.raw`C:\Users\x`, '/C:/Users/x'],
    ['C:\\', '/C:'],
    [String.raw`\\?\C:\Users`, '/C:/Users'],
    [String.raw`\\server\share\x`, '//server/share/x'],
  ])('%s is %s on a target', (windows, target) => {
    expect(fromWindowsPath(windows)).toBe(target);
  });

  it.each([
    ['/C:/Users/x', String.raw`C:\Users\x`],
    ['/C:', 'C:\\'],
    ['/c:/', 'c:\\'],
    ['/', undefined],
    ['/etc/passwd', undefined],
    ['//server/share', undefined],
    ['/CC:/x', undefined],
  ])('%s of a target is %s', (target, windows) => {
    expect(toWindowsPath(target)).toBe(windows);
  });

  it.each([
    ['name', true],
    [String.raw`..\..\secret`, false],
    ['file:stream', false],
    ['C:', false],
  ])('%s is one name: %s', (name, expected) => {
    expect(isWindowsName(name)).toBe(expected);
  });

  it.each([
    [String.raw`C:\Users`, true, '/C:/Users'],
    [String.raw`\??\C:\Users` + '\\', true, '/C:/Users'],
    [String.raw`C:\Users`, false, '/Users'],
    ['C:\\', false, '/'],
    [String.raw`..\other`, true, '../other'],
  ])('a link to %s (all drives: %s) leads to %s', (link, drives, expected) => {
    expect(linkFromWindows(link, drives)).toBe(expected);
  });
});
