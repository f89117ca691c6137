import { describe, expect, it } from 'vitest';
import { trustStatus } from '../../src/core/trust.ts';
import { ext4Image } from '../../src/selftest/ext4-image.ts';
import { zip } from '../../src/selftest/zip-file.ts';
import { store as system } from '../../src/stores/android-system.ts';
import {
  APEX,
  at,
  hashOf,
  lines,
  one,
  plan,
  readAll,
  SYSTEM,
  twin,
  two,
  USER,
  type Opened,
} from '../support/android.ts';
import type { TestCertificate } from '../support/certificates.ts';
import { refusing } from '../support/refusing-fs.ts';
import { makeRoot } from '../support/root.ts';

const PAYLOAD = 'apex_payload.img';
const PREINSTALLED = '/system/apex/com.google.android.conscrypt.apex';
const UPDATED = '/data/apex/active/com.android.conscrypt@341610000.apex';

/** A module with these files in its directory of roots. */
function apex(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const roots = Object.entries(files).map(
    ([name, content]) => [`cacerts/${name}`, Buffer.from(content)] as const,
  );
  const payload = ext4Image({ ...Object.fromEntries(roots), 'javalib/conscrypt.jar': Buffer.from('PK') });
  return zip({ 'apex_manifest.pb': Buffer.alloc(1), [PAYLOAD]: payload }, { stored: true });
}

const name = (certificate: TestCertificate, n = 0): string => `${hashOf(certificate)}.${n}`;
const sdk = (version: number): Record<string, string> => ({
  '/system/build.prop': `a=b\nro.build.version.sdk=${version}\n`,
});

function told(root: Opened): string[] {
  return readAll(system, root).flatMap(({ notes, problems }) => [
    ...notes,
    ...problems.map(({ code, path, message }) => `${code} ${path}: ${message}`),
  ]);
}

