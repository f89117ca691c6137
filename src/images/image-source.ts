/** An image as it was found: what its layers are and where their bytes come from. Nothing of them is read yet. */

import type { ImageLayer } from '../core/target.ts';
import type { Source } from '../formats/archive.ts';
import type { LayerSlot } from './layer-cache.ts';

export interface ImageSource {
  /** What the user named, and what tells the images of one archive apart: "app.tar (example/app:1.2)". */
  readonly reference: string;
  readonly name?: string;
  /** `sha256:…` */
  readonly digest?: string;
  /** "linux/amd64", "linux/arm64/v8". */
  readonly platform?: string;
  /** Env of the configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** Bottom first. */
  readonly layers: readonly LayerSource[];
  /** Worth telling about it: "layer 3 is not in the archive". */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface LayerSource extends ImageLayer {
  readonly content: LayerContent;
}

/** The bytes of a tar archive, without compression. */
export type LayerContent =
  /** At hand: what does not matter is never read. */
  | { readonly kind: 'seekable'; readonly source: Source }
  /**
   * To be read from its beginning, as often as needed. Ends with a RootauditError when the digest does not fit, the
   * bytes end too early, or unpack to more than they may.
   */
  | {
      readonly kind: 'stream';
      open(): AsyncIterable<Uint8Array>;
      /** Where what is known of it is kept, when its digest is verified by reading it. */
      readonly slot?: LayerSlot;
    };
