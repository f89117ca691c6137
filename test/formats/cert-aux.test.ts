import { beforeAll, describe, expect, it } from 'vitest';
import { purposesWith, trustStatus } from '../../src/core/trust.ts';
import { auxTrust, readCertAux, type CertAux } from '../../src/formats/cert-aux.ts';
import { parsePem } from '../../src/formats/pem.ts';
import { makeCertificate, tlv, toPem, type TestCertificate } from '../support/certificates.ts';
import { hasSample, sample } from '../support/root.ts';

const SERVER = '1.3.6.1.5.5.7.3.1';
const EMAIL = '1.3.6.1.5.5.7.3.4';
const CODE = '1.3.6.1.5.5.7.3.3';
const ANY = '2.5.29.37.0';

let ca: TestCertificate;
beforeAll(() => {
  ca = makeCertificate({ subject: { CN: 'A' } });
});

const trusted = (...aux: readonly Uint8Array[]): ReturnType<typeof parsePem> =>
  parsePem(Buffer.from(toPem(Buffer.concat([ca.der, ...aux]), 'TRUSTED CERTIFICATE')));

describe('the settings after a TRUSTED CERTIFICATE', () => {
  it('are read as OpenSSL writes them', () => {
    const bytes = Buffer.from(
      '3033301406082b0601050507030106082b06010505070304a00a06082b060105050703030c0f524120726f6f74203120616c696173',
      'hex',
    );
    expect(readCertAux(bytes, 0)).toEqual({
      trust: [SERVER, EMAIL],
      reject: [CODE],
      alias: 'RA root 1 alias',
      end: bytes.length,
    });
  });

  it('do not belong to the certificate', () => {
    const { entries, diagnostics } = trusted(tlv(0x30, tlv(0x30)));
    expect(diagnostics).toEqual([]);
    expect(entries).toMatchObject([
      { label: 'TRUSTED CERTIFICATE', der: ca.der, aux: { trust: [], reject: undefined } },
    ]);
  });

  it('may be absent', () => {
    const { entries, diagnostics } = trusted();
    expect(diagnostics).toEqual([]);
    expect(entries).toHaveLength(1);
    expect(entries[0]).not.toHaveProperty('aux');
  });

  it('are an error when they cannot be read, but the certificate stays', () => {
    const { entries, diagnostics } = trusted(Buffer.from('30053003020101', 'hex'));
    expect(entries).toMatchObject([{ der: ca.der }]);
    expect(diagnostics).toMatchObject([{ level: 'error', code: 'malformed', line: 1 }]);
  });

  it('may be followed by bytes, which are noted', () => {
    expect(trusted(tlv(0x30), Buffer.of(1)).diagnostics).toMatchObject([{ level: 'note' }]);
  });
});

describe('the trust they express', () => {
  it.each<[string, Pick<CertAux, 'trust' | 'reject'>, string, string[], string[]]>([
    ['neither list', { trust: undefined, reject: undefined }, 'present', [], []],
    [
      'an empty list of trusted purposes',
      { trust: [], reject: undefined },
      'mitigated',
      [],
      ['serverAuth', 'clientAuth', 'emailProtection', 'codeSigning', 'timeStamping'],
    ],
    [
      'only rejected purposes',
      { trust: undefined, reject: [CODE] },
      'mitigated',
      [],
      ['serverAuth', 'clientAuth', 'emailProtection', 'codeSigning', 'timeStamping'],
    ],
    [
      'trusted purposes',
      { trust: [SERVER, EMAIL], reject: undefined },
      'trusted',
      ['serverAuth', 'emailProtection'],
      [],
    ],
    [
      'a purpose both trusted and rejected',
      { trust: [SERVER, CODE], reject: [CODE] },
      'trusted',
      ['serverAuth'],
      ['codeSigning'],
    ],
    [
      'any purpose trusted',
      { trust: [ANY], reject: [CODE] },
      'trusted',
      ['serverAuth', 'clientAuth', 'emailProtection', 'timeStamping'],
      ['codeSigning'],
    ],
    [
      'any purpose rejected',
      { trust: [SERVER], reject: [ANY] },
      'mitigated',
      [],
      ['serverAuth', 'clientAuth', 'emailProtection', 'codeSigning', 'timeStamping'],
    ],
    ['a purpose of no interest', { trust: ['1.2.3'], reject: undefined }, 'present', [], []],
  ])('with %s is as expected', (_name, aux, status, yes, no) => {
    const trust = auxTrust(aux);
    expect(trustStatus(trust)).toBe(status);
    expect(purposesWith(trust, 'trusted')).toEqual(yes);
    expect(purposesWith(trust, 'distrusted')).toEqual(no);
  });

  it('is expressed in words', () => {
    expect(auxTrust({ trust: [SERVER, '1.2.3'], reject: [ANY] }).expressed).toBe(
      'trust serverAuth 1.2.3, reject any',
    );
  });

  it.skipIf(!hasSample('p11-kit')).each([
    ['p11-kit/cacert3-distrust-all.pem', 'mitigated'],
    ['p11-kit/cacert3-distrusted-all.pem', 'mitigated'],
    ['p11-kit/cacert3-not-trusted.pem', 'mitigated'],
    ['p11-kit/cacert3-trusted-server-alias.pem', 'trusted'],
    ['pem/rejected-server-any.pem', 'mitigated'],
    ['pem/trusted-server-email-reject-code.pem', 'trusted'],
  ])('in the sample %s is %s', (name, status) => {
    const aux = parsePem(sample(name)).entries[0]?.aux;
    expect(aux && trustStatus(auxTrust(aux))).toBe(status);
  });
});
