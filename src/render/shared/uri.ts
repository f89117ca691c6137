/** Paths of a target as URI references (RFC 3986). */

import { encodePath } from '../../core/shell.ts';

/**
 * Relative to the root of the target, with every byte escaped that is not plainly part of a name: also a colon, which
 * would make a scheme of a drive. A file name that is not UTF-8 keeps its bytes.
 */
export function relativeUri(path: string): string {
  const escaped = Array.from(encodePath(path.replace(/^\/+/, '')), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._~/-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  // Nothing here is meant as "this directory" or "the one above": a reader would resolve it away.
  return escaped
    .split('/')
    .map((part) => (part === '.' || part === '..' ? part.replaceAll('.', '%2E') : part))
    .join('/');
}

/** The root of a target that has a place on this machine. */
export function rootUri(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const inside = relativeUri(path).replace(/\/+$/, '');
  return inside === '' ? 'file:///' : `file:///${inside}/`;
}
