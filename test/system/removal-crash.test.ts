/** A removal from a Java keystore by the real keytool, killed at every point: an undo leads back to what was. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import {
  buildChild,
  copyOf,
  differences,
  discard,
  fastDirectory,
  runChild,
  treeAt,
  undoAll,
} from '../support/removal.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { describeWith, run } from './support/tools.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const STORE = 'usr/lib/jvm/java-17/lib/security/cacerts';

describeWith(['keytool'], 'a removal by keytool that is killed', () => {
  it.each(['jks', 'pkcs12'])('can be undone from every point: %s', async (type) => {
    const original = fastDirectory();
    mkdirSync(join(original, 'usr/lib/jvm/java-17/lib/security'), { recursive: true });
    mkdirSync(join(original, 'usr/lib/jvm/java-17/bin'));
    writeFileSync(join(original, 'usr/lib/jvm/java-17/release'), 'JAVA_VERSION="17"\n');
    for (const [alias, { pem }] of Object.entries({ bad, good })) {
      const file = join(fastDirectory(), 'certificate.pem');
      writeFileSync(file, pem);
      run('keytool', [
        '-importcert',
        '-noprompt',
        '-alias',
        alias,
        '-file',
        file,
        '-storetype',
        type,
        '-keystore',
        join(original, STORE),
        '-storepass',
        'changeit',
      ]);
    }
    const before = treeAt(original, { withAttributes: true });
    const child = await buildChild();
    const blocklist = blocklistOf(bad);
    const whole = copyOf(original);
    const { points } = runChild(child, { root: whole, base: fastDirectory(), blocklist });
    const listed = run('keytool', ['-list', '-keystore', join(whole, STORE), '-storepass', 'changeit']);
    expect([listed.includes('bad,'), listed.includes('good,')]).toEqual([false, true]);
    expect(points.length).toBeGreaterThan(8);
    for (const [index, point] of points.entries()) {
      const root = copyOf(original);
      const base = fastDirectory();
      expect(runChild(child, { root, base, blocklist, killAt: index + 1 }).killed).toBe(true);
      run('keytool', ['-list', '-keystore', join(root, STORE), '-storepass', 'changeit']);
      await undoAll(base);
      expect(differences(before, treeAt(root, { withAttributes: true })), point).toEqual([]);
      discard(root, base);
    }
  });
});
