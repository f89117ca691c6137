import { describe, expect, it } from 'vitest';
import { choosePlatform, hostPlatform, parsePlatform, platformText } from '../../src/images/platform.ts';

const made = (text: string): { platform?: ReturnType<typeof parsePlatform> } =>
  text === '' ? {} : { platform: parsePlatform(text) };

describe('platforms', () => {
  it.each<[string, string, string | undefined, string]>([
    // What there is, the host, what was asked for, what is chosen.
    ["this machine's", 'linux/amd64 linux/arm64', undefined, 'linux/arm64'],
    ['linux/amd64 when there is none for this machine', 'linux/s390x linux/amd64', undefined, 'linux/amd64'],
    ['the first when there is neither', 'linux/s390x linux/ppc64le', undefined, 'linux/s390x'],
    ['those without any when no other is there', ' ', undefined, ' '],
    ['what was asked for', 'linux/amd64 linux/arm64', 'linux/amd64', 'linux/amd64'],
    ['all', 'linux/amd64 linux/arm64 windows/amd64', 'all', 'linux/amd64 linux/arm64 windows/amd64'],
    ['none when what was asked for is missing', 'linux/amd64', 'linux/arm64', ''],
    [
      'every image of the platform',
      'linux/arm64 linux/arm64 linux/amd64',
      undefined,
      'linux/arm64 linux/arm64',
    ],
    ['a variant that goes without saying', 'linux/arm64/v8 linux/amd64', 'linux/arm64', 'linux/arm64/v8'],
    ['the variant that goes without saying', 'linux/arm64', 'linux/arm64/v8', 'linux/arm64'],
    [
      'the usual variant before others',
      'linux/arm/v5 linux/arm/v6 linux/arm/v7',
      'linux/arm',
      'linux/arm/v7',
    ],
    [
      'the first variant when the usual one is missing',
      'linux/arm/v5 linux/arm/v6',
      'linux/arm',
      'linux/arm/v5',
    ],
    ['no other variant than was asked for', 'linux/arm/v5 linux/arm/v7', 'linux/arm/v6', ''],
    ["the kernel's name for the architecture", 'linux/amd64', 'linux/x86_64', 'linux/amd64'],
    ['capitals', 'linux/amd64', 'Linux/AMD64', 'linux/amd64'],
    ['a system of its own', 'linux/amd64 windows/amd64', 'windows/amd64', 'windows/amd64'],
  ])('gives %s', (_, there, wanted, expected) => {
    const images = there === ' ' ? [{}, {}] : there.split(' ').map(made);
    const host = parsePlatform('linux/arm64');
    const chosen = choosePlatform(images, wanted, host).map(
      ({ platform }) => platform && platformText(platform),
    );
    expect(chosen.join(' ')).toBe(expected);
  });

  it.each(['', 'linux', 'linux/', '/amd64', 'linux/amd64/', 'linux/arm/v7/x', 'linux/a b', 'linux/../x y'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow('is no platform');
    },
  );

  it.each([
    ['x64', 'linux/amd64'],
    ['arm64', 'linux/arm64'],
    ['ia32', 'linux/386'],
    ['riscv64', 'linux/riscv64'],
  ])('is %s to Node and %s to images', (architecture, expected) => {
    expect(platformText(hostPlatform(architecture))).toBe(expected);
  });
});
