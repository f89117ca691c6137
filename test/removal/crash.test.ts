/**
 * A removal from real stores, killed at every point at which another state could be left, each in turn: an undo leads
 * back to what was, and another removal to the end and, undone, back as well.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listStores } from '../../src/audit/list.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import {
  buildChild,
  copyOf,
  differences,
  discard,
  fastDirectory,
  plant,
  runChild,
  treeAt,
  undoAll,
} from '../support/removal.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const other = makeCertificate({ subject: { CN: 'Other Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'critical', certificates: [blocked(bad)] })],
  certificates: [bad.der],
});

let child = '';
beforeAll(async () => {
  child = await buildChild();
});

function nssRoot(): string {
  const root = fastDirectory();
  const database = join(root, 'home/alice/.pki/nssdb');
  makeNssDatabase(database);
  addToNss(database, bad, 'Planted Root', 'C,,');
  addToNss(database, good, 'Good Root', 'C,,');
  return root;
}

const layouts: Readonly<Record<string, () => string>> = {
  'the layout of Debian': () =>
    plant({
      '/etc/os-release': 'ID=debian\n',
      '/etc/ca-certificates.conf': '# comment\nmozilla/Good.crt\n',
      '/usr/share/ca-certificates/mozilla/Good.crt': good.pem,
      '/usr/local/share/ca-certificates/planted.crt': bad.pem,
      '/etc/ssl/certs/ca-certificates.crt': good.pem + bad.pem + other.pem,
      '/etc/ssl/certs/Good.pem': { link: '/usr/share/ca-certificates/mozilla/Good.crt' },
      '/etc/ssl/certs/planted.pem': { link: '/usr/local/share/ca-certificates/planted.crt' },
    }),
  'a package of p11-kit': () =>
    plant({
      '/etc/pki/ca-trust/source/anchors/good.pem': good.pem,
      '/usr/share/pki/ca-trust-source/anchors/bundle.pem': bad.pem + other.pem,
    }),
  [`an NSS database${unless(hasCertutil, 'certutil')}`]: nssRoot,
};

const fully = { withAttributes: true };

/** "store SHA-256" of what is trusted; and that everything can be read. */
function trustedIn(root: string): readonly string[] {
  const { stores, problems } = listStores({
    target: openDirectory(root),
    stores: STORE_TYPES,
    tool: { name: 'test', version: '0' },
    read: { storePasswords: [] },
  });
  expect(problems).toEqual([]);
  return stores.flatMap(({ id, entries }) =>
    entries
      .filter(({ trust }) => trust === 'trusted')
      .map(({ certificate }) => `${id} ${certificate.sha256}`),
  );
}

const othersOf = (lines: readonly string[]): readonly string[] =>
  [...new Set(lines.filter((line) => !line.includes(bad.sha256)))].toSorted();

describe.skipIf(process.platform !== 'linux')('a removal that is killed', () => {
  it.each(Object.entries(layouts))(
    'in %s can be undone, or done again, from every point',
    { timeout: 240_000 },
    async (name, make) => {
      if (name.includes('skipped')) return;
      const original = make();
      const before = treeAt(original, fully);
      const trusted = trustedIn(original);
      expect(trusted.some((line) => line.includes(bad.sha256))).toBe(true);

      const whole = copyOf(original);
      const base = fastDirectory();
      const { points } = runChild(child, { root: whole, base, blocklist });
      expect(trustedIn(whole)).toEqual(trusted.filter((line) => !line.includes(bad.sha256)));
      await undoAll(base);
      expect(differences(before, treeAt(whole, fully))).toEqual([]);
      expect(points.length).toBeGreaterThan(8);

      for (const [index, point] of points.entries()) {
        const where = `${index + 1} (${point})`;
        const root = copyOf(original);
        const base = fastDirectory();
        expect(runChild(child, { root, base, blocklist, killAt: index + 1 }).killed, where).toBe(true);
        // Nothing else is lost, and every store can be read.
        expect(othersOf(trustedIn(root)), where).toEqual(othersOf(trusted));
        const [again, againBase] = [copyOf(root), copyOf(base)];

        await undoAll(base);
        expect(differences(before, treeAt(root, fully)), `undo after ${where}`).toEqual([]);

        // The journal names the root that it is about.
        discard(root, base);
        spawnSync('mv', [again, root]);
        spawnSync('mv', [againBase, base]);
        runChild(child, { root, base, blocklist });
        expect(trustedIn(root), where).toEqual(trusted.filter((line) => !line.includes(bad.sha256)));
        await undoAll(base);
        expect(differences(before, treeAt(root, fully)), `again after ${where}`).toEqual([]);
        discard(root, base);
      }
    },
  );
});
