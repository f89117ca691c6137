/** How each kind of work says how far it is. */

import type { StoreProgress } from '../audit/read-stores.ts';
import { count, visible } from '../core/text.ts';
import type { DeepProgress } from '../deep/deep.ts';
import type { ImageProgressState } from '../images/progress.ts';
import type { Terminal } from './terminal.ts';

/** A path of thousands of letters would only be cut off. */
const MOST = 300;

/** For the reading of stores; undefined where nobody is told. */
export function storeProgress({
  progress,
}: Pick<Terminal, 'progress'>): ((state: StoreProgress) => void) | undefined {
  return progress && ((state) => progress.show(() => storeWords(state)));
}

export function storeWords({ path, done, total }: StoreProgress): string {
  return `store ${done + 1} of ${total}, ${visible(path, MOST)}`;
}

export function deepWords({ path, files, bytes }: DeepProgress): string {
  return `programs, ${count(files, 'file')}, ${megabytes(bytes)}: ${visible(path, MOST)}`;
}

export function imageWords({ layers, done, bytes, received, size }: ImageProgressState): string {
  return [
    ...(layers > 0 ? [`layer ${Math.min(done + 1, layers)} of ${layers}`] : []),
    ...(size > 0 ? [`${megabytes(received)} of ${megabytes(size)} received`] : []),
    ...(bytes > 0 ? [`${megabytes(bytes)} read`] : []),
  ].join(', ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })} MB`;
}
