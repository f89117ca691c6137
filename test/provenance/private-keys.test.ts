import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateFrom } from '../../src/core/certificate.ts';
import { privateKeysNear } from '../../src/provenance/private-keys.ts';
import { makeCertificate, makeKey } from '../support/certificates.ts';
import { makeRoot } from '../support/root.ts';

const ROOT = '/usr/local/share/ca-certificates/dev.crt';

function find(
  files: Readonly<Record<string, string>>,
  made = makeCertificate({ subject: { CN: 'x' } }),
): unknown {
  const root = makeRoot({
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/sh\n',
    '/home/ann/': '',
    ...files,
  });
  return privateKeysNear(root.target, [{ certificate: certificateFrom(made.der), path: ROOT }]).get(
    made.sha256,
  );
}

describe('the private key of a trusted root', () => {
  it.each(['ec', 'rsa', 'ed25519'] as const)('is found where mkcert keeps it (%s)', (kind) => {
    const key = makeKey(kind);
    const made = makeCertificate({ subject: { CN: 'mkcert' }, key, kind });
    const pem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(find({ '/home/ann/.local/share/mkcert/rootCA-key.pem': pem }, made)).toBe(
      '/home/ann/.local/share/mkcert/rootCA-key.pem',
    );
  });

  it('is found beside the certificate, in the old form of EC keys too', () => {
    const key = makeKey('ec');
    const made = makeCertificate({ subject: { CN: 'x' }, key });
    const pem = key.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    expect(find({ '/usr/local/share/ca-certificates/dev.key': `x\n${pem}` }, made)).toBe(
      '/usr/local/share/ca-certificates/dev.key',
    );
  });

  it('is not taken for another one, nor read where it is encrypted or damaged', () => {
    const other = makeKey('ec').privateKey;
    const plain = other.export({ type: 'pkcs8', format: 'pem' }).toString();
    const encrypted = createPrivateKey(plain)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
    const damaged = plain.replace(/\n.{20}/, '\n');
    for (const pem of [plain, encrypted, damaged]) {
      expect(find({ '/etc/ssl/private/ca.key': pem })).toBeUndefined();
    }
  });
});
