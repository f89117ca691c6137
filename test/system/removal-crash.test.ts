/**
 * Removals by real tools, killed at every point: keytool on copies of keystores, update-ca-certificates in the system
 * itself, also in the middle of its work. An undo leads back, and another removal to the end.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { expectRecoveryFromEveryPoint, trustedIn } from '../support/crash.ts';
import {
  buildChild,
  copyOf,
  differences,
  fastDirectory,
  markFiles,
  runChild,
  treeAt,
  undoAll,
} from '../support/removal.ts';
import { inside, makeChroot } from './support/chroot.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { describeWith, run } from './support/tools.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const blocklist = blocklistOf(bad);
const STORE = 'usr/lib/jvm/java-17/lib/security/cacerts';

let child = '';
beforeAll(async () => {
  child = await buildChild();
});

describeWith(['keytool'], 'a removal by keytool that is killed', () => {
  it.each(['jks', 'pkcs12'])('can be undone, or done again, from every point: %s', async (type) => {
    const original = fastDirectory();
    mkdirSync(join(original, 'usr/lib/jvm/java-17/lib/security'), { recursive: true });
    mkdirSync(join(original, 'usr/lib/jvm/java-17/bin'));
    writeFileSync(join(original, 'usr/lib/jvm/java-17/release'), 'JAVA_VERSION="17"\n');
    for (const [alias, { pem }] of Object.entries({ bad, good })) {
      const file = join(fastDirectory(), 'certificate.pem');
      writeFileSync(file, pem);
      const words = ['-importcert', '-noprompt', '-alias', alias, '-file', file, '-storetype', type];
      run('keytool', [...words, '-keystore', join(original, STORE), '-storepass', 'changeit']);
    }
    markFiles(join(original, 'usr/lib/jvm/java-17/lib'));
    await expectRecoveryFromEveryPoint({
      child,
      original,
      blocklist,
      certificate: bad,
      check: (root) => {
        const listed = run('keytool', ['-list', '-keystore', join(root, STORE), '-storepass', 'changeit']);
        expect(listed).toContain('good,');
      },
    });
  });
});

const LOCAL = 'usr/local/share/ca-certificates';
/** The script's own temporary files, and what takes the place of a device here. */
const BESIDES = ['/tmp', '/dev/null'];
const TOOL = 'usr/sbin/update-ca-certificates';

describeWith(['root', 'chroot', 'update-ca-certificates', 'openssl'], 'a removal by Debian', () => {
  let original = '';
  beforeAll(() => {
    const made = makeChroot(['update-ca-certificates']);
    mkdirSync(join(made, 'usr/share/ca-certificates/mozilla'), { recursive: true });
    writeFileSync(join(made, 'usr/share/ca-certificates/mozilla/Good.crt'), good.pem);
    writeFileSync(join(made, 'etc/ca-certificates.conf'), 'mozilla/Good.crt\n');
    writeFileSync(join(made, LOCAL, 'planted.crt'), bad.pem);
    inside(made, 'update-ca-certificates', '--fresh');
    for (const path of [LOCAL, 'etc/ssl']) markFiles(join(made, path));
    original = copyOf(made);
  });

  it('that is killed can be undone, or done again, from every point', async () => {
    await expectRecoveryFromEveryPoint({
      child,
      original,
      blocklist,
      certificate: bad,
      passes: 'run ended',
      besides: BESIDES,
      check: (root) => {
        expect(inside(root, 'cat', '/etc/ssl/certs/ca-certificates.crt')).toContain(good.pem);
      },
    });
  });

  it('whose tool dies with it in the middle of its work can be undone, or done again', async () => {
    const before = treeAt(original, { withAttributes: true });
    for (const afterwards of ['undo', 'again'] as const) {
      const root = copyOf(original);
      const base = fastDirectory();
      const tool = join(root, TOOL);
      renameSync(tool, `${tool}.real`);
      // Half of what it does, then the end of everything. chroot(8) becomes the tool: its parent is the removal.
      const script = `cd /etc/ssl/certs && cp ca-certificates.crt new.pem && rm -f *.0 ca-certificates.crt && kill -9 $PPID; kill -9 $$`;
      writeFileSync(tool, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      expect(runChild(child, { root, base, blocklist }).killed).toBe(true);
      expect(readFileSync(join(root, 'etc/ssl/certs/new.pem'), 'utf8')).toContain(bad.pem);
      renameSync(`${tool}.real`, tool);
      if (afterwards === 'again') {
        runChild(child, { root, base, blocklist });
        expect(trustedIn(root).some((line) => line.includes(bad.sha256))).toBe(false);
      }
      await undoAll(base);
      const left = differences(before, treeAt(root, { withAttributes: true }));
      // The tool itself was swapped, which changed the time of its directory.
      const besides = new Set([...BESIDES, '/usr/sbin']);
      expect(left.filter((line) => !besides.has(line.split(':', 1)[0] ?? ''))).toEqual([]);
    }
  });
});
