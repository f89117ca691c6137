import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { PURPOSES } from '../../src/core/trust.ts';
import { compareAudits, hasChanges, type Drift, type DriftChange } from '../../src/report/drift.ts';
import type { CertificateSummary, Location } from '../../src/report/report.ts';
import { parseSaved, type SavedInventory, type SavedReport } from '../../src/report/saved.ts';
import { certificate, finding, place, reportOf, store } from '../support/report.ts';
import { PROJECT } from '../support/rootaudit.ts';

const a = certificate('a');
const b = certificate('b');
const TOOL = { name: 'rootaudit', version: '0' };

type Entry = readonly [CertificateSummary, Partial<Location>?];

/** Stores by id with what is in them. */
function inventory(stores: Readonly<Record<string, readonly Entry[]>>): SavedInventory {
  const file = parseSaved(
    JSON.stringify({
      ...reportOf({}),
      findings: undefined,
      stores: Object.entries(stores).map(([id, entries]) => ({
        ...store(id),
        entries: entries.map(([of, more]) => ({
          ...place(id, `${store(id).path}/f`, { purposes: PURPOSES, ...more }),
          certificate: of,
        })),
      })),
    }),
    'x',
  );
  if (file.is !== 'inventory') throw new Error('an inventory expected');
  return file.inventory;
}

function drift(before: SavedReport | SavedInventory, after: SavedReport | SavedInventory): Drift {
  return compareAudits(TOOL, { name: 'old', saved: before }, { name: 'new', saved: after });
}

/** "+a s:/1 absent→trusted" */
function outline({
  becameTrusted,
  stoppedBeingTrusted,
  changedTrust,
  appearedStores,
  vanishedStores,
}: Drift): string[] {
  const lines = (sign: string, changes: readonly DriftChange[]): string[] =>
    changes.flatMap(({ certificate: of, everywhere, places }) =>
      places.map(
        (each) =>
          `${sign}${everywhere ? '!' : ''}${of.sha256[0]} ${each.store} ${each.before.trust}→${each.after.trust}`,
      ),
    );
  return [
    ...lines('+', becameTrusted),
    ...lines('-', stoppedBeingTrusted),
    ...lines('~', changedTrust),
    ...appearedStores.map(({ id }) => `+store ${id}`),
    ...vanishedStores.map(({ id }) => `-store ${id}`),
  ];
}

const PRESENT = { trust: 'present', purposes: [] } as const;
const REFUSED = { trust: 'mitigated', purposes: [] } as const;

describe('drift', () => {
  it.each([
    ['nothing', { 's:/1': [[a]] }, { 's:/1': [[a]] }, []],
    ['a new root', { 's:/1': [[a]] }, { 's:/1': [[a], [b]] }, ['+!b s:/1 absent→trusted']],
    ['a root that is gone', { 's:/1': [[a], [b]] }, { 's:/1': [[a]] }, ['-!b s:/1 trusted→absent']],
    [
      'a root that another store trusts already',
      { 's:/1': [[a]], 's:/2': [] },
      { 's:/1': [[a]], 's:/2': [[a]] },
      ['+a s:/2 absent→trusted'],
    ],
    [
      'a root that another store trusts still',
      { 's:/1': [[a]], 's:/2': [[a]] },
      { 's:/1': [[a]], 's:/2': [] },
      ['-a s:/2 trusted→absent'],
    ],
    [
      'trust for what was only held',
      { 's:/1': [[a, PRESENT]] },
      { 's:/1': [[a]] },
      ['+!a s:/1 present→trusted'],
    ],
    [
      'refusal of what was trusted',
      { 's:/1': [[a]] },
      { 's:/1': [[a, REFUSED]] },
      ['-!a s:/1 trusted→mitigated'],
    ],
    [
      'refusal of what was not there',
      { 's:/1': [] },
      { 's:/1': [[a, REFUSED]] },
      ['~a s:/1 absent→mitigated'],
    ],
    [
      'a refusal that is gone',
      { 's:/1': [[a, REFUSED]] },
      { 's:/1': [[a, PRESENT]] },
      ['~a s:/1 mitigated→present'],
    ],
    [
      'trust for other purposes',
      { 's:/1': [[a]] },
      { 's:/1': [[a, { purposes: ['serverAuth'] }]] },
      ['~a s:/1 trusted→trusted'],
    ],
    ['no change for what is held or not', { 's:/1': [[a]] }, { 's:/1': [[a], [b, PRESENT]] }, []],
    ['no change for a root that is there twice', { 's:/1': [[a], [a, PRESENT]] }, { 's:/1': [[a]] }, []],
    ['a store with known roots', { 's:/1': [[a]] }, { 's:/1': [[a]], 's:/2': [[a]] }, ['+store s:/2']],
    [
      'a store with a new root',
      { 's:/1': [[a]] },
      { 's:/1': [[a]], 's:/2': [[a], [b]] },
      ['+!b s:/2 absent→trusted', '+store s:/2'],
    ],
    [
      'a store that is gone',
      { 's:/1': [[a]], 's:/2': [[b]] },
      { 's:/1': [[a]] },
      ['-!b s:/2 trusted→absent', '-store s:/2'],
    ],
    ['a store that moved', { 's:/1': [[a]] }, { 's:/2': [[a]] }, ['+store s:/2', '-store s:/1']],
  ] as const)('tells %s', (_what, before, after, expected) => {
    const result = drift(inventory(before), inventory(after));
    expect(outline(result)).toEqual(expected);
    expect(hasChanges(result)).toBe(expected.length > 0);
  });

  it('is the other way round from the other side', () => {
    const [x, y] = [inventory({ 's:/1': [[a]] }), inventory({ 's:/1': [[b]] })];
    expect(drift(x, y).becameTrusted).toEqual(
      drift(y, x).stoppedBeingTrusted.map((change) => ({
        ...change,
        places: change.places.map((each) => ({ ...each, before: each.after, after: each.before })),
      })),
    );
  });

  it('compares the findings of reports', () => {
    const saved = (...locations: readonly Location[]): SavedReport => {
      const report = reportOf({
        stores: [store('s:/1')],
        findings: locations.length > 0 ? [finding('bad', a, locations)] : [],
      });
      const file = parseSaved(JSON.stringify(report), 'x');
      const [only] = file.is === 'reports' ? file.reports : [];
      if (!only) throw new Error('a report expected');
      return only;
    };
    const result = drift(saved(), saved(place('s:/1', '/1/x')));
    expect(result.compared).toBe('findings');
    expect(result.becameTrusted).toMatchObject([{ advisories: ['bad'], everywhere: true }]);
  });

  it('follows its schema', () => {
    const validate = new Ajv2020({ allErrors: true });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- validating by it is the check
    const schema = JSON.parse(readFileSync(join(PROJECT, 'docs/drift.schema.json'), 'utf8')) as object;
    const result = drift(
      inventory({ 's:/1': [[a], [b, REFUSED]], 's:/2': [[a]] }),
      inventory({ 's:/1': [[b]], 's:/3': [[certificate('c')]] }),
    );
    expect(
      validate.validate(schema, JSON.parse(JSON.stringify(result))),
      JSON.stringify(validate.errors),
    ).toBe(true);
  });
});
