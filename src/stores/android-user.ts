/**
 * Roots that people or device policies added on Android, and system roots that people switched off, for each Android
 * user. Apps for Android 7 or later heed added roots only when they say so; Chrome always does.
 */

import { posix } from 'node:path';
import type { Certificate } from '../core/certificate.ts';
import type { Action, Remediation } from '../core/remediation.ts';
import { quoteSh } from '../core/shell.ts';
import type { StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { distrustedForAll, heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import { readAndroidDirectory, UNFOUND_WORDS, type Unfound } from './shared/android-directory.ts';
import { ADDED, androidUsers, REMOVED } from './shared/android-places.ts';
import { backupPath } from './shared/backup.ts';
import { exists, realPathOr } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { scannedFile } from './shared/scanned-file.ts';
import { changeStep, planOf, type Step } from './shared/steps.ts';

const SETTINGS =
  'On the device: Settings > Security > Encryption & credentials > Trusted credentials > User. ' +
  'What a device policy added comes back: remove it there.';

export const store: StoreType = {
  id: 'android-user',
  title: 'Roots added, and system roots switched off, by each user of an Android device',
  platforms: ['android'],
  locate,
  read: (target, { path }) =>
    readAndroidDirectory(target, path, path.endsWith(ADDED) ? addedTrust : removedTrust),
  planRemoval,
};

function locate(target: Target): StoreLocation[] {
  const { users, unlisted } = androidUsers(target);
  const at = (path: string, user: string, what: string): StoreLocation => ({
    path,
    application: `Android, user ${user}: ${what}`,
    scope: 'user',
    format: 'Android certificate directory',
    user,
  });
  const found = users.flatMap(({ id = '0', directory }) => [
    at(`${directory}/${ADDED}`, id, 'added roots'),
    at(`${directory}/${REMOVED}`, id, 'roots switched off'),
  ]);
  // Reading them tells that they may not be listed.
  const refused = unlisted.map((path) => at(path, 'unknown', 'further users'));
  return [...found.filter(({ path }) => exists(target, path)), ...refused];
}

/** Chrome (from version 115) takes every file of the directory, whatever its name; Conscrypt looks by name. */
function addedTrust(_: Certificate, unfound: Unfound): Trust {
  const who = 'added by the user: browsers, and apps that accept such roots';
  return trustedForAll(
    unfound === undefined ? who : `${who}; apps do not find it: ${UNFOUND_WORDS[unfound]}`,
  );
}

function removedTrust(_: Certificate, unfound: Unfound): Trust {
  return unfound === undefined
    ? distrustedForAll('switched off by the user')
    : heldOnly(`switched off without effect: ${UNFOUND_WORDS[unfound]}`);
}

/**
 * On a mounted data partition the file is emptied, as Android itself does to keep the numbers of its neighbours; owner,
 * permissions and security label stay, and the undo fills it again.
 */
function planRemoval(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const files = [...new Set(anchors.map(({ path }) => realPathOr(target, path)))];
  const alone = anchors.every(({ lines }) => (lines?.certificatesInFile ?? 1) === 1);
  if (target.kind !== 'directory' || !alone) {
    const names = files.map((path) => posix.basename(path)).join(', ');
    return manualRemediation(
      location,
      `${SETTINGS} With root rights, delete ${names} in ${location.path} and restart.`,
    );
  }
  const steps = files.map((file) => emptyStep(target, location, file));
  const byHand = `Empty ${files.join(', ')}.`;
  return planOf(target, steps, { elevated: true, notes: [SETTINGS], byHand });
}

function emptyStep(target: Target, location: StoreLocation, file: string): Step {
  const { sha256, size } = scannedFile(target, file);
  const actions: readonly Action[] = [{ kind: 'cut', path: file, sha256, ranges: [{ start: 0, end: size }] }];
  const step = changeStep(target, location, file, actions, (path) => `: > ${path}`);
  const copy = quoteSh(backupPath(target, location, file).file);
  // The file itself stays, with its security label.
  return step.commands ? { ...step, undo: [`cat ${copy} > ${quoteSh(target.hostPath(file))}`] } : step;
}
