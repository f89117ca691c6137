/** The targets that a scan names: this machine, directories, images. */

import type { Command } from 'commander';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import type { OpenOptions } from '../images/open.ts';
import { openTarget, type Surroundings, type TargetOptions } from './options.ts';

export interface ImageOptions extends TargetOptions {
  readonly platform?: string;
  readonly plainHttp: boolean;
  readonly verify: boolean;
}

/** A reference whose target cannot be read at all must not hide what is found on the others. */
export type Opened =
  | { readonly reference: string; readonly target: Target }
  | { readonly reference: string; readonly error: RootauditError };

export function addImageOptions(command: Command): Command {
  return command
    .option(
      '--platform <os/arch>',
      'which image of a multi-platform one, or all (default: that of this machine)',
    )
    .option('--plain-http', 'read a registry on this machine without TLS', false)
    .option('--verify', 'also check the digests of what an archive lets us pass over', false);
}

/** One after the other; each is closed before the next is opened. Without references: what the options say. */
export async function* openTargets(
  references: readonly string[],
  options: ImageOptions,
  surroundings: Surroundings,
): AsyncGenerator<Opened> {
  if (references.length === 0) {
    yield* closing(options.root ?? '', [await openTarget(options, surroundings)]);
    return;
  }
  if (options.root !== undefined || options.adb !== undefined) {
    const option = options.root === undefined ? '--adb' : '--root';
    throw new RootauditError(`${option} names a target of its own: leave out ${references.join(', ')}`);
  }
  const { openReference } = await import('../images/open.ts');
  const { platform, plainHttp, verify } = options;
  const open: OpenOptions = { verify, plainHttp, ...(platform !== undefined && { platform }) };
  for (const reference of references) {
    try {
      yield* closing(reference, openReference(reference, open));
    } catch (error) {
      if (!(error instanceof RootauditError) || references.length === 1) throw error;
      yield { reference, error };
    }
  }
}

async function* closing(
  reference: string,
  targets: AsyncIterable<Target> | Iterable<Target>,
): AsyncGenerator<Opened> {
  for await (const target of targets) {
    try {
      yield { reference, target };
    } finally {
      await target.close?.();
    }
  }
}
