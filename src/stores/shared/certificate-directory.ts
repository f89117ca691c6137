/** A directory in OpenSSL's CApath form: certificates, and links to them named after the hash of the subject. */

import { posix } from 'node:path';
import { groupBy } from '../../core/collections.ts';
import type { StoreContent } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { trustedForAll } from '../../core/trust.ts';
import { EMPTY_CONTENT, readPemFile, realPathOr, walkFiles, withAux } from './content.ts';

/** OpenSSL's name of a certificate in a directory: hash of the subject, and a number. */
const HASH_NAME = /^[0-9a-f]{8}\.\d+$/;
const CERTIFICATE_NAME = /\.(?:pem|crt|cer|der)$/;

/**
 * Each certificate file once, however many links lead to it. Without a link named by hash OpenSSL does not find a
 * file; Go, GnuTLS and .NET read every file of the directory, so it is trusted all the same. `bundles` are files
 * in the directory that are stores of their own.
 */
export function* readCertificateDirectory(
  target: Target,
  directory: string,
  bundles: readonly string[] = [],
): Generator<StoreContent> {
  const wanted = (name: string): boolean => HASH_NAME.test(name) || CERTIFICATE_NAME.test(name);
  const { files, problems } = walkFiles(target, directory, wanted, 1);
  const own = files.filter((path) => !bundles.includes(path));
  yield { ...EMPTY_CONTENT, problems };
  for (const paths of groupBy(own, (path) => realPathOr(target, path)).values()) {
    const hashed = paths.some((path) => HASH_NAME.test(posix.basename(path)));
    const path = paths.find((each) => !HASH_NAME.test(posix.basename(each))) ?? paths[0] ?? directory;
    const trust = trustedForAll(hashed ? 'hashed' : 'no hash link: OpenSSL skips it, Go and GnuTLS do not');
    yield readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trust));
  }
}
