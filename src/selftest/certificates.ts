/** Throw-away certificates, made by a DER writer of a few lines and the keys of node:crypto. */

import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { sha256 } from '../core/certificate.ts';
import { derHeader } from '../core/der.ts';

type KeyKind = 'ec' | 'rsa' | 'ed25519';

interface CertificateSpec {
  /** Attribute short names to values, in order; see {@link ATTRIBUTE_OIDS}. */
  readonly subject: Readonly<Record<string, string>>;
  /** Signs the certificate; without it the certificate signs itself. */
  readonly issuer?: MadeCertificate;
  readonly key?: KeyPair;
  readonly kind?: KeyKind;
  readonly serial?: Buffer;
  /** Another key than the one that signs: the signature is then worthless. */
  readonly spki?: Uint8Array;
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface MadeCertificate {
  readonly der: Buffer;
  readonly pem: string;
  readonly sha256: string;
  readonly key: KeyPair;
  readonly name: Buffer;
}

const ATTRIBUTE_OIDS: Readonly<Record<string, string>> = {
  C: '550406',
  O: '55040a',
  OU: '55040b',
  CN: '550403',
};

const ECDSA_SHA256 = '300a06082a8648ce3d040302';
const RSA_SHA256 = '300d06092a864886f70d01010b0500';
const ED25519 = '300506032b6570';

export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([derHeader(tag, body.length), body]);
}

export function makeKey(kind: KeyKind = 'ec'): KeyPair {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return kind === 'ed25519'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function makeName(subject: Readonly<Record<string, string>>): Buffer {
  const rdns = Object.entries(subject).map(([type, value]) => {
    const oid = Buffer.from(ATTRIBUTE_OIDS[type] ?? '550403', 'hex');
    return tlv(0x31, tlv(0x30, tlv(0x06, oid), tlv(0x0c, Buffer.from(value, 'utf8'))));
  });
  return tlv(0x30, ...rdns);
}

/** A CA certificate valid from 2020 to 2049. */
export function makeCertificate(spec: CertificateSpec): MadeCertificate {
  const key = spec.key ?? makeKey(spec.kind);
  const name = makeName(spec.subject);
  const signer = spec.issuer?.key.privateKey ?? key.privateKey;
  const algorithm = Buffer.from(algorithmOf(signer), 'hex');
  const serial = spec.serial ?? Buffer.concat([Buffer.of(0x10), randomBytes(8)]);
  const basicConstraints = Buffer.from('30120603551d130101ff040830060101ff020105', 'hex');
  const tbs = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, serial),
    algorithm,
    spec.issuer?.name ?? name,
    tlv(0x30, tlv(0x17, Buffer.from('200101000000Z')), tlv(0x17, Buffer.from('491231235959Z'))),
    name,
    spec.spki ?? createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' }),
    tlv(0xa3, tlv(0x30, basicConstraints)),
  );
  const hash = signer.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = tlv(0x03, Buffer.of(0), sign(hash, tbs, signer));
  const der = tlv(0x30, tbs, algorithm, signature);
  return { der, pem: toPem(der), sha256: sha256(der), key, name };
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return RSA_SHA256;
  return key.asymmetricKeyType === 'ed25519' ? ED25519 : ECDSA_SHA256;
}

export function toPem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
