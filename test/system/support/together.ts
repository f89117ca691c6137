/** Several certificates of one store with one plan: by the printed commands, and by the actions. */

import { expect } from 'vitest';
import type { Action, Remediation } from '../../../src/core/remediation.ts';
import { planTogether } from '../../../src/core/plan-together.ts';
import { trustStatus } from '../../../src/core/trust.ts';
import { STORE_TYPES } from '../../../src/stores/index.ts';
import { readWhole } from '../../../src/stores/shared/content.ts';
import { openDirectory } from '../../../src/targets/directory.ts';
import { performActions } from '../../support/actions.ts';
import type { TestCertificate } from '../../support/certificates.ts';
import { copyRoot } from './chroot.ts';
import { snapshot } from './snapshot.ts';
import { run, runScript } from './tools.ts';

/** The one plan of a store for all that it trusts of `certificates`. */
function planFor(root: string, id: string, certificates: readonly TestCertificate[]): Remediation {
  const target = openDirectory(root);
  const wanted = new Set<string>(certificates.map(({ sha256 }) => sha256));
  // A scan too finds every place first.
  const places = STORE_TYPES.flatMap((type) => type.locate(target).map((location) => ({ type, location })));
  const plans = places
    .filter(({ type, location }) => `${type.id}:${location.path}` === id)
    .flatMap(({ type, location }) => {
      const { anchors } = readWhole(type, target, location, { storePasswords: [] });
      const held = anchors.filter(
        ({ certificate, trust }) => wanted.has(certificate.sha256) && trustStatus(trust) === 'trusted',
      );
      return planTogether((some) => type.planRemoval(target, location, some), held);
    });
  const [plan] = plans;
  expect(plans).toHaveLength(1);
  if (!plan) throw new Error(`${id} trusts none of them`);
  return plan.remediation;
}

interface Together {
  readonly root: string;
  readonly store: string;
  readonly certificates: readonly TestCertificate[];
  /** Lines with SHA-256 of everything that a real tool trusts. */
  readonly trusted: (root: string) => readonly string[];
  /** A tool of ours changes these, which no action has to name: "/tmp". */
  readonly scratch?: readonly string[];
}

/** All of them go and nothing else; what changes, the actions have named; the undo brings everything back. */
export function expectGoneTogether({ root, store, certificates, trusted, scratch = [] }: Together): void {
  const copy = copyRoot(root);
  const state = (path: string): string[] => trusted(path).toSorted();
  const before = state(root);
  const others = before.filter((line) => !certificates.some(({ sha256 }) => line.includes(sha256)));
  expect(others.length).toBeLessThan(before.length);

  const { commands, undo } = planFor(root, store, certificates);
  runScript(commands);
  expect(state(root)).toEqual(others);
  runScript(undo);
  expect(state(root)).toEqual(before);

  const files = snapshot(copy, ['/'], { withTimes: false });
  const { actions = [] } = planFor(copy, store, certificates);
  for (const action of actions) {
    performActions({ at: (path) => `${copy}${path}` }, [action]);
    if (action.kind === 'run') run(action.argv[0] ?? '', action.argv.slice(1));
  }
  expect(state(copy)).toEqual(others);
  const named = [...actions.flatMap(placesOf), ...scratch];
  const changed = changesBetween(files, snapshot(copy, ['/'], { withTimes: false }));
  expect(changed.filter((path) => !named.some((place) => `${path}/`.startsWith(`${place}/`)))).toEqual([]);
}

function placesOf(action: Action): readonly string[] {
  if (action.kind === 'run') return action.changes;
  return action.kind === 'edit' ? action.files.map(({ path }) => path) : [action.path];
}

/** Files that are new, gone or different; directories only lead to them. */
function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths]
    .filter((path) => before.get(path) !== after.get(path))
    .filter((path) => !(after.get(path) ?? before.get(path) ?? '').startsWith('directory'))
    .map((path) => path.replace(/^\/+/, '/'));
}
