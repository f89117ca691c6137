/** Reports and snapshots that were saved in files. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { RootauditError } from '../core/errors.ts';
import type { SavedFile } from '../report/saved.ts';

/** Node's longest text is twice that. */
const MAX_SAVED_BYTES = 256 << 20;

export async function readSaved(file: string): Promise<SavedFile> {
  if (!existsSync(file)) throw new RootauditError(`${file} does not exist`);
  const found = statSync(file);
  if (!found.isFile()) throw new RootauditError(`${file} is not a file`);
  if (found.size > MAX_SAVED_BYTES)
    throw new RootauditError(`${file} is larger than ${MAX_SAVED_BYTES >> 20} MiB`);
  const { parseSaved } = await import('../report/saved.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new RootauditError(`${file} cannot be read`, 'Check its permissions.', { cause: error });
  }
  return parseSaved(text.replace(/^\ufeff/, ''), file);
}
