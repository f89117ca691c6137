/** What is asked of a target several times in a scan, but does not change in it. */

import type { ReadFs, Target } from '../../core/target.ts';

/** `compute`, run once for each target; anew where an image has fetched more, which gives it another file system. */
export function oncePerTarget<Value>(compute: (target: Target) => Value): (target: Target) => Value {
  const known = new WeakMap<Target, { readonly fs: ReadFs; readonly value: Value }>();
  return (target) => {
    const last = known.get(target);
    const { fs } = target;
    const found = last?.fs === fs ? last : { fs, value: compute(target) };
    known.set(target, found);
    return found.value;
  };
}
