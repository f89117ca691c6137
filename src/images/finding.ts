/** What is handed from recognising a file or a directory to reading the images in it. */

import { visible } from '../core/text.ts';
import type { LayerCache } from './layer-cache.ts';
import type { ImageProgress } from './progress.ts';

export interface ImageOptions {
  /** `os/arch[/variant]`, or `all`. Default: that of this machine. */
  readonly platform?: string | undefined;
  /** Also compare the digests of what an archive lets us pass over. */
  readonly verify: boolean;
  /** What is known of layers that were read before. Without it each is read. */
  readonly cache?: LayerCache | undefined;
  /** Counts what is read of an image while it is opened. */
  readonly progress?: ImageProgress;
}

export interface Finding {
  /** As the user named it. */
  readonly reference: string;
  /** The same for messages. */
  readonly what: string;
  /** The one image that was asked for. */
  readonly name?: string | undefined;
  readonly options: ImageOptions;
  /** Keeps what the layers are read from open; what it returns lets go of it. */
  readonly hold: () => () => void;
}

/** "app.tar (example/app:1.2)"; with the platform where there are several. */
export function imageReference(
  { reference }: Finding,
  name: string | undefined,
  platform: string | undefined,
): string {
  const parts = [name, platform].filter((part) => part !== undefined).map((part) => visible(part, 300));
  return parts.length === 0 ? reference : `${reference} (${parts.join(', ')})`;
}
