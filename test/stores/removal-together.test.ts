import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { planTogether } from '../../src/core/plan-together.ts';
import { manual, type Remediation } from '../../src/core/remediation.ts';
import type { TrustAnchor } from '../../src/core/store.ts';
import { certificateFrom } from '../../src/core/certificate.ts';
import type { Target } from '../../src/core/target.ts';
import { trustedForAll, trustStatus } from '../../src/core/trust.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { contentsOf, performActions } from '../support/actions.ts';
import type { TestCertificate } from '../support/certificates.ts';
import { a, b, REMOVAL_CASES, stays } from '../support/removal-cases.ts';
import { makeRoot, runCommands, type TestRoot } from '../support/root.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const OPTIONS = { storePasswords: [] };

/** What the store trusts. */
function heldIn(target: Target, id: string): string[] {
  return STORE_TYPES.filter((type) => type.id === id).flatMap((type) =>
    type.locate(target).flatMap((location) =>
      readWhole(type, target, location, OPTIONS)
        .anchors.filter(({ trust }) => trustStatus(trust) === 'trusted')
        .map(({ certificate }) => certificate.sha256),
    ),
  );
}

/** Plans at every place of the store that trusts one of them. */
function plansFor(target: Target, id: string, going: readonly TestCertificate[]): Remediation[] {
  const wanted = new Set<string>(going.map(({ sha256 }) => sha256));
  const places = STORE_TYPES.flatMap((type) => type.locate(target).map((location) => ({ type, location })));
  return places
    .filter(({ type }) => type.id === id)
    .flatMap(({ type, location }) => {
      const held = readWhole(type, target, location, OPTIONS).anchors.filter(
        ({ certificate, trust }) => wanted.has(certificate.sha256) && trustStatus(trust) === 'trusted',
      );
      return held.length > 0 ? [type.planRemoval(target, location, held)] : [];
    });
}

function copyOf(root: TestRoot): TestRoot {
  const path = makeTemporaryDirectory();
  execFileSync('cp', ['-a', `${root.path}/.`, path]);
  return {
    path,
    at: (inside) => `${path}${inside}`,
    get target() {
      return openDirectory(path);
    },
  };
}

describe.each(REMOVAL_CASES)(
  'several certificates of $store',
  ({ store, files, prepare, after = {}, needs = true, byTool }) => {
    const made = (): TestRoot => {
      const root = makeRoot(files());
      prepare?.(root);
      return root;
    };

    it.skipIf(!needs)('go with one plan, as commands and as data, and the undo brings them back', () => {
      const root = made();
      const before = contentsOf(root.path);
      const held = heldIn(root.target, store);
      const copy = copyOf(root);

      const plans = plansFor(root.target, store, [a, b]);
      expect(plans.every(({ commands }) => commands.length > 0)).toBe(true);
      const left = plans.flatMap(({ commands }) => runCommands(commands));
      const skipped = plansFor(copy.target, store, [a, b]).flatMap(({ actions = [] }) =>
        performActions(copy, actions),
      );
      expect(skipped.map((line) => line.replace(copy.path, root.path))).toEqual(left);

      const others = held.filter((sha256) => sha256 !== a.sha256 && sha256 !== b.sha256);
      expect(others.length).toBeLessThan(held.length);
      expect([heldIn(root.target, store), heldIn(copy.target, store)]).toEqual([others, others]);
      if (!byTool) expect(contentsOf(copy.path)).toEqual(contentsOf(root.path));
      const now = contentsOf(root.path);
      for (const [path, content] of Object.entries(after)) expect(now.get(path)).toBe(content);

      for (const { undo } of plans) runCommands(undo);
      expect(contentsOf(root.path)).toEqual(before);
    });

    it.skipIf(!needs)('ask for no other scan in between', () => {
      for (const plan of plansFor(made().target, store, [a, b]))
        expect(plan.note ?? '').not.toContain('Scan again');
    });

    it.skipIf(!needs)('leave an image without copies of what it had', () => {
      const root = made();
      const held = heldIn(root.target, store);
      // On an image the commands run inside; here it is the root itself.
      const image: Target = { ...root.target, kind: 'image' };
      const plans = plansFor(image, store, [a, b]);
      for (const { commands, undo, actions, disposition } of plans) {
        expect([undo, commands.filter((line) => line.startsWith('chroot '))]).toEqual([[], []]);
        if (disposition !== 'manual') expect(actions).not.toEqual([]);
        runCommands(commands.filter((line) => !line.startsWith('update-ca')));
      }
      if (plans.every(({ commands }) => commands.length > 0)) {
        expect(heldIn(root.target, store)).not.toEqual(held);
      }
      const files = execFileSync('find', [root.path, '-path', '*rootaudit/*', '-type', 'f'], {
        encoding: 'utf8',
      });
      expect(files).toBe('');
    });
  },
);

describe('certificates of one store that not all can go at once', () => {
  const anchorOf = ({ der }: TestCertificate): TrustAnchor => ({
    certificate: certificateFrom(der),
    entry: '',
    path: '/x',
    trust: trustedForAll('listed'),
  });
  const done = (names: readonly string[]): Remediation => ({
    ...manual('', false),
    disposition: 'safe',
    actions: names.map((path) => ({ kind: 'delete', path, sha256: '' })),
  });
  const byHand = (hands: readonly TestCertificate[]) => (anchors: readonly TrustAnchor[]) => {
    const names = anchors.map(({ certificate }) => certificate.sha256);
    return names.some((name) => hands.some(({ sha256 }) => sha256 === name))
      ? manual('by hand', false)
      : done(names);
  };
  const outline = (hands: readonly TestCertificate[], ...going: readonly TestCertificate[]): string[] =>
    planTogether(byHand(hands), going.map(anchorOf)).map(
      ({ anchors, remediation }) => `${anchors.length} ${remediation.disposition}`,
    );

  it.each([
    ['all can', [], [a, b, stays], ['3 safe']],
    ['one cannot', [b], [a, b, stays], ['2 safe', '1 manual']],
    ['only one can', [b, stays], [a, b, stays], ['1 safe', '1 manual', '1 manual']],
    ['none can', [a, b], [a, b], ['1 manual', '1 manual']],
    ['the only one cannot', [a], [a], ['1 manual']],
    ['one is held twice', [], [a, a], ['2 safe']],
  ])('are planned together as far as they can: %s', (_, hands, going, expected) => {
    expect(outline(hands, ...going)).toEqual(expected);
  });

  it('are planned one by one where only that works', () => {
    const plan = (anchors: readonly TrustAnchor[]): Remediation =>
      anchors.length > 1 ? manual('one at a time', false) : done(['/x']);
    const planned = planTogether(plan, [a, b].map(anchorOf));
    expect(planned.map(({ remediation }) => remediation.disposition)).toEqual(['safe', 'safe']);
  });
});
