/** Doing a plan, reading every store again, and planning anew for what is left. */

import { objectionTo, verifyRemoval } from '../audit/check-removal.ts';
import type { PlannedRemoval } from '../audit/plan-removal.ts';
import type { Action } from '../core/remediation.ts';
import type { ReadOptions, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { Removal } from '../removal/apply.ts';
import type { Root } from '../removal/place.ts';
import type { Fault } from '../removal/snapshot.ts';
import { actionText } from '../render/removal-actions.ts';
import type { RemovalPlan, RemovalResult } from '../report/removal-plan.ts';

/**
 * A store that shares a file with another, or a copy that nothing makes anew, is planned for again when the rest is
 * done: as often as this, and only while it helps.
 */
const MAX_ROUNDS = 10;

export interface Planned extends PlannedRemoval {
  readonly target: Target;
}

export interface PlanRun {
  /** Host path of the directory of journals; it exists. */
  readonly base: string;
  readonly stores: readonly StoreType[];
  readonly read: ReadOptions;
  /** Name and version of the program. */
  readonly tool: string;
  readonly now: Date;
  /** The target, opened anew. */
  readonly open: () => Promise<Target>;
  /** A plan for these certificates on the target as it is now. */
  readonly planFor: (certificates: readonly string[]) => Promise<Planned>;
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly fault?: Fault;
}

export async function applyPlan(first: Planned, run: PlanRun): Promise<RemovalResult> {
  const certificates = first.plan.certificates.map(({ certificate }) => certificate.sha256);
  const removal = new Removal({ ...run, root: rootOf(first.target), certificates });
  const allSkipped = new Map<string, readonly string[]>();
  let planned = first;
  let left = Infinity;
  for (let round = 1; ; round++) {
    const { target, plan } = planned;
    const { steps, skipped } = await removal.perform(possibleSteps(plan).map(actionOf), (contents) =>
      objectionTo(planned, contents, target, run.read),
    );
    for (const argv of skipped) allSkipped.set(JSON.stringify(argv), argv);
    const seen = verifyRemoval(
      await run.open(),
      run.stores,
      run.read,
      first.plan.certificates,
      first.trusted,
    );
    const helps = seen.left.length > 0 && seen.left.length < left && steps > 0 && round < MAX_ROUNDS;
    const again = helps ? await run.planFor(certificates) : undefined;
    if (!again || possibleSteps(again.plan).length === 0) {
      const verified = seen.left.length === 0 && seen.problems.length === 0;
      removal.end(verified);
      const needRoot = stepsForRoot(again?.plan ?? plan).map((step) => actionText(step.action));
      const skipped = [...allSkipped.values()];
      return { ...seen, done: removal.done, skipped, needRoot, verified, journal: removal.journal ?? null };
    }
    left = seen.left.length;
    planned = again;
  }
}

export function rootOf(target: Target): Root {
  if (target.kind === 'live') return { host: '', drives: target.platform === 'win32' };
  return { host: target.hostPath('/').replace(/\/+$/, ''), drives: false };
}

/** Root is asked for on a running system only: in a mounted one, permissions decide. */
export function stepsForRoot({ target, steps }: RemovalPlan): RemovalPlan['steps'] {
  const isRoot = process.getuid === undefined || process.getuid() === 0;
  return target.kind === 'live' && !isRoot ? steps.filter(({ elevated }) => elevated) : [];
}

/** What whoever runs this can do. */
export function possibleSteps(plan: RemovalPlan): RemovalPlan['steps'] {
  const forRoot = new Set(stepsForRoot(plan));
  return plan.steps.filter((step) => !forRoot.has(step));
}

function actionOf({ action }: RemovalPlan['steps'][number]): Action {
  return action;
}
