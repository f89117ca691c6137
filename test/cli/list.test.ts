import { describe, expect, it } from 'vitest';
import type { Inventory } from '../../src/report/report.ts';
import { makeCertificate, toPem } from '../support/certificates.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { makeTree } from '../support/tree.ts';

const root = makeCertificate({ subject: { CN: 'Listed Root', C: 'NL' } });
const off = makeCertificate({ subject: { CN: 'Switched Off' } });
const codeOnly = makeCertificate({ subject: { CN: 'Code Only' } });

/** CertAux: trusted for code signing. */
const aux = Buffer.from('300c300a06082b06010505070303', 'hex');

const tree = makeTree({
  '/etc/ca-certificates.conf': 'a.crt\n!b.crt\n',
  '/usr/share/ca-certificates/a.crt': root.pem,
  '/usr/share/ca-certificates/b.crt': off.pem,
  '/usr/local/share/ca-certificates/code.crt': toPem(
    Buffer.concat([codeOnly.der, aux]),
    'TRUSTED CERTIFICATE',
  ),
});

describe('rootaudit list', () => {
  it('lists a target that is named as scan names it', () => {
    const { status, stdout } = rootaudit(['list', tree]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: rootaudit(['list', '--root', tree]).stdout });
  });

  it('prints every store and every certificate with its trust as data', () => {
    const { status, stdout } = rootaudit(['list', '--root', tree, '--format', 'json']);
    expect(status).toBe(0);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it promises is checked below
    const inventory = JSON.parse(stdout) as Inventory;
    expect(inventory).toMatchObject({ schemaVersion: 1, complete: true, problems: [] });
    const entries = inventory.stores.flatMap((store) =>
      store.entries.map(({ entry, trust, purposes, certificate }) => [
        store.type,
        entry,
        trust,
        purposes.length,
        certificate.sha256,
      ]),
    );
    expect(entries).toEqual([
      ['debian-ca-certificates', 'a.crt', 'trusted', 5, root.sha256],
      ['debian-ca-certificates', 'b.crt', 'present', 0, off.sha256],
      ['debian-local-anchors', 'code.crt', 'trusted', 1, codeOnly.sha256],
    ]);
    expect(inventory.stores[1]?.entries[0]?.purposes).toEqual(['codeSigning']);
  });

  it('prints the same for people', () => {
    const { status, stdout } = rootaudit(['list', '--root', tree]);
    expect(status).toBe(0);
    for (const part of [
      '/usr/share/ca-certificates',
      'CN=Listed Root,C=NL'.split(',')[0] ?? '',
      root.sha256.slice(0, 16),
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('2 stores, 3 certificates.');
  });

  it('lists a store of thousands in reasonable time', () => {
    const many = Array.from(
      { length: 2000 },
      (_, i) => makeCertificate({ subject: { CN: `Root ${i}` }, key: root.key }).pem,
    );
    const large = makeTree({ '/usr/local/share/ca-certificates/many.crt': many.join('') });
    const { stdout } = rootaudit(['list', '--root', large]);
    expect(stdout).toContain('CN=Root 1999');
  });
});
