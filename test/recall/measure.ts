/** How many of the certificates that a store holds rootaudit finds in it: anything less than all is a fault. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Inventory } from '../../src/report/report.ts';
import { PROJECT, rootaudit, scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import type { Corpus } from './corpus.ts';
import type { Recipe } from './plant.ts';

export interface Recall {
  readonly store: string;
  readonly how: string;
  readonly stores: number;
  /** In each of the stores. */
  readonly planted: number;
  /** In all stores together, as are the next two. */
  readonly found: number;
  readonly missed: readonly string[];
  readonly invented: readonly string[];
  /** Planted certificates that the blocklist names, and those of them that a scan says nothing about. */
  readonly listed: number;
  readonly unreported: readonly string[];
}

/** Fingerprints that the blocklist names one by one. */
function listedFingerprints(): ReadonlySet<string> {
  const directory = join(PROJECT, 'blocklists/advisories');
  const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
  return new Set(
    texts.flatMap((text) =>
      Array.from(text.matchAll(/"sha256":\s*"([0-9a-f]{64})"/g), ([, hex = '']) => hex),
    ),
  );
}

export function measure({ store, how, plant }: Recipe, { certificates }: Corpus): Recall {
  const root = makeTemporaryDirectory();
  const planted = new Set(plant(root, certificates));
  const stores = list(root).stores.filter(({ type }) => type === store);
  const inStores = stores
    .map(({ entries }) => new Set(entries.map((each) => each.certificate.sha256)))
    .filter((found) => found.size > 0 || stores.length === 1);
  const listed = [...listedFingerprints()].filter((fingerprint) => planted.has(fingerprint));
  const { findings } = scanReport(['--root', root]);
  const reported = new Set(findings.map(({ certificate }) => certificate.sha256));
  return {
    store,
    how,
    stores: inStores.length,
    planted: planted.size,
    found: inStores.reduce((sum, found) => sum + [...found].filter((each) => planted.has(each)).length, 0),
    missed: inStores.flatMap((found) => [...planted].filter((each) => !found.has(each))),
    invented: inStores.flatMap((found) => [...found].filter((each) => !planted.has(each))),
    listed: listed.length,
    unreported: listed.filter((fingerprint) => !reported.has(fingerprint)),
  };
}

function list(root: string): Inventory {
  const { stdout, stderr } = rootaudit(['list', '--root', root, '--format', 'json']);
  if (stdout === '') throw new Error(`no list: ${stderr}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is the form that `list` prints
  return JSON.parse(stdout) as Inventory;
}

/** One line per row, for people. */
export function matrix(origin: string, rows: readonly Recall[]): string {
  const head = [
    'store',
    'built as',
    'stores',
    'planted',
    'found',
    'missed',
    'invented',
    'listed',
    'unreported',
  ];
  const lines = [
    head,
    ...rows.map((row) => [
      row.store,
      row.how,
      ...[
        row.stores,
        row.planted,
        row.found,
        row.missed.length,
        row.invented.length,
        row.listed,
        row.unreported.length,
      ].map(String),
    ]),
  ];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  return `${origin}, each in one root\n${text.join('\n')}\n`;
}
