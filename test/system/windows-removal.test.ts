/**
 * `rootaudit remove` and `undo` by Windows' Node.js in Wine, on its live registry and on files of its drive: what had to
 * go is gone, what stays is untouched, and after the undo everything is as it was.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { blobProperty, certificateBlob } from '../support/windows.ts';
import { blocklistOf } from './support/lifecycle.ts';
import {
  describeOnWindows,
  MACHINE,
  thumbprint,
  toWine,
  USER,
  Wine,
  WINDOWS_NODE,
  type Ran,
} from './support/wine.ts';

const bad = makeCertificate({ subject: { O: 'State', CN: 'Planted Root' } });
const neighbour = makeCertificate({ subject: { CN: 'Neighbour' } });
const blocklist = blocklistOf(bad);

const JOURNAL = String.raw`C:\journal of removals`;
const BUNDLE = 'Program Files/Git/mingw64/etc/ssl/certs/ca-bundle.crt';
const ANCHOR = 'msys64/etc/pki/ca-trust/source/anchors/planted.pem';
/** As exact as NTFS is. */
const WHEN = '2020-01-02T03:04:05.1234567Z';

describeOnWindows('a removal on Windows', () => {
  let wine: Wine;
  beforeAll(() => {
    wine = new Wine();
  });
  afterAll(() => {
    wine.remove();
  });

  const rootaudit = (...args: readonly string[]): Ran =>
    wine.run(WINDOWS_NODE, toWine(join(PROJECT, 'bin/rootaudit.js')), ...args, '--journal', JOURNAL);
  const remove = (...args: readonly string[]): Ran =>
    rootaudit('remove', '--blocklist', toWine(blocklist), ...args);
  const keyOf = (store: string, certificate: TestCertificate): string =>
    `${store}\\Certificates\\${thumbprint(certificate)}`;
  const plant = (store: string, certificate: TestCertificate): void => {
    const friendlyName = blobProperty(11, Buffer.from('ü\0', 'utf16le'));
    const blob = Buffer.concat([friendlyName, certificateBlob(certificate.der)]).toString('hex');
    wine.must('reg', 'add', keyOf(store, certificate), '/v', 'Blob', '/t', 'REG_BINARY', '/d', blob, '/f');
  };
  const exported = (key: string): string => {
    wine.must('reg', 'export', key, String.raw`C:\exported.reg`, '/y');
    return readFileSync(join(wine.prefix, 'drive_c/exported.reg'), 'utf16le');
  };
  const isTrusted = (): boolean =>
    wine.systemRoots(WINDOWS_NODE).some((subject) => subject.includes('Planted Root'));
  const file = (path: string): string => join(wine.prefix, 'drive_c', path);
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(file(path)), { recursive: true });
    writeFileSync(file(path), content);
    spawnSync('touch', ['-d', WHEN, file(path)]);
  };

  it.each([
    ['the machine', MACHINE, `${MACHINE}\\ROOT`],
    ['the user', USER, `${USER}\\Root`],
  ])('takes a root out of the registry of %s, and the undo brings back all of it', (_of, all, store) => {
    plant(store, bad);
    plant(store, neighbour);
    // Wine puts the roots of the host and empty keys there when somebody asks for roots.
    expect(isTrusted()).toBe(true);
    const before = exported(all);

    const planned = remove();
    expect(planned).toMatchObject({ status: 1, output: expect.stringContaining('reg delete') });
    expect(exported(all)).toBe(before);

    expect(remove('--apply', '--yes')).toMatchObject({
      status: 0,
      output: expect.stringContaining('none trusts what had to go'),
    });
    expect(isTrusted()).toBe(false);
    expect(wine.run('reg', 'query', keyOf(store, bad)).status).not.toBe(0);
    expect(wine.run('reg', 'query', keyOf(store, neighbour)).status).toBe(0);
    expect(remove('--apply', '--yes').status).toBe(0);

    expect(rootaudit('undo')).toMatchObject({ status: 0 });
    expect(exported(all)).toBe(before);
    expect(isTrusted()).toBe(true);
    wine.must('reg', 'delete', store, '/f');
  });

  it('cuts it out of a bundle and deletes a file of its own, and the undo brings both back', () => {
    write(BUNDLE, `# one\r\n${neighbour.pem}# two\r\n${bad.pem}# three\r\n`);
    write(ANCHOR, bad.pem);
    const state = (): unknown =>
      [BUNDLE, ANCHOR].map((path) => [
        readFileSync(file(path), 'utf8'),
        statSync(file(path), { bigint: true }).mtimeNs,
      ]);
    const before = state();

    expect(remove('--apply', '--yes')).toMatchObject({ status: 0 });
    expect(readFileSync(file(BUNDLE), 'utf8')).toBe(`# one\r\n${neighbour.pem}# two\r\n# three\r\n`);
    expect(() => statSync(file(ANCHOR))).toThrow(/ENOENT/);

    expect(rootaudit('undo')).toMatchObject({ status: 0, output: expect.stringContaining('put back') });
    expect(state()).toEqual(before);
    expect(rootaudit('undo', '--list')).toMatchObject({ output: expect.stringContaining('undone') });
  });
});
