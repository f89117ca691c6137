/**
 * Opens an image of very many files, of which nothing ever lies on a disk, in a process of its own; prints what it took.
 * Arguments: how many, and `stream` or `seekable`.
 */

import { asBuffer } from '../../src/core/bytes.ts';
import type { Source } from '../../src/formats/archive.ts';
import type { LayerContent } from '../../src/images/image-source.ts';
import { openImage } from '../../src/images/open-image.ts';
import { tarHeader, testImage } from './hostile-tar.ts';

const BLOCK = 512;
const CHUNK = 1 << 20;
/** Numbers are written over this. */
const TEMPLATE = tarHeader({ name: 'usr/lib/python3/dist-packages/package_0000/module_0000000.py' });
const SUM = Number.parseInt(TEMPLATE.toString('latin1', 148, 154), 8);
const DIRECTORIES = 5000;

function writeHeader(number: number, bytes: Buffer, at: number): void {
  TEMPLATE.copy(bytes, at);
  const digits = `${String(number % DIRECTORIES).padStart(4, '0')}${String(number).padStart(7, '0')}`;
  bytes.write(digits.slice(0, 4), at + 38, 'latin1');
  bytes.write(digits.slice(4), at + 50, 'latin1');
  let sum = SUM;
  for (const digit of digits) sum += Number(digit);
  bytes.write(sum.toString(8).padStart(6, '0'), at + 148, 'latin1');
}

/** Asked for whole headers only. */
function manyFiles(files: number): Source {
  const size = (files + 2) * BLOCK;
  return {
    size,
    read: (into, offset) => {
      const length = Math.min(into.length, size - offset);
      const bytes = asBuffer(into);
      for (let at = 0; at + BLOCK <= length; at += BLOCK) {
        const number = (offset + at) / BLOCK;
        if (number < files) writeHeader(number, bytes, at);
        else bytes.fill(0, at, at + BLOCK);
      }
      return length;
    },
  };
}

async function* piecesOf(source: Source): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.size; offset += CHUNK) {
    const piece = Buffer.alloc(Math.min(CHUNK, source.size - offset));
    source.read(piece, offset);
    yield piece;
  }
}

async function main(): Promise<void> {
  const [, , wanted = '1', form] = process.argv;
  const source = manyFiles(Number(wanted));
  const content: LayerContent =
    form === 'stream' ? { kind: 'stream', open: () => piecesOf(source) } : { kind: 'seekable', source };
  const { fs, problems } = await openImage(testImage([content]));
  const directories = fs.list('/usr/lib/python3/dist-packages');
  // Each has as many; listing all of them would measure how lazily Node collects garbage.
  const first = `/usr/lib/python3/dist-packages/${directories[0]?.name ?? ''}`;
  const files = directories.length * fs.list(first).length;
  // Kibibytes everywhere but on a Mac; Node makes them so.
  const megabytes = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(JSON.stringify({ files, problems, megabytes }));
}

await main();
