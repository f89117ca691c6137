/** What a recipe is, and the ways of planting that many of them share. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CorpusCertificate } from './corpus.ts';

export type Certificates = readonly CorpusCertificate[];

/** Certificates, and a root to put them into; the result is the fingerprints that the store holds then. */
export type Plant = (root: string, certificates: Certificates) => readonly string[];

export interface Recipe {
  /** Id of the store type. */
  readonly store: string;
  readonly how: string;
  readonly needs?: readonly string[];
  /** How many stores of the type the root has then. */
  readonly stores?: number;
  readonly plant: Plant;
}

export const USERS = Array.from({ length: 10 }, (_, i) => `user${i}`);

export const fingerprints = (certificates: Certificates): string[] =>
  certificates.map((certificate) => certificate.sha256);

/** A path that ends in `/` is an empty directory. */
export function write(root: string, path: string, content: string | Uint8Array): void {
  const isDirectory = path.endsWith('/');
  mkdirSync(isDirectory ? join(root, path) : dirname(join(root, path)), { recursive: true });
  if (!isDirectory) writeFileSync(join(root, path), content);
}

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Files that hold all certificates, each by itself or together. */
export function filesOf(make: (certificates: Certificates) => Files): Plant {
  return (root, certificates) => {
    for (const [path, content] of Object.entries(make(certificates))) write(root, path, content);
    return fingerprints(certificates);
  };
}

/** Every certificate in a file of its own. */
export function files(
  directory: string,
  extension: string,
  alsoWrite?: (names: readonly string[]) => [string, string],
): Plant {
  return filesOf((certificates) => {
    const names = certificates.map((each) => `${each.sha256}.${extension}`);
    const also = alsoWrite?.(names);
    return {
      ...Object.fromEntries(
        certificates.map(({ sha256, pem }) => [`${directory}/${sha256}.${extension}`, pem]),
      ),
      ...(also && { [also[0]]: also[1] }),
    };
  });
}

/** Every certificate in a file of its own, as DER. */
export function derFiles(directory: string, extension: string): Plant {
  return filesOf((certificates) =>
    Object.fromEntries(certificates.map(({ sha256, der }) => [`${directory}/${sha256}.${extension}`, der])),
  );
}

export const textOf = (certificates: Certificates): string => certificates.map(({ pem }) => pem).join('');

/** All certificates in one file. */
export function bundle(path: string, also: Readonly<Record<string, string>> = {}): Plant {
  return filesOf((certificates) => ({ [path]: textOf(certificates), ...also }));
}
