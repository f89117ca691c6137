/** An image as a target: its layers merged, as a container would see them. */

import type { ImageLayer, Platform, ReadFs, Target } from '../core/target.ts';
import { platformOf } from '../targets/directory.ts';
import { findHomes } from '../targets/homes.ts';
import { eachFile } from './each-file.ts';
import { ImageFs } from './image-fs.ts';
import { ImageIndex } from './image-index.ts';
import type { ImageSource, LayerSource } from './image-source.ts';
import type { MergedTree } from './merged-tree.ts';
import { ROOT } from './names.ts';

/** How often one audit may ask for more of layers that come as streams. */
const MAX_ROUNDS = 4;
/** What the layers of a Windows image keep the system's files below. */
const WINDOWS_FILES = 'Files';

/** Reads the image's layers. Rejects with RootauditError when one is not what its digest says. */
export async function openImage(image: ImageSource): Promise<Target> {
  const index = await ImageIndex.read(image);
  const target = targetOf(image, index, index.merged());
  const problems = index.problems();
  // Not by spreading: its file system changes.
  return Object.assign(target, {
    problems,
    states: () => states(image, index),
    close: () => {
      index.contents.close();
      return image.close();
    },
  });
}

function* states(image: ImageSource, index: ImageIndex): Generator<Target> {
  let number = 0;
  for (const tree of index.states()) {
    if (++number === index.layers) return;
    yield targetOf(image, index, tree);
  }
}

function targetOf(image: ImageSource, index: ImageIndex, tree: MergedTree): Target {
  const isWindows = image.platform?.startsWith('windows') ?? false;
  const files = tree.lookUp(WINDOWS_FILES, ROOT);
  tree.root = isWindows && typeof files === 'number' ? files : ROOT;
  let fs = new ImageFs(tree, index.contents);
  let rounds = 0;
  const { homes, refused } = findHomes(fs);
  const { reference, name, digest, platform, environment, layers, notes } = image;
  return {
    kind: 'image',
    reference,
    platform: isWindows ? 'win32' : platformFrom(image, fs),
    // Anew after each round, because stores remember what they have seen by it.
    get fs() {
      return fs;
    },
    environment,
    homes,
    notes: [...notes, ...refused.map((home) => `${home} was not looked at: it may not be entered`)],
    image: {
      ...(name !== undefined && { name }),
      ...(digest !== undefined && { digest }),
      ...(platform !== undefined && { platform }),
      layers: index.isPlain ? [] : layers.map(withoutContent),
    },
    ...(!index.isPlain && { layerOf: (path: string) => fs.layerOf(path) }),
    hostPath: (path) => path,
    fetchMissing: async () => {
      if (++rounds > MAX_ROUNDS || !(await index.contents.fetch())) return false;
      fs = new ImageFs(tree, index.contents);
      return true;
    },
    eachFile: (directories) => eachFile(tree, index, directories),
  };
}

function withoutContent({ digest, createdBy }: LayerSource): ImageLayer {
  return { digest, ...(createdBy !== undefined && { createdBy }) };
}

/** An image says what it is for; among those for Linux are Android's. */
function platformFrom({ platform }: ImageSource, fs: ReadFs): Platform {
  return platform?.startsWith('freebsd') ? 'freebsd' : platformOf(fs);
}
