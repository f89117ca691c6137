/** Opening a blocklist directory: digests are checked before anything in it is believed. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseSha256, sha256, type Sha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import type { Advisory, Manifest } from './advisory.ts';
import { compileBlocklist, type BlocklistSource, type CompiledBlocklist } from './compile.ts';
import { parseAdvisory, parseManifest, parseRootPrograms } from './parse.ts';

const MAX_FILE_BYTES = 64 << 20;

export interface Blocklist {
  readonly compiled: CompiledBlocklist;
  /** The whole advisory, read and verified when it is asked for; undefined for an id that is not listed. */
  advisory(id: string): Advisory | undefined;
  /** The DER of a blocked certificate, where the list carries it. */
  certificate(fingerprint: Sha256): Uint8Array | undefined;
  advisoryIds(): readonly string[];
}

/**
 * Opens the list in `directory`. `compiledFile` is a compiled form made earlier; it is used when it was made from
 * exactly this list and made anew otherwise. Throws RootauditError for a list that is missing or damaged.
 */
export function openBlocklist(directory: string, compiledFile?: string): Blocklist {
  const manifestBytes = readBytes(join(directory, 'manifest.json'));
  const digest = sha256(manifestBytes);
  // Parsing and checking the manifest is only needed when one of its files is.
  let manifest: Manifest | undefined;
  const files: VerifiedFiles = {
    directory,
    manifest: () => (manifest ??= parseManifest(manifestBytes.toString('utf8'), 'manifest.json')),
  };
  const compiled = readCompiled(compiledFile, digest) ?? compileBlocklist(readSource(files, digest));
  return {
    compiled,
    advisory: (id) => {
      const path = `advisories/${id}.json`;
      return files.manifest().files[path] === undefined
        ? undefined
        : parseAdvisory(readVerified(files, path), path);
    },
    certificate: (fingerprint) => readCertificate(files, fingerprint),
    advisoryIds: () => compiled.advisories.map(({ id }) => id),
  };
}

interface VerifiedFiles {
  readonly directory: string;
  manifest(): Manifest;
}

function readCompiled(file: string | undefined, digest: Sha256): CompiledBlocklist | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  // Made by our own build from a list that passed every check; the digest ties it to the list at hand.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const compiled = JSON.parse(readBytes(file).toString('utf8')) as CompiledBlocklist;
  return compiled.digest === digest ? compiled : undefined;
}

function readSource(files: VerifiedFiles, digest: Sha256): BlocklistSource {
  const manifest = files.manifest();
  const paths = Object.keys(manifest.files).filter((path) => /^advisories\/[^/]+\.json$/.test(path));
  return {
    manifest,
    digest,
    advisories: paths.toSorted().map((path) => parseAdvisory(readVerified(files, path), path)),
    programs: parseRootPrograms(readVerified(files, 'root-programs.json'), 'root-programs.json'),
    certificate: (fingerprint) => readCertificate(files, fingerprint),
  };
}

function readCertificate(files: VerifiedFiles, fingerprint: Sha256): Uint8Array | undefined {
  const path = `certificates/${fingerprint}.pem`;
  if (parseSha256(fingerprint) === undefined || files.manifest().files[path] === undefined) return undefined;
  const base64 = readVerified(files, path).replaceAll(/-----[^-]+-----|\s/g, '');
  const der = Buffer.from(base64, 'base64');
  if (sha256(der) !== fingerprint)
    throw new RootauditError(`${path} is not the certificate it is named after`);
  return der;
}

function readVerified(files: VerifiedFiles, path: string): string {
  const bytes = readBytes(join(files.directory, path));
  if (sha256(bytes) !== files.manifest().files[path]) {
    throw new RootauditError(
      `${path} differs from the digest in the blocklist's manifest`,
      'The blocklist is damaged or was changed; restore it, or run `npm run blocklist` after an edit.',
    );
  }
  return bytes.toString('utf8');
}

function readBytes(file: string): Buffer {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new RangeError('too large');
    return readFileSync(file);
  } catch (error) {
    throw new RootauditError(`${file} cannot be read`, 'Check the blocklist directory.', { cause: error });
  }
}
