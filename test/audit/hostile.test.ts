import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listStores } from '../../src/audit/list.ts';
import type { Inventory } from '../../src/report/report.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTree, type Node } from '../support/tree.ts';

const good = makeCertificate({ subject: { CN: 'Good' } });

/** A path that a store reads, and the beginning that makes its parser take the file seriously. */
const FILES: readonly (readonly [path: string, magic: string])[] = [
  ['/usr/share/ca-certificates/a.crt', '-----BEGIN CERTIFICATE-----\n'],
  ['/usr/local/share/ca-certificates/a.crt', '-----BEGIN TRUSTED CERTIFICATE-----\n'],
  ['/etc/ca-certificates.conf', 'a.crt\n'],
  ['/etc/ssl/certs/ca-certificates.crt', '0\u0082'],
  ['/etc/pki/ca-trust/source/anchors/a.p11-kit', '[p11-kit-object-v1]\n'],
  ['/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', '-----BEGIN CERTIFICATE-----\n'],
  ['/etc/pki/ca-trust/extracted/edk2/cacerts.bin', '\u00a1\u0059\u00c0\u00a5'],
  ['/etc/pki/trust/anchors/a.pem', '-----BEGIN PKCS7-----\n'],
  ['/root/.pki/nssdb/cert9.db', 'SQLite format 3\0'],
  ['/root/.mozilla/firefox/profiles.ini', '[Profile0]\nPath='],
  ['/root/.mozilla/firefox/x.default/cert9.db', 'SQLite format 3\0'],
  ['/root/.mozilla/firefox/x.default/cert9.db-wal', '7\u007f\u0006\u0082'],
  ['/usr/lib/jvm/a/lib/security/cacerts', '\u00fe\u00ed\u00fe\u00ed\0\0\0\u0002\u00ff\u00ff\u00ff\u00ff'],
  ['/usr/lib/jvm/b/lib/security/cacerts', '0\u0082\u00ff\u00ff\u0002\u0001\u0003'],
  ['/etc/environment', 'SSL_CERT_FILE=/etc/x\n'],
];

function inventory(tree: Readonly<Record<string, Node>>): Inventory {
  return listStores({
    target: openDirectory(makeTree(tree)),
    stores: STORE_TYPES,
    tool: { name: 'rootaudit', version: '0' },
    read: { storePasswords: [] },
    programs: () => [],
  });
}

describe('hostile stores', () => {
  it('never stop a scan, whatever bytes they hold, and never hide the good certificate beside them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: FILES.length, maxLength: FILES.length }),
        (junk) => {
          const tree: Record<string, Node> = { '/usr/local/share/ca-certificates/good.crt': good.pem };
          FILES.forEach(([path, magic], i) => {
            tree[path] = Buffer.concat([Buffer.from(magic, 'latin1'), junk[i] ?? Buffer.of()]);
          });
          const { stores, complete } = inventory(tree);
          const found = stores.flatMap(({ entries }) => entries.map(({ certificate }) => certificate.sha256));
          expect(found).toContain(good.sha256);
          expect(complete).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are links that lead round in circles, out of the root, or to devices', () => {
    const tree: Record<string, Node> = { '/usr/local/share/ca-certificates/good.crt': good.pem };
    FILES.forEach(([path], i) => {
      tree[path] = { link: ['/loop', '../../../../../../dev/zero', '/proc/self/environ'][i % 3] ?? '/loop' };
    });
    const { problems } = inventory({ ...tree, '/loop': { link: '/loop' } });
    expect(problems.every(({ code }) => code === 'link-loop' || code === 'unreadable')).toBe(true);
    expect(problems.length).toBeGreaterThan(0);
  });

  it('are files too large to be a store: one problem each, and no memory', () => {
    const tree = makeTree({ '/usr/local/share/ca-certificates/good.crt': good.pem });
    for (const path of ['usr/local/share/ca-certificates/huge.crt', 'usr/lib/jvm/a/lib/security/cacerts']) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      const descriptor = openSync(join(tree, path), 'w');
      ftruncateSync(descriptor, 3 * 2 ** 30);
      closeSync(descriptor);
    }
    const before = process.memoryUsage().rss;
    const { problems } = listStores({
      target: openDirectory(tree),
      stores: STORE_TYPES,
      tool: { name: 'rootaudit', version: '0' },
      read: { storePasswords: [] },
      programs: () => [],
    });
    expect(problems.map(({ code }) => code)).toEqual(['too-large', 'too-large']);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });
});
