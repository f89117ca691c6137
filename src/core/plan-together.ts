/** Several certificates of one store at once: in one plan where that is possible. */

import { groupBy } from './collections.ts';
import type { Remediation } from './remediation.ts';
import type { TrustAnchor } from './store.ts';

export interface PlannedTogether {
  readonly anchors: readonly TrustAnchor[];
  readonly remediation: Remediation;
}

/**
 * One plan for all, but for those certificates that only a person can take out: these have plans of their own, so that
 * they do not keep the others. `plan` is the store type's planRemoval or planDistrust for one location.
 */
export function planTogether(
  plan: (anchors: readonly TrustAnchor[]) => Remediation,
  anchors: readonly TrustAnchor[],
): readonly PlannedTogether[] {
  const planned = (some: readonly TrustAnchor[]): PlannedTogether => ({
    anchors: some,
    remediation: plan(some),
  });
  const all = planned(anchors);
  if (canBeDone(all)) return [all];
  const groups = [...groupBy(anchors, ({ certificate }) => certificate.sha256).values()];
  if (groups.length < 2) return [all];
  const single = groups.map(planned);
  const able = single.filter(canBeDone);
  if (able.length < 2) return single;
  const together = planned(able.flatMap((each) => each.anchors));
  return canBeDone(together) ? [together, ...single.filter((each) => !canBeDone(each))] : single;
}

function canBeDone({ remediation: { actions = [] } }: PlannedTogether): boolean {
  return actions.length > 0;
}
