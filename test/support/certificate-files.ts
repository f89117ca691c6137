/** What the store types of certificate files find in a root, and what their removals do to it. */

import { existsSync, readFileSync } from 'node:fs';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreType } from '../../src/core/store.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import type { TestCertificate } from './certificates.ts';
import { runCommands, type TestRoot } from './root.ts';

const OPTIONS = { storePasswords: [] };

/** "python /usr/lib/…/cacert.pem: listed (trusted)", one per certificate; "… ! malformed" for a problem. */
export function foundIn(stores: readonly StoreType[], { target }: TestRoot): string[] {
  return stores.flatMap((store) =>
    store.locate(target).flatMap((location) => {
      const { anchors, problems } = readWhole(store, target, location, OPTIONS);
      const at = `${store.id} ${location.path}`;
      return [
        ...anchors.map(({ trust }) => `${at}: ${trust.expressed} (${trustStatus(trust)})`),
        ...problems.map(({ code }) => `${at} ! ${code}`),
      ];
    }),
  );
}

/** How many times the certificate is found. */
export function countOf(
  stores: readonly StoreType[],
  { target }: TestRoot,
  { sha256 }: TestCertificate,
): number {
  return stores
    .flatMap((store) =>
      store.locate(target).flatMap((location) => readWhole(store, target, location, OPTIONS).anchors),
    )
    .filter(({ certificate }) => certificate.sha256 === sha256).length;
}

/** The plan for this certificate at the first place that holds it. */
export function planFor(
  stores: readonly StoreType[],
  { target }: TestRoot,
  { sha256 }: TestCertificate,
): Remediation {
  // A scan too finds every place first.
  const places = stores.flatMap((store) => store.locate(target).map((location) => ({ store, location })));
  for (const { store, location } of places) {
    const { anchors } = readWhole(store, target, location, OPTIONS);
    const held = anchors.filter(({ certificate }) => certificate.sha256 === sha256);
    if (held.length > 0) return store.planRemoval(target, location, held);
  }
  throw new Error('the certificate is in no store');
}

export interface Outcome {
  readonly disposition: Remediation['disposition'];
  readonly note: string | undefined;
  /** The file after the removal; undefined when it is gone. */
  readonly after: string | undefined;
  /** The undo gave it back byte for byte. */
  readonly restored: boolean;
}

/** Runs the plan and its undo, and looks at `file` in between. */
export function removeAndUndo(
  stores: readonly StoreType[],
  root: TestRoot,
  certificate: TestCertificate,
  file: string,
): Outcome {
  const path = root.at(file);
  const before = readFileSync(path);
  const { commands, undo, disposition, note } = planFor(stores, root, certificate);
  runCommands(commands);
  const after = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  runCommands(undo);
  return { disposition, note, after, restored: readFileSync(path).equals(before) };
}
