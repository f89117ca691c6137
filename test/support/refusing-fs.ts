/** A file system that may not be entered at one place, whoever runs the tests. */

import { FsError, type ReadFs } from '../../src/core/target.ts';

/** `fs`, but for whatever lies at or below `directory`. */
export function refusing(fs: ReadFs, directory: string): ReadFs {
  const checked =
    <Result>(call: (path: string) => Result) =>
    (path: string): Result => {
      if (path === directory || path.startsWith(`${directory}/`)) {
        throw new FsError('denied', path, 'permission denied');
      }
      return call(path);
    };
  return {
    stat: checked((path) => fs.stat(path)),
    kind: checked((path) => fs.kind(path)),
    realPath: checked((path) => fs.realPath(path)),
    list: checked((path) => fs.list(path)),
    open: checked((path) => fs.open(path)),
    read: (path, maxBytes) => checked((each) => fs.read(each, maxBytes))(path),
  };
}

/**
 * `fs`, but for one file or directory that its permission bits close: it can be seen, and not be read, and what lies
 * below it cannot even be asked for.
 */
export function closing(fs: ReadFs, closed: string): ReadFs {
  const refuse = (path: string): never => {
    throw new FsError('denied', path, 'permission denied');
  };
  const isBelow = (path: string): boolean => path.startsWith(`${closed}/`);
  const seen =
    <Result>(call: (path: string) => Result) =>
    (path: string): Result =>
      isBelow(path) ? refuse(path) : call(path);
  const opened =
    <Result>(call: (path: string) => Result) =>
    (path: string): Result =>
      isBelow(path) || path === closed ? refuse(path) : call(path);
  return {
    stat: seen((path) => fs.stat(path)),
    kind: seen((path) => fs.kind(path)),
    realPath: seen((path) => fs.realPath(path)),
    list: opened((path) => fs.list(path)),
    open: opened((path) => fs.open(path)),
    read: (path, maxBytes) => opened((each) => fs.read(each, maxBytes))(path),
  };
}
