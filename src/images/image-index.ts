/** What all layers of an image hold, read once; and the trees that come of applying them, or only the lower ones. */

import { diagnosticToProblem, type Problem } from '../core/errors.ts';
import { FsError } from '../core/target.ts';
import { Contents } from './contents.ts';
import { Entries } from './entries.ts';
import type { ImageSource } from './image-source.ts';
import { inParallel } from './in-parallel.ts';
import { LayerIndex } from './layer-index.ts';
import { MergedTree } from './merged-tree.ts';
import { Names } from './names.ts';
import { readLayer } from './read-layer.ts';

/** More than any container runtime takes. */
const MAX_LAYERS = 512;

export class ImageIndex {
  readonly contents: Contents;
  readonly #image: ImageSource;
  readonly #names = new Names();
  readonly #entries = new Entries();
  readonly #layers: readonly LayerIndex[];
  /** Of each layer's archive. */
  readonly #problems: Problem[][];

  private constructor(image: ImageSource) {
    this.#image = image;
    this.#layers = image.layers
      .slice(0, MAX_LAYERS)
      .map((_, number) => new LayerIndex(number, this.#names, this.#entries));
    this.#problems = image.layers.map(() => []);
    this.contents = new Contents(
      image.layers,
      this.#entries,
      () => this.#names.size * 2 + this.#entries.size,
    );
  }

  /** Reads all layers; rejects with RootauditError when one is not what its digest says. */
  static async read(image: ImageSource): Promise<ImageIndex> {
    const index = new ImageIndex(image);
    try {
      await inParallel(index.#layers, (layer, _, isStopped) => index.#readLayer(layer, isStopped));
      return index;
    } catch (error) {
      index.contents.close();
      throw error;
    }
  }

  /** The archive of a root file system, of which nobody speaks as a layer. */
  get isPlain(): boolean {
    const { layers } = this.#image;
    return layers.length === 1 && layers[0]?.digest === '';
  }

  get layers(): number {
    return this.#layers.length;
  }

  /** The image as it runs. */
  merged(): MergedTree {
    const tree = new MergedTree(this.#names, this.#entries);
    for (const layer of this.#layers) tree.apply(layer);
    return tree;
  }

  /** The same tree after each layer, from the lowest on. */
  *states(): Generator<MergedTree> {
    const tree = new MergedTree(this.#names, this.#entries);
    for (const layer of this.#layers) {
      tree.apply(layer);
      yield tree;
    }
  }

  /** The entries of a layer, in the order of its archive. */
  entriesOf(layer: number): Iterable<number> {
    return this.#layers[layer]?.entries() ?? [];
  }

  /** What could not be read, after merging. */
  problems(): Problem[] {
    const { layers, reference } = this.#image;
    const problems = this.#layers.flatMap((layer) => [
      ...(this.#problems[layer.number] ?? []),
      ...layer.complaints.problems(this.placeOf(layer.number)),
    ]);
    if (layers.length <= MAX_LAYERS) return problems;
    const message = `an image of ${layers.length} layers, of which only the lowest ${MAX_LAYERS} were read`;
    return [...problems, { code: 'limit', path: reference, message }];
  }

  /** How a problem names a layer. */
  placeOf(number: number): string {
    if (this.isPlain) return this.#image.reference;
    const digest = this.#image.layers[number]?.digest ?? '';
    return digest === '' ? `layer ${number + 1}` : `layer ${number + 1} (${digest})`;
  }

  async #readLayer(layer: LayerIndex, isStopped: () => boolean): Promise<void> {
    const content = this.#image.layers[layer.number]?.content;
    if (!content) return;
    const place = this.placeOf(layer.number);
    const problems = this.#problems[layer.number] ?? [];
    const rules = { isPlain: this.isPlain, isStopped };
    try {
      for (const diagnostic of await readLayer(content, layer, this.contents, rules)) {
        const problem = diagnosticToProblem(diagnostic, place);
        if (problem) problems.push(problem);
      }
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      problems.push({ code: 'unreadable', path: place, message: error.message });
    }
  }
}
