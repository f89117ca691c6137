/** Doing a plan, reading every store again, and planning anew for what is left. */

import { objectionTo, verifyRemoval, type Objection } from '../audit/check-removal.ts';
import { orderSteps } from '../audit/order-steps.ts';
import type { PlannedRemoval } from '../audit/plan-removal.ts';
import { RootauditError } from '../core/errors.ts';
import type { Action } from '../core/remediation.ts';
import type { ReadOptions, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { ActionRefused, Removal, type Performed } from '../removal/apply.ts';
import type { Root } from '../removal/place.ts';
import type { Fault } from '../removal/snapshot.ts';
import { actionText } from '../render/removal-actions.ts';
import type { FailedStore, RemovalPlan, RemovalResult, StoreRemoval } from '../report/removal-plan.ts';
import { possibleSteps, stepsForRoot } from './who-may.ts';

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
  const all = { skipped: new Map<string, readonly string[]>(), failed: new Map<string, FailedStore>() };
  let planned = first;
  let left = Infinity;
  for (let round = 1; ; round++) {
    const { steps, skipped, failed } = await performWhatCanBeDone(planned, removal, run);
    for (const argv of skipped) all.skipped.set(JSON.stringify(argv), argv);
    for (const each of failed) all.failed.set(each.store, each);
    const target = await run.open();
    const seen = verifyRemoval(target, run.stores, run.read, first.plan.certificates, first.trusted);
    const helps = seen.left.length > 0 && seen.left.length < left && steps > 0 && round < MAX_ROUNDS;
    const again = helps ? without(await run.planFor(certificates), all.failed) : undefined;
    if (!again || possibleSteps(again).length === 0) {
      const verified = seen.left.length === 0 && seen.problems.length === 0;
      removal.end(verified);
      return {
        ...seen,
        done: removal.done,
        skipped: [...all.skipped.values()],
        failed: [...all.failed.values()],
        needRoot: stepsForRoot(again ?? planned).map(({ action }) => actionText(action)),
        verified,
        journal: removal.journal ?? null,
      };
    }
    left = seen.left.length;
    planned = again;
  }
}

interface Round extends Performed {
  readonly failed: readonly FailedStore[];
}

/** A store whose steps turn out to be impossible does not keep the others. Throws when nothing at all can be done. */
async function performWhatCanBeDone(first: Planned, removal: Removal, { read }: PlanRun): Promise<Round> {
  const failed: FailedStore[] = [];
  for (let planned = first; ;) {
    const { plan, target } = planned;
    const actions = possibleSteps(planned).map(({ action }) => action);
    try {
      const performed = await removal.perform(actions, (contents) => {
        const objection = objectionTo(planned, contents, target, read);
        return objection && new Objected(objection);
      });
      return { ...performed, failed };
    } catch (error) {
      const impossible = impossibleIn(plan, error);
      failed.push(...impossible.map((each) => failureOf(each, error)));
      planned = without(planned, new Map(failed.map((each) => [each.store, each])));
      if (impossible.length === 0) throw error;
      if (possibleSteps(planned).length > 0) continue;
      if (removal.journal === undefined) throw nothingCanBeDone(error, failed);
      return { steps: 0, skipped: [], failed };
    }
  }
}

/** With the reasons of all, where there are several. */
function nothingCanBeDone(error: unknown, failed: readonly FailedStore[]): unknown {
  if (failed.length < 2 || !(error instanceof RootauditError)) return error;
  const details = failed.map(({ application, path, reason }) => `  ${application} (${path}): ${reason}`);
  return new RootauditError('none of the stores can be changed', undefined, { details, cause: error });
}

class Objected extends RootauditError {
  readonly removals: readonly string[];
  constructor({ message, removals }: Objection) {
    super(message);
    this.removals = removals;
  }
}

function impossibleIn({ stores }: RemovalPlan, error: unknown): readonly StoreRemoval[] {
  if (error instanceof Objected) return stores.filter(({ id }) => error.removals.includes(id));
  if (!(error instanceof ActionRefused)) return [];
  return stores.filter(({ actions }) => actions.some((action) => isSameStep(action, error.action)));
}

/** Commands that make copies anew may change more places than the store's own plan says. */
function isSameStep(a: Action, b: Action): boolean {
  if (a.kind === 'run' && b.kind === 'run') return JSON.stringify(a.argv) === JSON.stringify(b.argv);
  return JSON.stringify(a) === JSON.stringify(b);
}

function failureOf({ store, application, path }: StoreRemoval, error: unknown): FailedStore {
  const { message, hint } = error instanceof RootauditError ? error : new RootauditError(String(error));
  return { store, application, path, reason: hint === undefined ? message : `${message}. ${hint}` };
}

/** The same plan for all other stores. */
function without(planned: Planned, failed: ReadonlyMap<string, FailedStore>): Planned {
  const isLeft = ({ store, method }: StoreRemoval): boolean =>
    !failed.has(store) && (method === 'remove' || method === 'distrust');
  const { steps } = orderSteps(planned.plan.stores.filter(isLeft));
  return { ...planned, plan: { ...planned.plan, steps } };
}

export function rootOf(target: Target): Root {
  if (target.kind === 'live') return { host: '', drives: target.platform === 'win32' };
  return { host: target.hostPath('/').replace(/\/+$/, ''), drives: false };
}
