/** What keeps `rootaudit remove --apply` from beginning, and the command that would do. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Blocklist } from '../blocklist/load.ts';
import { meantAdvisories } from '../blocklist/meant.ts';
import { RootauditError } from '../core/errors.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { visible } from '../core/text.ts';
import { findUsers } from '../removal/in-use.ts';
import { actionText } from '../render/removal-actions.ts';
import { rootOf, type Planned } from './apply-plan.ts';
import type { RemoveOptions } from './remove.ts';
import { possibleSteps, stepsForRoot } from './who-may.ts';

/** The command as it could be typed again; a password is not repeated. */
export function words(argv: readonly string[]): string {
  return argv
    .map((word, index) =>
      argv[index - 1] === '--store-password' ? '…' : word.replace(/^(--store-password=).*/s, '$1…'),
    )
    .map((word) => (/^--?[A-Za-z-]+$/.test(word) || !canQuoteSh(word) ? visible(word) : quoteSh(word)))
    .join(' ');
}

const CERTIFICATE_FILE = /\.(?:pem|crt|cer|der|p7[bc]|p12|pfx|jks)$/i;
/** With a slash, a name of an image's form before a colon, or the ending of an archive or a disk. */
const PLACE =
  /[/\\]|^(?:docker-archive|oci|tar|dir|disk|registry):|\.(?:tar|tgz|txz|tar\.\w+|img|raw|qcow2|vmdk|vhdx?|vdi|iso|squashfs)$/i;

/** For a word that is no root: a target, which has an option of its own, or a slip of the keys. */
export function hintFor(word: string, blocklist: Blocklist): string | undefined {
  const found = statSync(word, { throwIfNoEntry: false });
  const shown = canQuoteSh(word) ? quoteSh(word) : visible(word);
  if (found?.isDirectory() && !existsSync(join(word, 'oci-layout')))
    return `What is in that directory is named with an option: rootaudit remove --root ${shown}`;
  if (CERTIFICATE_FILE.test(word))
    return found
      ? `rootaudit explain ${shown} tells the SHA-256 of what is in that file.`
      : 'Give the SHA-256 of the certificate.';
  if (found || /^(?:docker-archive|oci|tar|disk|registry):/.test(word))
    return `An image is named with an option: rootaudit remove --image ${shown}`;
  if (PLACE.test(word)) return 'A target is named with an option: --root DIR or --image FILE.';
  return meantAdvisories(word, blocklist);
}

/** An image is what its digest says; another one is built from it. */
export function refuseImage(kind: Planned['target']['kind']): void {
  if (kind === 'live' || kind === 'directory') return;
  throw new RootauditError(
    'an image is not changed',
    'Leave out --apply. With --script dockerfile, what builds a clean image from it is written.',
  );
}

/** What belongs to the user can go without root; then at least that is done. */
export function refuseWithoutRoot(planned: Planned): void {
  const forRoot = stepsForRoot(planned);
  if (forRoot.length === 0) return;
  const details = forRoot.map(({ action }) => `  ${visible(actionText(action), 10_000)}`);
  if (possibleSteps(planned).length === 0) {
    throw new RootauditError('root or administrator is needed', `Nothing was changed. Run: ${withSudo()}`, {
      details,
    });
  }
  const left = `Left out, because root or administrator is needed (${withSudo()}):`;
  process.stderr.write(`${[left, ...details].join('\n')}\n`);
}

/** Windows has no word for it: a window is opened as administrator. */
export const SUDO = process.platform === 'win32' ? '' : 'sudo ';

export function withSudo(): string {
  return `${SUDO}${words(['rootaudit', ...process.argv.slice(2)])}`;
}

export async function refuseWhileInUse(planned: Planned, { force }: RemoveOptions): Promise<void> {
  const { plan, target } = planned;
  if (force || target.kind !== 'live') return;
  const changed = new Set(possibleSteps(planned).flatMap(({ stores }) => stores));
  const uses = plan.stores
    .filter(({ store, method }) => changed.has(store) && (method === 'remove' || method === 'distrust'))
    .map(({ inUse = [], actions }) => ({
      names: inUse,
      files: actions.flatMap((action) => (action.kind === 'run' ? [] : [action.path])),
    }));
  const users = await findUsers(rootOf(target), uses);
  if (users.length === 0) return;
  throw new RootauditError(
    `running programs have a store open: ${users.join(', ')}`,
    'Nothing was changed. End them first; with --force they are not minded, and may write back what they remember.',
  );
}
