/** The policy file on this machine: found, read, and the files that it names. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { certificateFrom, parseSha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import { count } from '../core/text.ts';
import type { Policy } from './policy.ts';

export const POLICY_FILE = 'rootaudit.yaml';

/** A policy with thousands of rules fits; the time that the parser takes for a hostile file stays near a second. */
const MAX_POLICY_BYTES = 256 << 10;
/** A bundle of roots, or a long list of fingerprints. */
const MAX_ROOTS_BYTES = 16 << 20;

/** Numeric ids of people whose files may steer what we do; undefined where files have no owners. */
export type TrustedOwners = ReadonlySet<number> | undefined;

/**
 * The policy of the directory or the nearest one above it, up to the root of the repository (or of the file system).
 * One that belongs to somebody else is refused: it could wave through what that person has planted.
 */
export function findPolicy(start: string, owners: TrustedOwners): string | undefined {
  for (let directory = resolve(start); ; directory = dirname(directory)) {
    const file = join(directory, POLICY_FILE);
    const found = statSync(file, { throwIfNoEntry: false });
    if (found) {
      if (owners && !owners.has(found.uid)) {
        throw new RootauditError(
          `${file} belongs to another user, so it is not used unasked`,
          `Use it with --policy ${file}, or ignore it with --no-policy.`,
        );
      }
      return file;
    }
    const misnamed = join(directory, 'rootaudit.yml');
    if (existsSync(misnamed)) {
      throw new RootauditError(`${misnamed} is not read: a policy is named ${POLICY_FILE}`, 'Rename it.');
    }
    if (existsSync(join(directory, '.git')) || dirname(directory) === directory) return undefined;
  }
}

export interface LoadOptions {
  /** How messages and reports call the file. */
  readonly shownAs: string;
  readonly storeTypes: readonly string[];
  /** The DER of the certificates in a file of whatever kind. */
  readonly readCertificates: (bytes: Uint8Array) => readonly Uint8Array[];
}

/** Throws RootauditError that lists every mistake with its place. */
export async function readPolicy(file: string, options: LoadOptions): Promise<Policy> {
  const { parsePolicy } = await import('./parse.ts');
  const { shownAs, storeTypes, readCertificates } = options;
  const text = textOf(readBounded(file, shownAs, MAX_POLICY_BYTES), shownAs);
  const parsed = parsePolicy(text, {
    file: shownAs,
    storeTypes,
    fingerprintsIn: (path) => fingerprintsIn(resolve(dirname(file), path), path, readCertificates),
  });
  if ('policy' in parsed) return parsed.policy;
  const { problems } = parsed;
  throw new RootauditError(
    `${count(problems.length, 'mistake')} in ${shownAs}`,
    'docs/policy.md has every key; rootaudit init writes an example.',
    {
      details: problems
        .toSorted((a, b) => a.line - b.line || a.column - b.column)
        .map(({ line, column, message }) => `${shownAs}:${line}:${column}: ${message}`),
    },
  );
}

function readBounded(file: string, shownAs: string, most: number): Uint8Array {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new RootauditError(`${shownAs} does not exist`);
  // A pipe would be waited for, a device never ends.
  if (!found.isFile()) throw new RootauditError(`${shownAs} is not a file`);
  if (found.size > most) throw new RootauditError(`${shownAs} is larger than ${most >> 10} KiB`);
  try {
    return readFileSync(file);
  } catch (error) {
    throw new RootauditError(`${shownAs} cannot be read`, undefined, { cause: error });
  }
}

function textOf(bytes: Uint8Array, shownAs: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RootauditError(`${shownAs} is not UTF-8 text`, undefined, { cause: error });
  }
}

type Fingerprints = ReadonlySet<string> | { readonly problem: string };

/** Certificates in any form, or one fingerprint a line. */
function fingerprintsIn(
  file: string,
  shownAs: string,
  readCertificates: LoadOptions['readCertificates'],
): Fingerprints {
  let bytes: Uint8Array;
  try {
    bytes = readBounded(file, shownAs, MAX_ROOTS_BYTES);
  } catch (error) {
    if (error instanceof RootauditError) return { problem: error.message };
    throw error;
  }
  const certificates = readCertificates(bytes);
  if (certificates.length > 0) return new Set(certificates.map((der) => certificateFrom(der).sha256));
  const lines = Buffer.from(bytes).toString('latin1').split(/\r?\n/);
  const fingerprints = new Set<string>();
  for (const [i, line] of lines.entries()) {
    const text = line.replace(/#.*$/, '').trim();
    if (text === '') continue;
    // As openssl and sha256sum print them, too: "sha256 Fingerprint=AB:CD…", "abcd…  name".
    const [, written] = /^(?:sha-?256 fingerprint=)?([0-9a-f:]{64,95})(?:\s|$)/i.exec(text) ?? [];
    const fingerprint = written === undefined ? undefined : parseSha256(written);
    if (fingerprint === undefined) {
      return { problem: `${shownAs}:${i + 1}: neither a certificate nor a SHA-256 fingerprint` };
    }
    fingerprints.add(fingerprint);
  }
  return fingerprints.size > 0 ? fingerprints : { problem: `${shownAs} names no root` };
}
