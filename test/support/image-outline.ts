/** The files and links of a target, a line each: `/a = content`, `/b -> where it leads`. */

import { asBuffer } from '../../src/core/bytes.ts';
import { FsError, type ReadFs, type Target } from '../../src/core/target.ts';

export function outlineTree({ fs }: Target): string[] {
  const lines: string[] = [];
  const visit = (directory: string): void => {
    for (const { name, kind } of fs.list(directory)) {
      const path = `${directory === '/' ? '' : directory}/${name}`;
      if (kind === 'directory') visit(path);
      else if (kind === 'link') lines.push(`${path} -> ${realPath(fs, path)}`);
      else lines.push(kind === 'file' ? `${path} = ${content(fs, path)}` : `${path} is ${kind}`);
    }
  };
  visit('/');
  return lines;
}

function realPath(fs: ReadFs, path: string): string {
  try {
    return fs.realPath(path) ?? 'nothing';
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
}

function content(fs: ReadFs, path: string): string {
  try {
    return asBuffer(fs.read(path) ?? Buffer.alloc(0)).toString('latin1');
  } catch (error) {
    // Of a stream, what did not look as if it mattered.
    if (error instanceof FsError) return error.message;
    throw error;
  }
}
