/** The one target that a command names. */

import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import type { Surroundings } from './options.ts';
import { openTargets, type ImageOptions } from './targets.ts';

/** What `use` makes of the one target that is named; this machine (or what the options say) without a reference. */
export async function withTarget<Result>(
  reference: string | undefined,
  options: ImageOptions,
  surroundings: Surroundings,
  use: (target: Target) => Promise<Result>,
): Promise<Result> {
  const results: Result[] = [];
  for await (const opened of openTargets(reference === undefined ? [] : [reference], options, surroundings)) {
    if ('error' in opened) throw opened.error;
    if (results.length > 0) {
      throw new RootauditError(
        `${opened.reference} holds several images`,
        'Choose one with --platform, or unpack it.',
      );
    }
    results.push(await use(opened.target));
  }
  const [result] = results;
  if (result === undefined) throw new RootauditError(`${reference ?? 'the target'} holds no image`);
  return result;
}
