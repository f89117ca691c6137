/** The targets that somebody names: this machine, a root, a device, images. */

import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import type { OpenOptions } from '../images/open.ts';
import type { LookObserver } from '../targets/directory-fs.ts';
import { TOOL } from './tool.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface TargetChoice {
  readonly root?: string;
  /** True without a serial number. */
  readonly adb?: string | true;
}

/** How images are opened. */
export interface ImageChoice extends Omit<OpenOptions, 'cache'> {
  /** Layers that were read before are not read again, also in the next call: what is known of them is kept. */
  readonly cache: boolean;
  /** Told why nothing is kept, where that is so. */
  readonly tell?: (note: string) => void;
}

/** A reference whose target cannot be read at all must not hide what is found on the others. */
export type Opened =
  | { readonly reference: string; readonly target: Target }
  | { readonly reference: string; readonly error: RootauditError };

/** What is chosen, or this machine. `observer` sees which files are looked at; not on a device. */
export async function openTarget(
  { root, adb }: TargetChoice,
  environment: Environment,
  observer?: LookObserver,
): Promise<Target> {
  if (adb !== undefined) {
    return (await import('../targets/adb.ts')).openAdb(adb === true ? {} : { serial: adb });
  }
  if (root === undefined) return openThisMachine(environment, observer);
  return (await import('../targets/directory.ts')).openDirectory(root, observer);
}

async function openThisMachine(environment: Environment, observer?: LookObserver): Promise<Target> {
  const { openLive, openLiveWindows } = await import('../targets/live.ts');
  if (process.platform === 'darwin') {
    const { openTrustSettings } = await import('../targets/trust-settings.ts');
    return { ...openLive(environment, observer), trustSettings: openTrustSettings() };
  }
  if (process.platform !== 'win32') return openLive(environment, observer);
  const { openRegistry } = await import('../targets/registry.ts');
  return openLiveWindows(environment, openRegistry(environment), observer);
}

/**
 * One after the other; each is closed before the next is opened. Without references: what `choice` says. Where it is
 * the only one, a target that cannot be opened throws. `before` is told about each reference before it is opened.
 */
export async function* openTargets(
  references: readonly string[],
  choice: TargetChoice,
  images: ImageChoice,
  environment: Environment,
  before?: (index: number, reference: string) => void,
): AsyncGenerator<Opened> {
  if (references.length === 0) {
    yield* closing(choice.root ?? '', [await openTarget(choice, environment)]);
    return;
  }
  const { openReference } = await import('../images/open.ts');
  const { openLayerCache } = await import('../images/cache.ts');
  const cache = openLayerCache({
    version: TOOL.version,
    fresh: images.verify,
    kept: images.cache,
    environment,
    ...(images.tell && { tell: images.tell }),
  });
  for (const [index, reference] of references.entries()) {
    before?.(index, reference);
    try {
      yield* closing(reference, openReference(reference, { ...images, cache }));
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
      // Nothing of an image may have been waited for: signals, and Node's own tidying up, need a turn.
      await new Promise(setImmediate);
    }
  }
}
