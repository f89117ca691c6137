import { describe, expect, it } from 'vitest';
import { store as chromeos } from '../../src/stores/chromeos.ts';
import { stores } from '../../src/stores/unread.ts';
import { stores as windowsStores } from '../../src/stores/windows.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { foundIn } from '../support/certificate-files.ts';
import { makeRoot, type TestRoot } from '../support/root.ts';
import { makeHive, tree, utf16 } from '../support/windows.ts';

const LXSS = 'Software\\Microsoft\\Windows\\CurrentVersion\\Lxss';
const LOCAL = '/Users/ann/AppData/Local';
const UBUNTU = `${LOCAL}/Packages/CanonicalGroupLimited.Ubuntu_79rhkp1fndgsc/LocalState`;
const windows = (path: string): TestRoot => makeRoot({ '/Windows/System32/': '', [path]: '' });

function messages({ target }: TestRoot): string[] {
  return stores.flatMap((store) =>
    store
      .locate(target)
      .flatMap((location) => readWhole(store, target, location, { storePasswords: [] }).problems)
      .map(({ message }) => message),
  );
}

describe('places that cannot be looked into are a problem each, never silence', () => {
  it.each([
    ['the disk of a distribution from the Store', `${UBUNTU}/ext4.vhdx`],
    ['the disk of a distribution installed by wsl --install', `${LOCAL}/wsl/{0a1b}/ext4.vhdx`],
    ['the disk of Docker Desktop', `${LOCAL}/Docker/wsl/main/ext4.vhdx`],
  ])('%s', (_, path) => {
    const root = windows(path);
    expect(foundIn(stores, root)).toEqual([`wsl ${path} ! unsupported`]);
    expect(messages(root)[0]).toMatch(
      /run rootaudit inside it, or, once it is stopped, rootaudit scan with this file/,
    );
  });

  it('the files of a distribution in WSL 1, which can be given themselves', () => {
    const root = windows(`${UBUNTU}/rootfs/etc/passwd`);
    expect(foundIn(stores, root)).toEqual([`wsl ${UBUNTU}/rootfs ! unsupported`]);
    expect(messages(root)[0]).toContain('rootaudit scan with this directory');
  });

  it.each([
    ['in a directory of its own', 'D:\\wsl\\arch', ['D:\\wsl\\arch']],
    ['in the form for long paths', '\\\\?\\D:\\wsl\\arch', ['D:\\wsl\\arch']],
    ['at a place that is looked at anyway', 'C:\\Users\\ann\\AppData\\Local\\wsl\\{0a1b}', []],
    ['with no place', '', []],
  ])('a distribution that only the registry knows, %s', (_, place, expected) => {
    const { target } = makeRoot({
      '/Windows/System32/': '',
      '/Users/ann/NTUSER.DAT': makeHive(
        tree({ [`${LXSS}\\{0a1b}`]: { BasePath: utf16(place) }, [LXSS]: {} }),
      ),
    });
    const users = windowsStores.filter(({ id }) => id === 'windows-user');
    const problems = users.flatMap((store) =>
      store
        .locate(target)
        .flatMap((location) => readWhole(store, target, location, { storePasswords: [] }).problems),
    );
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(
      expected.map((path) => `unsupported ${path}`),
    );
  });

  it.each([
    ['/home/ann/.opera/opcacrt6.dat', '/x'],
    ['/home/ann/.opera/opicacert6.dat', '/x'],
    ['/Users/ann/Library/Application Support/Opera/opcacrt6.dat', '/System/Library/CoreServices/'],
    ['/Users/ann/AppData/Roaming/Opera/Opera/opcacrt6.dat', '/Windows/System32/'],
  ])('certificates of old versions of Opera: %s', (path, mark) => {
    expect(foundIn(stores, makeRoot({ [mark]: '', [path]: 'x' }))).toEqual([
      `opera-presto ${path} ! unsupported`,
    ]);
  });

  it.each([
    ['/home/ann/.opera/oprand.dat'],
    ['/home/ann/.opera/opssl6.dat'],
    ['/home/ann/Documents/opcacrt6.dat'],
  ])('but not %s', (path) => {
    expect(foundIn(stores, makeRoot({ [path]: 'x' }))).toEqual([]);
  });

  it.each([
    ['/Users/ann/AppData/Local/Packages/Microsoft.Photos_8/LocalState/photos.db'],
    ['/Users/ann/AppData/Local/wsl/readme.txt'],
  ])('nor %s on Windows', (path) => {
    expect(foundIn(stores, windows(path))).toEqual([]);
  });

  it.each([
    ['/var/lib/devicesettings/policy.1'],
    ['/home/root/0a1b/session_manager/policy/policy'],
    ['/var/lib/device_local_accounts/0a1b/policy/policy'],
  ])('signed policies of ChromeOS: %s', (path) => {
    const root = makeRoot({ [path]: 'x', '/var/lib/devicesettings/owner.key': 'x' });
    expect(foundIn([chromeos], root)).toEqual([`chromeos ${path} ! unsupported`]);
  });
});
