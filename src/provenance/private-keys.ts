/**
 * Private keys of trusted roots that lie on the same disk: whoever gets one can make a certificate for every site that the
 * machine then trusts. A key is read for its public half only; an encrypted one is left alone.
 */

import { createHash, createPublicKey } from 'node:crypto';
import { posix } from 'node:path';
import { spkiSha256Of, type Certificate } from '../core/certificate.ts';
import type { Target } from '../core/target.ts';
import { listNames, readText } from './text.ts';

/** Where programs that make roots of their own keep the keys, below a home. */
const HOME_PLACES = [
  '.local/share/mkcert',
  'Library/Application Support/mkcert',
  'AppData/Local/mkcert',
  '.mitmproxy',
  '.local/share/caddy/pki/authorities/local',
  'Library/Application Support/Caddy/pki/authorities/local',
  '.step/secrets',
  '.minikube',
  '.config/valet/CA',
  '.puma-dev-ssl',
  '.config/devcert/certificate-authority',
  '.dev-proxy',
  '.config/proxyman',
  '.charles',
  '.ZAP',
  '.anyproxy/certificates',
  '.goproxy',
] as const;

const SYSTEM_PLACES = [
  '/etc/ssl/private',
  '/etc/pki/tls/private',
  '/etc/kubernetes/pki',
  '/var/lib/caddy/.local/share/caddy/pki/authorities/local',
  '/var/lib/rancher/k3s/server/tls',
  '/etc/squid',
  '/etc/squid/certs',
  '/etc/mitmproxy',
] as const;

const MAX_FILES = 2000;
const MAX_BYTES = 128 << 10;
const BLOCK =
  /-----BEGIN (?:RSA |EC |DSA )?PRIVATE KEY-----[A-Za-z0-9+/=\s]{1,65536}?-----END (?:RSA |EC |DSA )?PRIVATE KEY-----/g;

export interface HeldCertificate {
  readonly certificate: Certificate;
  readonly path: string;
}

/** The path of the private key by the SHA-256 of the certificate. */
export function privateKeysNear(
  target: Target,
  held: readonly HeldCertificate[],
): ReadonlyMap<string, string> {
  const bySpki = new Map<string, string[]>();
  for (const { certificate } of held) {
    const spki = spkiSha256Of(certificate);
    if (spki !== undefined) bySpki.set(spki, [...(bySpki.get(spki) ?? []), certificate.sha256]);
  }
  const found = new Map<string, string>();
  if (bySpki.size === 0) return found;
  for (const file of candidates(target, held)) {
    for (const spki of publicHalves(readText(target.fs, file, MAX_BYTES))) {
      for (const sha256 of bySpki.get(spki) ?? []) if (!found.has(sha256)) found.set(sha256, file);
    }
  }
  return found;
}

function candidates(target: Target, held: readonly HeldCertificate[]): readonly string[] {
  const directories = new Set([
    ...held.filter(({ path }) => path.startsWith('/')).map(({ path }) => posix.dirname(path)),
    ...target.homes.flatMap(({ path }) => HOME_PLACES.map((place) => posix.join(path, place))),
    ...SYSTEM_PLACES,
  ]);
  const files = new Set<string>();
  for (const directory of directories) {
    for (const { name, kind } of listNames(target.fs, directory)) {
      if (kind === 'directory' || kind === 'other' || files.size >= MAX_FILES) continue;
      if (/key|\.pem$|\.ca$/i.test(name)) files.add(posix.join(directory, name));
    }
  }
  return [...files];
}

/** SHA-256 of the SubjectPublicKeyInfo of each private key in the text. */
function* publicHalves(text: string): Generator<string> {
  for (const [block] of text.matchAll(BLOCK)) {
    try {
      const spki = createPublicKey({ key: block, format: 'pem' }).export({ type: 'spki', format: 'der' });
      yield createHash('sha256').update(spki).digest('hex');
    } catch {
      // Damaged, or of a kind that this Node does not know: it cannot be compared.
    }
  }
}
