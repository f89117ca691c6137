/** The archive of a root file system, as `docker export`, debootstrap and many others make it: an image of one layer. */

import type { Source } from '../formats/archive.ts';
import { imageReference, type Finding } from './finding.ts';
import type { ImageSource } from './image-source.ts';
import { layerContent } from './layer-source.ts';

/** `source` may be compressed. */
export function rootImage(source: Source, finding: Finding): ImageSource {
  const { what } = finding;
  const content = layerContent(source, { what, verify: false });
  const release = finding.hold();
  return {
    reference: imageReference(finding, undefined, undefined),
    environment: {},
    // There is no manifest, so that the layer has no name.
    layers: [{ digest: '', content }],
    notes: [],
    close: () => Promise.resolve(release()),
  };
}
