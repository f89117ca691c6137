/** Targets whose contents come as a stream: what a store asks for in vain is fetched, and the audit done again. */

import type { Target } from '../core/target.ts';

/** What `audit` gives once nothing is missing that can be had. */
export async function untilFetched<Result>(
  target: Target,
  audit: () => Result | Promise<Result>,
): Promise<Result> {
  let result = await audit();
  while (await target.fetchMissing?.()) result = await audit();
  return result;
}
