/** Keystores for tests: written byte by byte here, by the real tools where they are installed, or kept samples. */

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export {
  u32,
  DATE,
  utf,
  jksCertificate,
  jksTrusted,
  jks,
  der,
  ber,
  seq,
  octets,
  int,
  oid,
  DATA,
  ENCRYPTED,
  certificateBag,
  keyBag,
  nestedBag,
  plainSafe,
  authenticatedSafe,
  pkcs12,
} from '../../src/selftest/keystores.ts';
export { bcfks, bcfksObject, bcfksObjects, bks, bksCertificate } from '../../src/selftest/bouncy-castle.ts';

const SAMPLES = fileURLToPath(new URL('../../../shared/samples/', import.meta.url));

export const hasSamples = existsSync(SAMPLES);
export const hasKeytool = spawnSync('keytool', ['-help']).status === 0;
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export function sample(path: string): Buffer {
  return readFileSync(join(SAMPLES, path));
}

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** Removed when the tests of the file are done. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rootaudit-java-'));
  made.push(directory);
  return directory;
}

export function run(command: string, args: readonly string[], cwd: string): string {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A self-signed certificate in DER. */
export function makeCertificate(directory: string, name: string): Buffer {
  const file = join(directory, `${name}.der`);
  const key = join(directory, `${name}.key`);
  const subject = ['-subj', `/CN=${name}`, '-days', '3650'];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  run('openssl', ['req', '-x509', ...ec, ...subject, '-outform', 'DER', '-out', file], directory);
  run('openssl', ['x509', '-inform', 'DER', '-in', file, '-out', join(directory, `${name}.pem`)], directory);
  return readFileSync(file);
}

export const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
