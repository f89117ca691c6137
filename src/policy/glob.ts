/**
 * Patterns for paths: `*` is any characters within one part of a path, `?` one character, a part `**` any number of
 * parts. A pattern that fits a directory fits everything below it. Without regular expressions: the time is at most
 * the product of both lengths.
 */

const SEPARATOR = /[\\/]/;
/** Names of the registry and below a drive of Windows are the same in either case. */
const WINDOWS = /^(?:HK[A-Z_]+|\/?[A-Za-z]:)[\\/]/;

export type PathTest = (path: string) => boolean;

/** Patterns are limited to this by the parser. */
export const MAX_PATTERN = 1000;

export function pathTest(pattern: string): PathTest {
  const ignoreCase = WINDOWS.test(pattern);
  const parts = partsOf(ignoreCase ? pattern.toLowerCase() : pattern);
  // All in one store share few paths.
  let last: readonly [path: string, fits: boolean] | undefined;
  return (path) => {
    if (last?.[0] === path) return last[1];
    const fits = matchParts(parts, partsOf(ignoreCase ? path.toLowerCase() : path));
    last = [path, fits];
    return fits;
  };
}

/** `C:\x` is written `/C:/x` in reports. */
function partsOf(path: string): string[] {
  return path.split(SEPARATOR).filter((part) => part !== '');
}

/** Only the last `**` has ever to be tried again: whatever fits before it, fits. */
function matchParts(pattern: readonly string[], path: readonly string[]): boolean {
  let p = 0;
  let retryPattern = -1;
  let retryPath = 0;
  for (let i = 0; i < path.length;) {
    // What follows is below what was named.
    if (p === pattern.length) return true;
    const part = pattern[p];
    if (part === '**') {
      retryPattern = ++p;
      retryPath = i;
    } else if (matchPart(part ?? '', path[i] ?? '')) {
      p++;
      i++;
    } else if (retryPattern >= 0) {
      p = retryPattern;
      i = ++retryPath;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every((part) => part === '**');
}

/** `*` and `?` within one part, or within the id of a store type. */
export function matchPart(pattern: string, text: string): boolean {
  let p = 0;
  let retryPattern = -1;
  let retryText = 0;
  for (let i = 0; i < text.length;) {
    const wanted = pattern[p];
    if (wanted === '*') {
      retryPattern = ++p;
      retryText = i;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[i])) {
      p++;
      i++;
    } else if (retryPattern >= 0) {
      p = retryPattern;
      i = ++retryText;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
