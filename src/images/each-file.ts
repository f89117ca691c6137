/** Every file of an image, each layer read once from its beginning to its end: for looking inside of programs. */

import type { PassingFile } from '../core/target.ts';
import { KIND } from './entries.ts';
import type { ImageIndex } from './image-index.ts';
import { fromLatin1, toLatin1 } from './latin1.ts';
import type { MergedTree } from './merged-tree.ts';
import { readRanges, type Piece, type Range } from './ranges.ts';
import { openBytes, WholeFile } from './whole-file.ts';

/** No files, but views of the system. */
const NOT_FILES: ReadonlySet<string> = new Set(['proc', 'sys', 'dev']);

interface FileRange extends Range {
  readonly node: number;
}

/** Files that are there in `tree`, at or below `directories`; one with several names by the first of them. */
export async function* eachFile(
  tree: MergedTree,
  index: ImageIndex,
  directories: readonly string[],
): AsyncGenerator<PassingFile> {
  const nodes = nodesByEntry(tree, directories);
  index.contents.dropUnused();
  const whole = new WholeFile(index.contents.room);
  try {
    yield* eachLayer(tree, index, nodes, whole);
  } finally {
    whole.close();
  }
}

async function* eachLayer(
  tree: MergedTree,
  index: ImageIndex,
  nodes: Uint32Array,
  whole: WholeFile,
): AsyncGenerator<PassingFile> {
  for (let layer = 0; layer < index.layers; layer++) {
    const stream = index.contents.stream(layer);
    if (stream) yield* streamedFiles(tree, stream, ranges(tree, index, layer, nodes), whole);
    for (const entry of index.entriesOf(layer)) {
      const node = nodes[entry] ?? 0;
      const isStreamed = stream && tree.entries.kind(entry) === KIND.file && tree.entries.sizeOf(entry) > 0;
      if (node > 0 && !isStreamed) yield atHand(tree, index, node, entry);
    }
  }
}

/** For each entry the first name of it that is looked at; 0 for none. */
function nodesByEntry(tree: MergedTree, directories: readonly string[]): Uint32Array {
  const nodes = new Uint32Array(tree.entries.count);
  const open = directories.toReversed().flatMap((path) => {
    const node = tree.lookUp(toLatin1(path));
    return typeof node === 'number' ? [node] : [];
  });
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const entry = tree.at(node);
    const kind = tree.entries.kind(entry);
    if (kind === KIND.file || kind === KIND.sparse) nodes[entry] ||= node;
    if (kind !== KIND.directory) continue;
    for (const child of tree.children(node)) {
      if (node !== tree.root || !NOT_FILES.has(tree.names.name(child))) open.push(child);
    }
  }
  return nodes;
}

function* ranges(
  { entries }: MergedTree,
  index: ImageIndex,
  layer: number,
  nodes: Uint32Array,
): Generator<FileRange> {
  for (const entry of index.entriesOf(layer)) {
    const node = nodes[entry] ?? 0;
    const size = entries.sizeOf(entry);
    if (node > 0 && size > 0 && entries.kind(entry) === KIND.file) {
      yield { node, size, offset: entries.offset(entry) };
    }
  }
}

async function* streamedFiles(
  tree: MergedTree,
  stream: AsyncIterable<Uint8Array>,
  wanted: Iterable<FileRange>,
  whole: WholeFile,
): AsyncGenerator<PassingFile> {
  const pieces = readRanges(stream, wanted);
  let current: FileRange | undefined;
  let isHeld = false;
  try {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
      const { range, piece, at } = next.value;
      const { node, size } = range;
      if (range !== current) {
        current = range;
        const path = fromLatin1(tree.path(node));
        if (piece.length === size) {
          yield { path, size, content: openBytes(piece) };
          continue;
        }
        isHeld = whole.begin(path, size);
        if (!isHeld) yield { path, size, content: piecesOf(next.value, pieces) };
      }
      // What nobody has taken of a file that comes in pieces goes by.
      if (!isHeld) continue;
      whole.add(piece, at);
      if (at + piece.length < size) continue;
      yield { path: fromLatin1(tree.path(node)), size, content: whole.open() };
      whole.free();
    }
  } finally {
    await pieces.return(undefined);
  }
}

async function* piecesOf(
  first: Piece<FileRange>,
  pieces: AsyncIterator<Piece<FileRange>>,
): AsyncGenerator<Uint8Array> {
  yield first.piece;
  for (let end = first.at + first.piece.length; end < first.range.size;) {
    const next = await pieces.next();
    if (next.done === true) return;
    yield next.value.piece;
    end = next.value.at + next.value.piece.length;
  }
}

/** What can be read anywhere. Why it cannot be read, where it cannot, comes with the reading. */
function atHand(tree: MergedTree, { contents }: ImageIndex, node: number, entry: number): PassingFile {
  const path = fromLatin1(tree.path(node));
  const size = tree.entries.sizeOf(entry);
  const read = (into: Uint8Array, offset: number): number => contents.open(entry, path).read(into, offset);
  return { path, size, content: { size, read, close: () => undefined } };
}
