/**
 * How certificates leave the directories of p11-kit's trust module: those of the administrator by their files, those of
 * packages by the block list, because their files belong to the package manager and its next update would bring them
 * back. Nobody's trust in anything else is touched.
 */

import { manual, type Remediation } from '../../core/remediation.ts';
import type { Certificate } from '../../core/certificate.ts';
import { quoteSh, canQuoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { trustStatus } from '../../core/trust.ts';
import { pemBytes, pemLines } from './certificate-pem.ts';
import { exists, realPathOr } from './content.ts';
import { pemSteps, scanAgain } from './pem-removal.ts';
import { certificatesOf, planOf, writeAction, type Step } from './steps.ts';

interface Rules {
  /** The administrator's directory, which has the block list in it. */
  readonly ownDirectory: string;
  readonly isOwn: (anchor: TrustAnchor) => boolean;
  readonly afterwards: Step | undefined;
  /** Put everything on the block list, also what can be deleted. */
  readonly refuse: boolean;
}

/** The anchors that trust; all where none does. */
export function trustedOnes(anchors: readonly TrustAnchor[]): readonly TrustAnchor[] {
  const trusted = anchors.filter(({ trust }) => trustStatus(trust) === 'trusted');
  return trusted.length > 0 ? trusted : anchors;
}

/**
 * Files of the administrator lose the certificate even where it is blocked: OpenSSL's bundle keeps what lies among the
 * anchors and on the block list.
 */
export function removeOrBlock(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  { ownDirectory, isOwn, afterwards, refuse }: Rules,
): Remediation {
  const own = anchors.filter(isOwn);
  const packaged = anchors.filter((anchor) => !isOwn(anchor));
  const removal = pemSteps(target, location, own);
  if ('obstacle' in removal) return manual(removal.obstacle, true);
  const block = blockStep(target, ownDirectory, certificatesOf(refuse ? anchors : packaged));
  return planOf(target, [...removal.steps, block, ...(afterwards ? [afterwards] : [])], {
    elevated: true,
    notes: [
      packaged.length > 0
        ? 'The certificate comes from a package; it is distrusted, which stays so when the package is updated.'
        : undefined,
      scanAgain(removal, anchors),
    ],
    byHand: removal.byHand,
  });
}

/** A file for each of them on the block list. */
function blockStep(target: Target, ownDirectory: string, certificates: readonly Certificate[]): Step {
  if (certificates.length === 0) return { commands: [], undo: [], actions: [] };
  const isOld = !exists(target, `${ownDirectory}/blocklist`) && exists(target, `${ownDirectory}/blacklist`);
  const name = isOld ? 'blacklist' : 'blocklist';
  const own = `${ownDirectory}/${name}`;
  const directory = exists(target, own)
    ? realPathOr(target, own)
    : `${realPathOr(target, ownDirectory)}/${name}`;
  const host = target.hostPath(directory);
  const blocked = certificates.map((certificate) => {
    const file = `rootaudit-${certificate.sha256.slice(0, 16)}.pem`;
    const action = writeAction(target, `${directory}/${file}`, pemBytes(certificate), 0o644);
    const words = pemLines(certificate).map(quoteSh).join(' ');
    return { action, words, file: `${host}/${file}` };
  });
  const actions = blocked.map(({ action }) => action);
  if (!canQuoteSh(host)) return { commands: undefined, undo: [], actions };
  return {
    commands: [
      `mkdir -p ${quoteSh(host)}`,
      ...blocked.flatMap(({ words, file }) => [
        String.raw`printf '%s\n' ` + `${words} > ${quoteSh(file)}`,
        `chmod 644 ${quoteSh(file)}`,
      ]),
    ],
    undo: blocked.map(({ file }) => `rm ${quoteSh(file)}`),
    actions,
  };
}
