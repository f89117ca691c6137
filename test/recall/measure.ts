/** How many of the certificates that a store holds rootaudit finds in it: anything less than all is a fault. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scan } from '../../src/audit/scan.ts';
import { openBlocklist } from '../../src/blocklist/load.ts';
import { manual } from '../../src/core/remediation.ts';
import type { StoreType } from '../../src/core/store.ts';
import { createMatcher } from '../../src/match/matcher.ts';
import type { Inventory } from '../../src/report/report.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import type { Corpus } from './corpus.ts';
import type { Recipe } from './recipe.ts';

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
  const reported = reportedIn(root);
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

const BLOCKLIST = openBlocklist(join(PROJECT, 'blocklists'));
const MATCHER = createMatcher(BLOCKLIST.compiled, {
  unverifiedNames: false,
  blockedCertificate: (fingerprint) => BLOCKLIST.certificate(fingerprint),
});
/** Thousands of removals would be planned for nothing: what they do is tested elsewhere. */
const STORES = STORE_TYPES.map((type): StoreType => ({ ...type, planRemoval: () => manual('', false) }));

/** Fingerprints of what a scan finds. */
function reportedIn(root: string): ReadonlySet<string> {
  const { version, digest } = BLOCKLIST.compiled;
  const { findings } = scan({
    target: openDirectory(root),
    stores: STORES,
    matcher: MATCHER,
    blocklist: { version, digest },
    tool: { name: 'rootaudit', version: '0' },
    read: { storePasswords: [] },
    mitigated: false,
    removeShipped: true,
  });
  return new Set(findings.map(({ certificate }) => certificate.sha256));
}

/** By the built command, as a person has it. */
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
