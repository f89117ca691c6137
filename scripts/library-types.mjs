// The library's types, for dist/types: the declarations of src/index.ts and of what they name, and no others.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';

/** `from './report.ts'`, and `import('./report.ts')` within a type. */
const SPECIFIER = /(\bfrom\s+|\bimport\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g;

export function writeTypes(root, destination) {
  const emitted = mkdtempSync(join(tmpdir(), 'rootaudit-types-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', emitted],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`the types of the library cannot be made:\n${stdout}`);
    const wanted = ['index'];
    // Grows while it is read.
    for (const name of wanted) {
      const text = readFileSync(join(emitted, `${name}.d.ts`), 'utf8');
      for (const [, , , specifier] of text.matchAll(SPECIFIER)) {
        const other = posix.join(posix.dirname(name), specifier);
        if (!wanted.includes(other)) wanted.push(other);
      }
      const file = join(destination, `${name}.d.ts`);
      mkdirSync(dirname(file), { recursive: true });
      // A module is imported by the name that it has in JavaScript.
      writeFileSync(file, text.replaceAll(SPECIFIER, '$1$2$3.js$2'));
    }
    return wanted.length;
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}
