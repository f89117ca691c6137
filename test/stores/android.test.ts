import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FsError, type Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { store as system } from '../../src/stores/android-system.ts';
import { store as user } from '../../src/stores/android-user.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { APEX, at, lines, one, plan, readAll, SYSTEM, twin, two, USER } from '../support/android.ts';
import { unless } from '../support/nss.ts';
import { hasSample, makeRoot, runCommands } from '../support/root.ts';

describe('the roots of an Android system', () => {
  it('are those of the system partition before Android 14', () => {
    const root = makeRoot({
      [at(SYSTEM, one)]: `${one.pem}Certificate:\n  Data: text`,
      [at(SYSTEM, two)]: two.der,
    });
    expect(lines(system, root)).toEqual(
      [at(SYSTEM, one), at(SYSTEM, two)].toSorted().map((path) => `${path} = trusted: listed`),
    );
  });

  it('are those of the Conscrypt module where it is there', () => {
    const root = makeRoot({ [at(SYSTEM, one)]: one.pem, [at(APEX, two)]: two.pem });
    expect(lines(system, root)).toEqual([
      `${at(APEX, two)} = trusted: listed`,
      `${at(SYSTEM, one)} = present: not used: ${APEX} replaces it`,
    ]);
  });

  it('of a module that is there and empty do not replace anything', () => {
    const root = makeRoot({ [at(SYSTEM, one)]: one.pem, [`${APEX}/`]: '' });
    expect(lines(system, root)).toEqual([`${at(SYSTEM, one)} = trusted: listed`]);
  });

  it('are found in a system partition by itself', () => {
    const root = makeRoot({ [at('/etc/security/cacerts', one)]: one.pem });
    expect(lines(system, root)).toEqual([`${at('/etc/security/cacerts', one)} = trusted: listed`]);
  });

  it('that a Magisk module lays over them count while it is switched on', () => {
    const directory = '/data/adb/modules/movecert/system/etc/security/cacerts';
    const files = { [at(SYSTEM, two)]: two.pem, [at(directory, one)]: one.pem };
    expect(lines(system, makeRoot(files))).toContain(`${at(directory, one)} = trusted: listed`);
    const off = makeRoot({ ...files, '/data/adb/modules/movecert/disable': '' });
    expect(lines(system, off)).toContain(
      `${at(directory, one)} = present: not used: the module is switched off`,
    );
  });

  it('for other purposes than TLS are only held', () => {
    const directory = '/system/etc/security/cacerts_wfa';
    const root = makeRoot({ [at(SYSTEM, two)]: two.pem, [at(directory, one)]: one.pem });
    expect(lines(system, root)).toContain(`${at(directory, one)} = present: for other purposes than TLS`);
  });

  it('in files that Android does not find are only held, with a note', () => {
    const root = makeRoot({
      [`${SYSTEM}/readme.pem`]: two.pem,
      [`${SYSTEM}/00000000.0`]: two.pem,
      [at(SYSTEM, one, 1)]: one.pem,
    });
    const [content] = readAll(system, root);
    expect(content?.anchors.map(({ trust }) => trustStatus(trust))).toEqual([
      'present',
      'present',
      'present',
    ]);
    expect(content?.notes).toHaveLength(3);
    expect(lines(system, root).join()).toMatch(/not used: a file with a lower number is missing before it/);
  });

  it('are distrusted once every user has switched them off, by the certificate and not by the file name', () => {
    const files = { [at(SYSTEM, one)]: one.pem, [at(`${USER}/0/cacerts-removed`, one)]: one.der };
    expect(lines(system, makeRoot(files))).toEqual([
      `${at(SYSTEM, one)} = mitigated: switched off by user 0`,
    ]);
    const second = makeRoot({ ...files, [at(`${USER}/10/cacerts-added`, two)]: two.der });
    expect(lines(system, second)).toEqual([
      `${at(SYSTEM, one)} = trusted: listed, but switched off by user 0`,
    ]);
    const again = makeRoot({ ...files, [at(`${USER}/0/cacerts-removed`, one)]: twin.der });
    expect(lines(system, again)).toEqual([`${at(SYSTEM, one)} = trusted: listed`]);
  });

  it('leave through the settings', () => {
    const { disposition, note } = plan(system, makeRoot({ [at(SYSTEM, one)]: one.pem }), one);
    expect(disposition).toBe('manual');
    expect(note).toMatch(/^On the device: Settings > Security/);
  });

  it('in files that cannot be read are problems', () => {
    const root = makeRoot({
      [`${SYSTEM}/12345678.0`]: 'nothing',
      [`${SYSTEM}/87654321.0`]: { link: '87654321.0' },
    });
    const codes = readAll(system, root).flatMap(({ problems }) => problems.map(({ code }) => code));
    expect(codes).toEqual(['malformed', 'link-loop']);
  });
});

