/** How the tests read images of a registry: without waiting long, and without the credentials of whoever runs them. */

import { inspect } from 'node:util';
import { RootauditError } from '../../src/core/errors.ts';
import type { ImageSource } from '../../src/images/image-source.ts';

export const OPTIONS = {
  plainHttp: true,
  home: '/nonexistent',
  environment: {},
  limits: { headTimeout: 2000, stallTimeout: 2000, retries: 3, retryDelay: 5, maxRetryAfter: 3000 },
} as const;

/** The whole layer, unpacked. */
export async function layerBytes(image: ImageSource | undefined, index: number): Promise<Buffer> {
  const content = image?.layers[index]?.content;
  if (content?.kind !== 'stream') throw new Error(`no layer ${index}`);
  const pieces: Uint8Array[] = [];
  // A piece is good until the next is asked for.
  for await (const piece of content.open()) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

export interface Failure {
  readonly message: string;
  readonly hint: string | undefined;
  /** All that could be printed of it. */
  readonly everything: string;
}

/** The RootauditError that an action has to end with. */
export async function failureOf(action: () => Promise<unknown>): Promise<Failure> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RootauditError)) throw error;
    const { message, hint } = error;
    return { message, hint, everything: inspect(error, { depth: 20, showHidden: true }) };
  }
  throw new Error('it did not fail');
}
