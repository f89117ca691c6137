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
