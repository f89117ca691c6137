/** What a whole machine refuses: its three Disallowed stores, and the list that Windows fetches from Microsoft. */

import type { ReadFs, Target } from '../../core/target.ts';
import { findKey, findValue } from '../../formats/registry.ts';
import { parseStl } from '../../formats/stl.ts';
import { orUndefined } from './java-homes.ts';
import { addDisallowed } from './windows-certificates.ts';
import { isWine, machineBase } from './windows-places.ts';
import { Refusals } from './windows-refusals.ts';
import { openKey } from './windows-registry.ts';

/** `SystemCertificates` keys of the machine, and the name of what they refuse with. */
const PLACES: readonly (readonly [string, string])[] = [
  ['Microsoft\\SystemCertificates', 'Disallowed'],
  ['Policies\\Microsoft\\SystemCertificates', 'Disallowed (group policy)'],
  ['Microsoft\\EnterpriseCertificates', 'Disallowed (enterprise)'],
];

const known = new WeakMap<ReadFs, Refusals>();

/** Read once for each target. What cannot be read is told by the stores whose keys these are. */
export function machineRefusals(target: Target): Refusals {
  const before = known.get(target.fs);
  if (before) return before;
  const refusals = new Refusals();
  known.set(target.fs, refusals);
  const base = machineBase(target);
  if (base === undefined || isWine(target)) return refusals;
  for (const [path, name] of PLACES) {
    const key = orUndefined(() => openKey(target, `${base}\\${path}`).key);
    addDisallowed(refusals, key, name);
    const list = findValue(findKey(key, 'AuthRoot\\AutoUpdate'), 'DisallowedCertEncodedCtl');
    if (list) refusals.addList(parseStl(list.data), "Microsoft's list of disallowed certificates");
  }
  return refusals;
}
