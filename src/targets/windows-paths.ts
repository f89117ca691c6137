/** Paths of Windows in the form of a target, and back: `C:\Users` is `/C:/Users` on a live target. */

/** `C:\Users\x` as `/C:/Users/x`. */
export function fromWindowsPath(path: string): string {
  const plain = path.replaceAll('\\', '/').replace(/^\/\/\?\//, '');
  return plain.startsWith('/') ? plain : `/${plain.replace(/\/+$/, '')}`;
}

/** `/C:/Users/x` as `C:\Users\x`; undefined for a path on no drive, where there is nothing. */
export function toWindowsPath(path: string): string | undefined {
  const [, drive, rest = ''] = /^\/([A-Za-z]:)(?:\/(.*))?$/s.exec(path) ?? [];
  return drive === undefined ? undefined : `${drive}\\${rest.replaceAll('/', '\\')}`;
}

/**
 * False for what Windows would not take for one name: a backslash in it would lead elsewhere, a colon begins a stream
 * of a file.
 */
export function isWindowsName(name: string): boolean {
  return !/[\\:]/.test(name);
}

/** What a link says, as a path of the target. Inside a mounted drive, its letter is that of the system on it. */
export function linkFromWindows(link: string, drives: boolean): string {
  const plain = link
    .replaceAll('\\', '/')
    .replace(/^\/\/\?\//, '')
    .replace(/^\/\?\?\//, '');
  const [, letter, rest = ''] = /^([A-Za-z]:)(\/.*)?$/s.exec(plain) ?? [];
  if (letter === undefined) return plain;
  return drives ? `/${letter}${rest.replace(/\/+$/, '')}` : rest || '/';
}