describe('the Conscrypt module that is not mounted', () => {
  const moduleOfOne = apex({ [name(one)]: `${one.pem}Certificate:\n  Data: text` });
  const replaced = (path: string): string => `${at(SYSTEM, two)} = present: not used: ${path} replaces it`;

  it.each<[string, string, Buffer]>([
    ['as it is', '/system/apex/com.android.conscrypt.apex', moduleOfOne],
    ['of Google', PREINSTALLED, moduleOfOne],
    ['that is packed', '/system/apex/com.android.conscrypt.capex', zip({ original_apex: moduleOfOne })],
    [
      'that is packed, of Google',
      '/system/apex/com.google.android.conscrypt_compressed.apex',
      zip({ original_apex: moduleOfOne }),
    ],
    [
      'on a system partition with a root of its own',
      '/system/system/apex/com.android.conscrypt.apex',
      moduleOfOne,
    ],
    ['on a data partition', UPDATED, moduleOfOne],
    ['that was unpacked', '/data/apex/decompressed/com.android.conscrypt@1.decompressed.apex', moduleOfOne],
  ])('%s has the roots that count', (_what, path, module) => {
    const root = makeRoot({ [at(SYSTEM, two)]: two.pem, [path]: module, ...sdk(34) });
    expect(lines(system, root)).toEqual([`${path} = trusted: listed`, replaced(path)]);
    const [content] = readAll(system, root);
    const outer = path.includes('capex') || path.includes('compressed.') ? 'original_apex!' : '';
    const entry = `${path.includes('decompressed') ? '' : outer}${PAYLOAD}!cacerts/${name(one)}`;
    expect(content?.anchors).toMatchObject([{ entry, path }]);
    expect(content?.anchors[0]).not.toHaveProperty('lines');
    const [location] = system.locate(root.target);
    expect(location).toMatchObject({
      application: 'Android (Conscrypt module)',
      format: 'Android module (APEX)',
    });
    expect(told(root)).toEqual([`${SYSTEM}: not used: ${path} replaces it`]);
  });

  it('counts too where nothing tells the version of Android', () => {
    const root = makeRoot({ [at(SYSTEM, two)]: two.pem, [PREINSTALLED]: moduleOfOne });
    expect(lines(system, root)).toEqual([`${PREINSTALLED} = trusted: listed`, replaced(PREINSTALLED)]);
  });

  it('does not count before Android 14', () => {
    const root = makeRoot({ [at(SYSTEM, two)]: two.pem, [PREINSTALLED]: moduleOfOne, ...sdk(33) });
    expect(lines(system, root)).toEqual([`${at(SYSTEM, two)} = trusted: listed`]);
    expect(told(root)).toEqual([
      `${PREINSTALLED}: not used: Android takes its roots from it from version 14 on`,
    ]);
  });

  it('is left aside where it is mounted', () => {
    const root = makeRoot({ [at(APEX, two)]: two.pem, [PREINSTALLED]: moduleOfOne, ...sdk(34) });
    expect(lines(system, root)).toEqual([`${at(APEX, two)} = trusted: listed`]);
    expect(told(root)).toEqual([]);
  });

  it('gives way to its update, the newest of them', () => {
    const older = UPDATED.replace('@341610000', '@99999');
    const root = makeRoot({
      [PREINSTALLED]: moduleOfOne,
      [UPDATED]: apex({ [name(two)]: two.pem }),
      [older]: moduleOfOne,
      ...sdk(35),
    });
    expect(lines(system, root)).toEqual([`${UPDATED} = trusted: listed`]);
    const unused = `not used: ${UPDATED} is there too, and Android takes that one`;
    expect(told(root)).toEqual([`${older}: ${unused}`, `${PREINSTALLED}: ${unused}`]);
  });

  it('with no roots leaves those of the system partition in use', () => {
    for (const module of [apex({}), zip({ [PAYLOAD]: ext4Image({ 'lib/x': Buffer.alloc(1) }) })]) {
      const root = makeRoot({ [at(SYSTEM, two)]: two.pem, [PREINSTALLED]: module, ...sdk(34) });
      expect(lines(system, root)).toEqual([`${at(SYSTEM, two)} = trusted: listed`]);
      expect(told(root)).toEqual([`${PREINSTALLED}: no roots in it: those of the system partition are used`]);
    }
  });

  it('has roots that users switch off as any other, and such that Android does not find', () => {
    const root = makeRoot({
      [PREINSTALLED]: apex({
        [name(one)]: one.der,
        [name(two)]: two.pem,
        [name(one, 2)]: twin.pem,
        'readme.pem': `${one.pem}${two.pem}`,
        '12345678.0': 'nothing',
        '22345678.0': '',
      }),
      [at(`${USER}/0/cacerts-removed`, one)]: one.der,
      [`${USER}/10/`]: '',
      [at(`${USER}/0/cacerts-removed`, two)]: two.der,
      [at(`${USER}/10/cacerts-removed`, two)]: two.der,
      ...sdk(34),
    });
    const [content] = readAll(system, root);
    const place = `${PAYLOAD}!cacerts/`;
    const found = content?.anchors.map(
      ({ entry, trust }) => `${entry} = ${trustStatus(trust)}: ${trust.expressed}`,
    );
    const unnamed = 'present: not used: its file name is none that Android looks for';
    expect(found?.toSorted()).toEqual(
      [
        `${place}${name(one)} = trusted: listed, but switched off by user 0`,
        `${place}${name(two)} = mitigated: switched off by user 0, 10`,
        `${place}${name(one, 2)} = present: not used: a file with a lower number is missing before it`,
        `${place}readme.pem, certificate 1 of 2 = ${unnamed}`,
        `${place}readme.pem, certificate 2 of 2 = ${unnamed}`,
      ].toSorted(),
    );
    expect(content?.notes).toContain(
      `${PREINSTALLED}: ${place}readme.pem: its file name is none that Android looks for`,
    );
    expect(content?.problems).toHaveLength(1);
    expect(content?.problems[0]?.message).toMatch(/^apex_payload\.img!cacerts\/12345678\.0: /);
  });

  it.each<[string, string | Buffer, string]>([
    ['is no archive', 'PK', 'malformed'],
    ['is cut off', moduleOfOne.subarray(0, 9000), 'malformed'],
    ['is too large', Buffer.alloc((64 << 20) + 1), 'too-large'],
    ['has no image', zip({ x: Buffer.alloc(1) }), 'malformed'],
  ])('that %s is one problem', (_what, module, code) => {
    const root = makeRoot({ [at(SYSTEM, one)]: one.pem, [PREINSTALLED]: module, ...sdk(34) });
    expect(lines(system, root)).toEqual([`${at(SYSTEM, one)} = trusted: listed`]);
    expect(readAll(system, root).flatMap(({ problems }) => problems)).toMatchObject([
      { code, path: PREINSTALLED },
    ]);
  });

  it('with a file system that is not read says what to do', () => {
    const payload = Buffer.alloc(4096);
    payload.writeUInt32LE(0xe0f5_e1e2, 1024);
    const root = makeRoot({ [PREINSTALLED]: zip({ [PAYLOAD]: payload }), ...sdk(34) });
    expect(told(root)).toEqual([
      `unsupported ${PREINSTALLED}: ${PAYLOAD}: EROFS, a file system that is not read here; mount it at ` +
        '/apex/com.android.conscrypt below the directory that is scanned, or scan the device itself with --adb',
    ]);
  });

  it('is a problem where its updates may not be looked at', () => {
    const { target } = makeRoot({ [PREINSTALLED]: moduleOfOne, [UPDATED]: moduleOfOne, ...sdk(34) });
    const fs = refusing(target.fs, '/data/apex/active');
    const contents = readAll(system, { target: { ...target, fs, hostPath: (path) => path } });
    expect(contents.flatMap(({ problems }) => problems)).toMatchObject([
      { code: 'unreadable', path: '/data/apex/active' },
    ]);
    expect(contents.flatMap(({ anchors }) => anchors)).toHaveLength(1);
  });

  it('loses no root by a change, and that is said', () => {
    const { disposition, commands, note } = plan(system, makeRoot({ [PREINSTALLED]: moduleOfOne }), one);
    expect(disposition).toBe('manual');
    expect(commands).toEqual([]);
    expect(note).toMatch(
      /^Nothing can be taken out of this module: it is signed.* On the device: Settings > Security/,
    );
  });
});
