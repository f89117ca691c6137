import { beforeAll, describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/unix.ts';
import { store as uefi } from '../../src/stores/uefi.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot, type TestRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const found = (root: TestRoot): string[] => {
  const { platform } = root.target;
  return foundIn(
    stores.filter(({ platforms }) => platforms.includes(platform)),
    root,
  );
};

describe('directories of trusted and refused certificates', () => {
  it('of FreeBSD: what is refused wins, also in what is made', () => {
    const root = makeRoot({
      '/bin/freebsd-version': '',
      '/usr/share/certs/trusted/a.pem': a.pem,
      '/usr/share/certs/trusted/b.pem': b.pem,
      '/usr/local/etc/ssl/untrusted/b.pem': b.pem,
      '/etc/ssl/certs/01234567.0': { link: '/usr/share/certs/trusted/a.pem' },
      '/etc/ssl/cert.pem': a.pem + b.pem,
    });
    expect(found(root)).toEqual([
      'freebsd /usr/share/certs/trusted: trusted (trusted)',
      'freebsd /usr/share/certs/trusted: untrusted (mitigated)',
      'freebsd /usr/local/etc/ssl/untrusted: untrusted (mitigated)',
      'freebsd-bundle /etc/ssl/certs: trusted (trusted)',
      'freebsd-bundle /etc/ssl/cert.pem: trusted (trusted)',
      'freebsd-bundle /etc/ssl/cert.pem: untrusted (mitigated)',
    ]);
    const { disposition, note } = planFor(stores, root, a);
    expect(disposition).toBe('manual');
    expect(note).toContain('Copy /usr/share/certs/trusted/a.pem to /usr/local/etc/ssl/untrusted');
  });

  it.each([
    ['netbsd', '/netbsd', '/usr/share/certs/mozilla/server/a.pem', '/etc/openssl/untrusted/b.pem'],
    ['clear-linux', '/x', '/usr/share/ca-certs/trusted/a.pem', '/etc/ca-certs/distrusted/b.pem'],
  ])('of %s', (id, mark, trusted, refused) => {
    const root = makeRoot({ [mark]: '', [trusted]: a.pem, [refused]: b.pem });
    const directory = (path: string): string => path.replace(/\/[^/]*$/, '');
    expect(found(root)).toEqual([
      `${id} ${directory(trusted)}: trusted (trusted)`,
      `${id} ${directory(refused)}: untrusted (mitigated)`,
    ]);
    expect(planFor(stores, root, a)).toMatchObject({ disposition: 'manual', commands: [] });
  });

  it('of Solaris', () => {
    const root = makeRoot({ '/usr/sbin/svcadm': '', '/etc/certs/CA/a.pem': a.pem });
    expect(found(root)).toEqual(['solaris /etc/certs/CA: trusted (trusted)']);
  });

  it('OpenBSD has one file, with text before each certificate', () => {
    const text = `### A\n\nCertificate:\n    Data:\n${a.pem}\n### B\n${b.pem}`;
    const root = makeRoot({ '/bsd': '', '/etc/ssl/cert.pem': text });
    const line = 'openbsd /etc/ssl/cert.pem: trusted (trusted)';
    expect(found(root)).toEqual([line, line]);
    const outcome = removeAndUndo(
      stores.filter(({ id }) => id === 'openbsd'),
      root,
      a,
      '/etc/ssl/cert.pem',
    );
    expect(outcome).toMatchObject({ disposition: 'unsafe', after: text.replace(a.pem, ''), restored: true });
  });
});

describe('Secure Boot', () => {
  const GUID = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
  const VARIABLES = '/sys/firmware/efi/efivars';

  function list(der: Buffer): Buffer {
    const header = Buffer.alloc(28);
    header.write('a159c0a5e494a74a87b5ab155c2bf072', 'hex');
    header.writeUInt32LE(28 + 16 + der.length, 16);
    header.writeUInt32LE(16 + der.length, 24);
    return Buffer.concat([header, Buffer.alloc(16), der]);
  }
  const variable = (der: Buffer): Buffer => Buffer.concat([Buffer.from('27000000', 'hex'), list(der)]);

  it('has certificates that start programs, that change lists, and that are refused', () => {
    const root = makeRoot({
      [`${VARIABLES}/db-${GUID}`]: variable(a.der),
      [`${VARIABLES}/dbx-${GUID}`]: variable(b.der),
      [`${VARIABLES}/KEK-${GUID}`]: variable(a.der),
      [`${VARIABLES}/dbDefault-${GUID}`]: variable(a.der),
      '/sys/firmware/efi/mok-variables/MokListRT': list(b.der),
    });
    expect(foundIn([uefi], root)).toEqual([
      `uefi ${VARIABLES}/KEK-${GUID}: KEK: may change db and dbx (present)`,
      `uefi ${VARIABLES}/db-${GUID}: db: programs that the firmware starts (trusted)`,
      `uefi ${VARIABLES}/dbx-${GUID}: dbx: refused by the firmware (mitigated)`,
      'uefi /sys/firmware/efi/mok-variables/MokListRT: MokList: programs and modules, for shim and Linux (trusted)',
    ]);
    expect(planFor([uefi], root, a)).toMatchObject({ disposition: 'manual', commands: [] });
  });

  it.each([
    ['a cut variable', variable(Buffer.alloc(50)).subarray(0, 60), 'truncated'],
    ['two bytes', Buffer.alloc(2), undefined],
  ])('with %s', (_, bytes, code) => {
    const path = `${VARIABLES}/db-${GUID}`;
    expect(foundIn([uefi], makeRoot({ [path]: bytes }))).toEqual(
      code === undefined ? [] : [`uefi ${path} ! ${code}`],
    );
  });
});
