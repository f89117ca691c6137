/**
 * A store of every type in a root of its own: what goes is gone for whoever reads again, what cannot go stays as it is,
 * and after the undo the tree is the same in everything: content, mode, owner, time, attributes.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RemovalPlan, RemovalResult } from '../../src/report/removal-plan.ts';
import { PLANTS } from '../../src/selftest/plants.ts';
import type { Plant } from '../../src/selftest/plant.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { applyTo, planFor } from '../support/apply.ts';
import { makeRoot } from '../support/root.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { hasKeytool } from '../support/keystores.ts';
import { addToNss, hasCertutil, hasLegacyNss, makeNssDatabase, unless } from '../support/nss.ts';
import { copyOf, differences, fastDirectory, markFiles, treeAt, undoAll } from '../support/removal.ts';
import { a, b, hasSqlite, REMOVAL_CASES, stays } from '../support/removal-cases.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const fully = { withAttributes: true };

/** Types that only a person can take a certificate out of, where the system is not running. */
const BY_HAND = new Set([
  'apple-profiles',
  'chrome-root-store',
  'clear-linux',
  'clear-linux-bundle',
  'freebsd',
  'freebsd-bundle',
  'ios-truststore',
  'java-app: BCFKS',
  'java-app: BKS',
  'macos-admin',
  'macos-system-roots',
  'macos-user',
  'netbsd',
  'netbsd-bundle',
  'nixos',
  'solaris',
  'solaris-bundle',
  'uefi',
  'windows-enterprise',
  'windows-machine',
  'windows-on-demand',
  'windows-policy',
  'windows-service',
  'wine',
]);

/** Types whose plant is held, but trusted by nobody: nothing has to go. */
const TRUSTED_BY_NOBODY = new Set(['android-system', 'windows-user']);

const isIn = (names: ReadonlySet<string>, { store, form }: Plant): boolean =>
  names.has(store) || names.has(`${store}: ${form}`);

const planted = PLANTS.filter(({ deep, says }) => deep !== true && says === undefined);

const NSS = /^(.*)\/cert([89])\.db$/;

/** What a tool has to be there for; undefined for what needs none. */
function toolFor(plant: Plant): readonly [string, boolean] | undefined {
  if (isIn(BY_HAND, plant)) return undefined;
  const database = Object.keys(plant.files(bad)).find((path) => NSS.test(path));
  if (database !== undefined) {
    return database.endsWith('8.db') ? ['certutil with dbm', hasLegacyNss] : ['certutil', hasCertutil];
  }
  if (plant.store.startsWith('java-')) return ['keytool', hasKeytool];
  return /^chrome(?:-user|os)$/.test(plant.store) ? ['sqlite3', hasSqlite] : undefined;
}

/** The plant's files; the databases of NSS by its own tool, which takes no others. */
function rootOf(plant: Plant, certificate: TestCertificate): string {
  const root = fastDirectory();
  for (const [path, content] of Object.entries(plant.files(certificate))) {
    const full = join(root, path);
    const [, directory, version] = NSS.exec(path) ?? [];
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (directory !== undefined && toolFor(plant)?.[1] === true) {
      const type = version === '8' ? 'dbm' : 'sql';
      makeNssDatabase(join(root, directory), type);
      addToNss(join(root, directory), certificate, 'Planted', 'C,,', type);
    } else if (!path.endsWith('/')) writeFileSync(full, content);
  }
  markFiles(root);
  return root;
}

interface Outcome {
  readonly plan: RemovalPlan;
  readonly result: RemovalResult;
  /** What differs from before: after the removal, and after its undo. */
  readonly changed: readonly string[];
  readonly left: readonly string[];
}

async function removeAndUndo(root: string, targets: readonly string[], distrust = false): Promise<Outcome> {
  const base = fastDirectory();
  const before = treeAt(root, fully);
  const planned = planFor(root, targets, distrust);
  const result = await applyTo(root, base, planned);
  const changed = differences(before, treeAt(root, fully));
  await undoAll(base);
  const left = differences(before, treeAt(root, fully));
  rmSync(base, { recursive: true });
  return { plan: planned.plan, result, changed, left };
}

describe.skipIf(process.platform === 'win32')('a removal from', () => {
  it('every type of store is tried', () => {
    const tried = new Set(PLANTS.map(({ store }) => store));
    expect(STORE_TYPES.map(({ id }) => id).filter((id) => !tried.has(id))).toEqual([]);
  });

  for (const plant of planted) {
    const [tool = '', isThere = true] = toolFor(plant) ?? [];
    const name = `${plant.store} (${plant.form})`;
    const isByHand = isIn(BY_HAND, plant) || isIn(TRUSTED_BY_NOBODY, plant);

    it.skipIf(!isThere)(
      `${name} ${isByHand ? 'changes nothing, and says what to do' : 'is complete, and undone to the byte'}${unless(isThere, tool)}`,
      async () => {
        const original = rootOf(plant, bad);
        const canRefuse = STORE_TYPES.some((type) => type.id === plant.store && 'planDistrust' in type);
        for (const distrust of canRefuse ? [false, true] : [false]) {
          const root = copyOf(original);
          const { plan, result, changed, left } = await removeAndUndo(root, [bad.sha256], distrust);
          expect(left).toEqual([]);
          expect(plan.certificates).toHaveLength(isIn(TRUSTED_BY_NOBODY, plant) ? 0 : 1);
          if (isByHand) {
            expect([changed, plan.steps]).toEqual([[], []]);
            expect(plan.stores.map(({ method, note = '' }) => [method, note !== ''])).toEqual(
              plan.stores.map(() => ['hand', true]),
            );
          } else {
            expect(result).toMatchObject({ verified: true, left: [], alsoLost: [], problems: [] });
            expect(changed).not.toEqual([]);
          }
          rmSync(root, { recursive: true });
        }
      },
    );
  }
});

describe.skipIf(process.platform === 'win32')(
  'a removal of two certificates leaves what else there is in',
  () => {
    it.each(REMOVAL_CASES.map((each) => [each.store, each] as const))('%s', async (_store, each) => {
      if (each.needs === false) return;
      const made = makeRoot(each.files());
      each.prepare?.(made);
      const root = made.path;
      const trustsTheOther = (): boolean => planFor(root, [stays.sha256]).plan.certificates.length > 0;
      const hadIt = trustsTheOther();
      const { plan, result, changed, left } = await removeAndUndo(root, [a.sha256, b.sha256]);
      expect(left).toEqual([]);
      expect(plan.certificates).toHaveLength(2);
      expect(result).toMatchObject({ left: [], alsoLost: [] });
      expect(changed).not.toEqual([]);
      expect(trustsTheOther()).toBe(hadIt);
    });
  },
);
