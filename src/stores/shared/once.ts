/** What is asked of a target several times in a scan, but does not change in it. */

import type { Target } from '../../core/target.ts';

/** `compute`, run once for each target. */
export function oncePerTarget<Value>(compute: (target: Target) => Value): (target: Target) => Value {
  const known = new WeakMap<Target, { readonly value: Value }>();
  return (target) => {
    const found = known.get(target) ?? { value: compute(target) };
    known.set(target, found);
    return found.value;
  };
}