describe('the roots of Android users', () => {
  it('are those added and those switched off, for each user', () => {
    const root = makeRoot({
      [at(`${USER}/0/cacerts-added`, one)]: one.der,
      [at(`${USER}/0/cacerts-added`, one, 1)]: twin.der,
      [at(`${USER}/0/cacerts-removed`, two)]: two.pem,
      [at(`${USER}/10/cacerts-added`, two)]: two.pem,
      [`${USER}/x/cacerts-added/1`]: '',
    });
    const locations = user.locate(root.target).map(({ path, user: name }) => `${name} ${path}`);
    expect(locations).toEqual([
      `0 ${USER}/0/cacerts-added`,
      `0 ${USER}/0/cacerts-removed`,
      `10 ${USER}/10/cacerts-added`,
    ]);
    const added = 'trusted: added by the user: browsers, and apps that accept such roots';
    expect(lines(user, root)).toEqual([
      `${at(`${USER}/0/cacerts-added`, one)} = ${added}`,
      `${at(`${USER}/0/cacerts-added`, one, 1)} = ${added}`,
      `${at(`${USER}/0/cacerts-removed`, two)} = mitigated: switched off by the user`,
      `${at(`${USER}/10/cacerts-added`, two)} = ${added}`,
    ]);
  });

  it.each([
    ['a data partition by itself', '/misc/user/0/cacerts-added'],
    ['systems before there were users', '/data/misc/keychain/cacerts-added'],
    ['the data partition of such a system', '/misc/keychain/cacerts-added'],
  ])('are found in %s', (_, directory) => {
    const root = makeRoot({ [at(directory, one)]: one.der });
    expect(lines(user, root)).toHaveLength(1);
  });

  it('are looked for at their usual numbers where they may not be listed, and that is a problem', () => {
    const { target } = makeRoot({
      [at(`${USER}/0/cacerts-added`, one)]: one.der,
      [at(`${USER}/10/cacerts-added`, two)]: two.der,
    });
    const list: Target['fs']['list'] = (path) => {
      if (path === USER) throw new FsError('denied', path, 'permission denied');
      return target.fs.list(path);
    };
    const { fs } = target;
    const unlisted: Target = {
      ...target,
      hostPath: (path) => path,
      fs: {
        stat: (path) => fs.stat(path),
        kind: (path) => fs.kind(path),
        realPath: (path) => fs.realPath(path),
        open: (path) => fs.open(path),
        read: (path, maxBytes) => fs.read(path, maxBytes),
        list,
      },
    };
    const contents = readAll(user, { target: unlisted });
    expect(contents.map(({ anchors }) => anchors.length)).toEqual([1, 1, 0]);
    expect(contents.flatMap(({ problems }) => problems)).toMatchObject([{ code: 'unreadable', path: USER }]);
  });

  it('pass over empty files, which only keep the numbers', () => {
    const directory = `${USER}/0/cacerts-added`;
    const root = makeRoot({ [at(directory, one)]: '', [at(directory, one, 1)]: one.der });
    expect(lines(user, root)).toEqual([
      `${at(directory, one, 1)} = trusted: added by the user: browsers, and apps that accept such roots`,
    ]);
  });

  it('in a misnamed file still count for Chrome', () => {
    const root = makeRoot({ [`${USER}/0/cacerts-added/00000000.0`]: one.der });
    expect(lines(user, root).join()).toMatch(
      /trusted: .*apps do not find it: its file name is that of another subject/,
    );
  });

  it('on a mounted partition are emptied, with the numbers kept, and put back', () => {
    const directory = `${USER}/0/cacerts-added`;
    const root = makeRoot({ [at(directory, one)]: one.der, [at(directory, one, 1)]: twin.der });
    const { commands, undo, disposition } = plan(user, root, one);
    expect(disposition).toBe('safe');
    runCommands(commands);
    expect(readFileSync(root.at(at(directory, one)))).toHaveLength(0);
    expect(lines(user, root)).toHaveLength(1);
    runCommands(undo);
    expect(readFileSync(root.at(at(directory, one))).equals(one.der)).toBe(true);
    expect(() => runCommands(plan(user, root, two).commands)).toThrow('not held');
  });
});

const hasAndroid = hasSample('android');

describe.skipIf(!hasAndroid)(`a sample of Android${unless(hasAndroid, 'the directory of samples')}`, () => {
  it('reads as expected, with every file name right', () => {
    const root = {
      get target() {
        return openDirectory('../shared/samples/android');
      },
    };
    const names = lines(system, root).map((line) =>
      line.replace(/.*\/cacerts\//, '').replace(/: not used.*/, ''),
    );
    expect(names).toEqual([
      '3c860d51.0 = trusted: listed',
      '7a819ef2.0 = trusted: listed, but switched off by user 0',
      '9339512a.0 = trusted: listed',
      'bf64f35b.0 = trusted: listed',
      '399e7759.0 = present',
      '69105f4f.0 = present',
      '7a819ef2.0 = present',
      '81b9768f.0 = present',
      '9339512a.0 = present',
      'bf64f35b.0 = present',
    ]);
    expect(readAll(user, root).map(({ anchors }) => anchors.length)).toEqual([2, 1, 1]);
    expect(readAll(user, root).flatMap(({ notes, problems }) => [...notes, ...problems])).toEqual([]);
  });
});
