/** The targets that a scan names: this machine, directories, images. */

import { InvalidArgumentError, Option, type Command } from 'commander';
import * as targets from '../api/targets.ts';
import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import type { ImageProgress } from '../images/progress.ts';
import { checkRoot, type Surroundings, type TargetOptions } from './options.ts';
import { imageWords } from './progress-words.ts';
import type { Progress } from './progress.ts';
import { addVariableOption } from './variables.ts';

export interface ImageOptions extends TargetOptions {
  readonly platform?: string;
  readonly plainHttp: boolean;
  readonly verify: boolean;
  readonly cache: boolean;
}

/** As if nothing had been said, which no parser of an option can make of what was. */
const THIS_MACHINES = '';

/** `takes`: how many images the command can look at. */
export function addImageOptions(command: Command, takes: 'several' | 'one'): Command {
  const all = takes === 'one' ? '' : ', or all';
  const platform = new Option('--platform <os/arch>', `which image of a multi-platform one${all}`);
  const parse = (value: string, _previous: unknown, isVariable: boolean): string => {
    if (value === '') throw new InvalidArgumentError('It takes linux/amd64, for example.');
    return isVariable && takes === 'one' && value === 'all' ? THIS_MACHINES : value;
  };
  platform.default(undefined, 'that of this machine');
  return addVariableOption(command, platform, 'ROOTAUDIT_PLATFORM', parse)
    .option('--plain-http', 'read a registry on this machine without TLS', false)
    .option('--verify', 'also check the digests of what an archive lets us pass over', false)
    .addOption(
      new Option('--no-cache', 'read every layer, and keep nothing of it for the next time').env(
        'ROOTAUDIT_NO_CACHE',
      ),
    );
}

/** One after the other; each is closed before the next is opened. Without references: what the options say. */
export async function* openTargets(
  references: readonly string[],
  options: ImageOptions,
  { environment, terminal: { progress, verbose } }: Surroundings,
): AsyncGenerator<targets.Opened> {
  checkRoot(options);
  if (references.length > 0 && (options.root !== undefined || options.adb !== undefined)) {
    const option = options.root === undefined ? '--adb' : '--root';
    throw new RootauditError(`${option} names a target of its own: leave out ${references.join(', ')}`);
  }
  const { platform, plainHttp, verify, cache } = options;
  const tell = (note: string): void => {
    progress?.clear();
    process.stderr.write(`rootaudit: ${note}\n`);
  };
  const images = {
    verify,
    plainHttp,
    cache,
    ...(platform !== undefined && platform !== THIS_MACHINES && { platform }),
    ...(verbose && { tell }),
  };
  const shown = progress && references.length > 0 ? { progress: await imageProgress(progress) } : {};
  yield* targets.openTargets(references, options, { ...images, ...shown }, environment, (k, reference) =>
    progress?.about(
      references.length > 1 ? `${k + 1} of ${references.length}, ${visible(reference, 60)}` : undefined,
    ),
  );
}

async function imageProgress(progress: Progress): Promise<ImageProgress> {
  const { ImageProgress } = await import('../images/progress.ts');
  return new ImageProgress((state) => progress.show(() => imageWords(state)));
}
