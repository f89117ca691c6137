/** How each store loses its certificates: together where that can be, and by refusing those that cannot be removed. */

import { groupBy } from '../core/collections.ts';
import { planTogether, type PlannedTogether } from '../core/plan-together.ts';
import type { TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import type { StoreRemoval } from '../report/removal-plan.ts';
import { remediationFor, type Held } from './sources.ts';
import type { FoundStore } from './read-stores.ts';

type Method = 'remove' | 'distrust' | 'hand';
type Part = PlannedTogether & { readonly method: Method };

/** `held` is everything that has to go where it lies, of any store. */
export function planStores(
  held: readonly Held[],
  target: Target,
  distrust: boolean,
): readonly StoreRemoval[] {
  const byStore = groupBy(held, ({ store }) => store);
  return Array.from(byStore, ([store, hits]) => {
    const anchors = hits.map(({ anchor }) => anchor);
    const parts = fewest(partsOf(store, target, anchors, distrust), (some) =>
      remediationFor(store, target, some, distrust),
    );
    return parts.map((part, index) => storeRemoval(store, part, index));
  }).flat();
}

function partsOf(
  store: FoundStore,
  target: Target,
  anchors: readonly TrustAnchor[],
  distrust: boolean,
): readonly Part[] {
  const canRefuse = store.type.planDistrust !== undefined;
  const plan =
    (refuse: boolean) =>
    (some: readonly TrustAnchor[]): PlannedTogether['remediation'] =>
      remediationFor(store, target, some, refuse);
  const asked = distrust && canRefuse;
  const parts = withMethod(planTogether(plan(distrust), anchors), asked ? 'distrust' : 'remove');
  const left = parts.filter(({ method }) => method === 'hand');
  if (left.length === 0 || asked || !canRefuse) return parts;
  // What cannot be removed can perhaps be refused.
  const refusable = withMethod(
    planTogether(
      plan(true),
      left.flatMap((part) => part.anchors),
    ),
    'distrust',
  ).filter(({ method }) => method === 'distrust');
  if (refusable.length === 0) return parts;
  const refused = new Set(refusable.flatMap((part) => part.anchors));
  const byHand = left.flatMap((part) => {
    const rest = part.anchors.filter((anchor) => !refused.has(anchor));
    if (rest.length === 0 || rest.length === part.anchors.length) return rest.length === 0 ? [] : [part];
    return withMethod([{ anchors: rest, remediation: plan(false)(rest) }], 'remove');
  });
  return [...parts.filter(({ method }) => method !== 'hand'), ...refusable, ...byHand];
}

/** What a person has to do is said once where it is the same, or where it is all there is. */
function fewest(
  parts: readonly Part[],
  plan: (anchors: readonly TrustAnchor[]) => PlannedTogether['remediation'],
): readonly Part[] {
  const all = (some: readonly Part[]): readonly TrustAnchor[] => some.flatMap(({ anchors }) => anchors);
  const byHand = parts.filter(({ method }) => method === 'hand');
  if (byHand.length < 2) return parts;
  if (byHand.length === parts.length) {
    return [{ anchors: all(parts), remediation: plan(all(parts)), method: 'hand' }];
  }
  const groups = groupBy(byHand, ({ remediation: { note, commands } }) => `${note}\0${commands.join('\0')}`);
  const merged = Array.from(groups.values(), (group): Part[] =>
    group.slice(0, 1).map((part) => ({ ...part, anchors: all(group) })),
  );
  return [...parts.filter(({ method }) => method !== 'hand'), ...merged.flat()];
}

function withMethod(parts: readonly PlannedTogether[], method: Method): readonly Part[] {
  return parts.map((part) => {
    const { disposition, actions = [] } = part.remediation;
    return { ...part, method: disposition !== 'manual' && actions.length > 0 ? method : 'hand' };
  });
}

function storeRemoval(
  { id, type, location }: FoundStore,
  { anchors, remediation, method }: Part,
  index: number,
): StoreRemoval {
  const { disposition, shell, commands, undo, elevated, note, inUse, actions = [] } = remediation;
  return {
    id: index === 0 ? id : `${id} (${index + 1})`,
    store: id,
    type: type.id,
    application: location.application,
    scope: location.scope,
    ...(location.user !== undefined && { user: location.user }),
    path: location.path,
    certificates: [...new Set(anchors.map(({ certificate }) => certificate.sha256))],
    method,
    disposition,
    elevated,
    ...(note !== undefined && { note }),
    ...(inUse && { inUse }),
    shell,
    commands,
    undo,
    actions,
  };
}
