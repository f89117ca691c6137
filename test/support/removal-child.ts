/**
 * A removal, or an undo, in a process of its own that kills itself at a numbered point: an entry of its own, so that the
 * command has nothing of it. Prints the names of the points that it came by.
 */

import { applyPlan, type Planned } from '../../src/cli/apply-plan.ts';
import { planRemoval } from '../../src/audit/plan-removal.ts';
import { openBlocklist } from '../../src/blocklist/load.ts';
import { createMatcher } from '../../src/match/matcher.ts';
import { Removal } from '../../src/removal/apply.ts';
import { cleanUpAfterOthers } from '../../src/removal/leftovers.ts';
import { undo } from '../../src/removal/undo.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import type { Action } from '../../src/core/remediation.ts';

export interface Order {
  readonly root: string;
  readonly base: string;
  /** Counted from 1; none to come to the end. */
  readonly killAt?: number;
  /** What is to be done: an undo of a journal, a removal by a blocklist, or actions as they are. */
  readonly undo?: string;
  readonly blocklist?: string;
  readonly actions?: readonly Action[];
}

const points: string[] = [];

async function main({ root, base, killAt, ...work }: Order): Promise<void> {
  const fault = (point: string): void => {
    points.push(point);
    if (points.length === killAt) process.kill(process.pid, 'SIGKILL');
  };
  const now = new Date();
  if (work.undo !== undefined) {
    await undo({ directory: work.undo, now, force: false, fault });
  } else if (work.actions) {
    const here = { host: root, drives: false };
    cleanUpAfterOthers(base, here);
    const removal = new Removal({ root: here, base, certificates: [], tool: 'test', now, fault });
    await removal.perform(work.actions, () => undefined);
    removal.end(true);
  } else {
    cleanUpAfterOthers(base, { host: root, drives: false });
    const read = { storePasswords: [] };
    const planFor = (targets: readonly string[]): Planned => plan(root, work.blocklist ?? '', targets);
    const { verified, left } = await applyPlan(planFor([]), {
      base,
      stores: STORE_TYPES,
      read,
      tool: 'test',
      now,
      open: () => Promise.resolve(openDirectory(root)),
      planFor: (targets) => Promise.resolve(planFor(targets)),
      fault,
    });
    if (!verified) throw new Error(`not verified: ${JSON.stringify(left)}`);
  }
}

function plan(root: string, directory: string, targets: readonly string[]): Planned {
  const target = openDirectory(root);
  const blocklist = openBlocklist(directory);
  const planned = planRemoval({
    target,
    stores: STORE_TYPES,
    matcher: createMatcher(blocklist.compiled, {
      unverifiedNames: false,
      blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
    }),
    blocklist: { version: '', digest: '' },
    advisoryIds: blocklist.advisoryIds(),
    tool: { name: 'test', version: '0' },
    read: { storePasswords: [] },
    choice: { targets, severity: 'medium', removeShipped: false, suspected: false },
    distrust: false,
  });
  return { ...planned, target };
}

/** Bytes come as base64. */
function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('base64' in value)) return value;
  return Buffer.from(String(value.base64), 'base64');
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- from the test that starts this
const order = JSON.parse(process.argv[2] ?? '{}', revive) as Order;
main(order).then(
  () => process.stdout.write(JSON.stringify(points)),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 2;
  },
);
