/** `rootaudit remove --script`, and plans for images. */

import { RootauditError } from '../core/errors.ts';
import { count, visible } from '../core/text.ts';
import { commandsOf } from '../scripts/image-tools.ts';
import { writeScript } from '../scripts/index.ts';
import type { ScriptLanguage } from '../scripts/languages.ts';
import type { ScriptInput } from '../scripts/script.ts';
import { rootOf, type Planned } from './apply-plan.ts';
import type { Surroundings } from './options.ts';
import type { RemoveOptions } from './remove.ts';
import { writeWhole } from './write.ts';

/** Opened one after the other; what is asked of one is asked before the next is opened. */
export async function eachImage<Result>(
  reference: string,
  { platform, plainHttp }: RemoveOptions,
  use: (target: Planned['target']) => Promise<Result>,
): Promise<readonly Result[]> {
  const { openReference } = await import('../images/open.ts');
  const results: Result[] = [];
  for await (const target of openReference(reference, {
    verify: false,
    plainHttp,
    ...(platform !== undefined && { platform }),
  })) {
    try {
      if (target.kind !== 'image') {
        throw new RootauditError(`${visible(reference)} is no image`, 'For a directory take --root.');
      }
      results.push(await use(target));
    } finally {
      await target.close?.();
    }
  }
  return results;
}

/** The target has to be open still. */
export function scriptOf(language: ScriptLanguage, { plan, target, bytes }: Planned): Promise<string> {
  const input: ScriptInput = {
    plan,
    root: target.kind === 'image' ? '' : rootOf(target).host,
    read: (path) => target.fs.read(path),
    certificate: (fingerprint) => bytes.get(fingerprint),
    ...(target.kind === 'image' && {
      image: { has: commandsOf(target), layerOf: (path) => target.layerOf?.(path) },
    }),
  };
  return writeScript(language, input);
}

export function putScripts(
  scripts: readonly string[],
  { output }: RemoveOptions,
  { stdout, terminal }: Surroundings,
): void {
  terminal.progress?.clear();
  if (output === undefined) {
    stdout.write(scripts.join('\n'));
    return;
  }
  const [script] = scripts;
  if (script === undefined || scripts.length > 1) {
    throw new RootauditError(
      `${count(scripts.length, 'image')} cannot go into one file`,
      'Name one of them (PATH:NAME, --platform), or leave out --output.',
    );
  }
  writeWhole(output, [script]);
}
