/** The cache of layers as a call uses it: in the user's directory, or in memory where that cannot or must not be. */

import { cachePlace, openCacheDirectory } from './cache-directory.ts';
import { MemoryStorage } from './cache-memory.ts';
import { LayerCache } from './layer-cache.ts';

export interface CacheOptions {
  /** Of the program. */
  readonly version: string;
  /** Everything is read, whatever is known. */
  readonly fresh: boolean;
  /** Also for the next call. */
  readonly kept: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told once why nothing is kept, where that is so. */
  readonly tell?: (note: string) => void;
}

/** Nothing is looked at or made before there is a layer to keep. */
export function openLayerCache({ version, fresh, kept, environment, tell }: CacheOptions): LayerCache {
  let isTold = false;
  const once = (note: string): void => {
    if (!isTold) tell?.(note);
    isTold = true;
  };
  const open = () =>
    (kept ? openCacheDirectory(cachePlace(environment), once) : undefined) ?? new MemoryStorage();
  return new LayerCache(open, { version, fresh });
}
