/** The steps of several stores as one list: nothing twice, and what makes copies anew once, at the end. */

import { sha256 } from '../core/certificate.ts';
import type { Action } from '../core/remediation.ts';
import type { PlannedStep } from '../report/removal-plan.ts';

export interface StoreActions {
  /** Unique: a store can have several plans. */
  readonly id: string;
  /** Id of the store. */
  readonly store: string;
  /** SHA-256 of those that go. */
  readonly certificates: readonly string[];
  readonly elevated: boolean;
  readonly actions: readonly Action[];
}

export interface Ordered {
  readonly steps: readonly PlannedStep[];
  /** Stores that change a file which an earlier one changes too, in another way: they were planned for what it holds now. */
  readonly later: ReadonlySet<string>;
}

type Run = Extract<Action, { kind: 'run' }>;

/** `stores` in their order. */
export function orderSteps(stores: readonly StoreActions[]): Ordered {
  const steps = new Map<string, PlannedStep>();
  const last = new Map<string, PlannedStep & { readonly action: Run }>();
  const later = new Set<string>();
  const ownerByFile = new Map<string, string>();
  for (const { id, store, certificates, elevated, actions } of stores) {
    const step = { stores: [store], certificates, elevated };
    const own = actions.slice(0, actions.length - trailingRuns(actions));
    const news = own.filter((action) => !steps.has(keyOf(action)));
    if (news.flatMap(filesOf).some((file) => (ownerByFile.get(file) ?? id) !== id)) {
      later.add(id);
      continue;
    }
    for (const file of news.flatMap(filesOf)) ownerByFile.set(file, id);
    for (const action of own) add(steps, { ...step, action });
    for (const action of actions.slice(own.length)) {
      if (action.kind === 'run') addRun(last, { ...step, action });
    }
  }
  return { steps: [...steps.values(), ...last.values()], later };
}

/** Commands at the end of a store's steps that only make copies anew: no copy is lost when they run later. */
function trailingRuns(actions: readonly Action[]): number {
  const before = actions.findLastIndex((action) => !isRegeneration(action));
  return actions.length - 1 - before;
}

function isRegeneration(action: Action): action is Run {
  return action.kind === 'run' && action.undo === undefined && action.changes.length > 0;
}

function add(steps: Map<string, PlannedStep>, step: PlannedStep): void {
  // A command that stands there twice is meant to run twice; a file cannot be changed twice in the same way.
  const key = step.action.kind === 'run' ? `${steps.size} run` : keyOf(step.action);
  const known = steps.get(key);
  steps.set(key, known ? merged(known, step) : step);
}

function addRun(
  runs: Map<string, PlannedStep & { readonly action: Run }>,
  step: PlannedStep & { readonly action: Run },
): void {
  const key = JSON.stringify(step.action.argv);
  const known = runs.get(key);
  if (!known) {
    runs.set(key, step);
    return;
  }
  const changes = [...new Set([...known.action.changes, ...step.action.changes])];
  runs.set(key, { ...merged(known, step), action: { ...known.action, changes } });
}

function merged(known: PlannedStep, { stores, certificates, elevated }: PlannedStep): PlannedStep {
  return {
    ...known,
    stores: [...new Set([...known.stores, ...stores])],
    certificates: [...new Set([...known.certificates, ...certificates])],
    elevated: known.elevated || elevated,
  };
}

function keyOf(action: Action): string {
  return JSON.stringify(action.kind === 'write' ? { ...action, content: sha256(action.content) } : action);
}

/** The files that an action changes by itself. */
export function filesOf(action: Action): readonly string[] {
  switch (action.kind) {
    case 'delete':
    case 'cut':
    case 'write':
      return [action.path];
    case 'edit':
      return action.files.map(({ path }) => path);
    case 'run':
      return [];
  }
}
