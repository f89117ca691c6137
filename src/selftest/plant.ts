/** One small store, as files of an unpacked root. */

import type { MadeCertificate } from './certificates.ts';

/** Paths of the root with their content; a path that ends in `/` is an empty directory. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Plant {
  /** Id of the store type. */
  readonly store: string;
  readonly form: string;
  readonly files: (certificate: MadeCertificate) => Files;
  /** It is found inside of a program only. */
  readonly deep?: true;
  /**
   * For a type that holds no certificate, or is named without being read: words that have to stand in its notes or
   * problems.
   */
  readonly says?: string;
}

/** A file of the certificate as text, and what has to lie around it. */
export function pem(path: string, more: Files = {}): Plant['files'] {
  return (certificate) => ({ ...more, [path]: certificate.pem });
}

export function byContent(
  path: string,
  content: (certificate: MadeCertificate) => string | Uint8Array,
  more: Files = {},
): Plant['files'] {
  return (certificate) => ({ ...more, [path]: content(certificate) });
}

/** A file that some setting names. */
export const CA = '/opt/ca.pem';

// What makes a root that of a system

export const MAC: Files = { '/System/Library/CoreServices/': '' };
export const WINDOWS: Files = { '/Windows/System32/': '' };
