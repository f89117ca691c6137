/** `rootaudit diff` */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { inventoryOf } from '../api/inventory.ts';
import { matcherFor } from '../api/blocklist.ts';
import { readSaved } from '../api/saved.ts';
import { scan } from '../audit/scan.ts';
import { untilFetched } from '../audit/until-fetched.ts';
import type { Blocklist } from '../blocklist/load.ts';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { advisoriesByFingerprint } from '../match/listed.ts';
import { compareAudits, hasChanges, onlyAudit, type Drift, type Listed } from '../report/drift.ts';
import type { Report } from '../report/report.ts';
import { parseSaved, type SavedInventory, type SavedReport } from '../report/saved.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { EXIT } from './exit-code.ts';
import { describe, type HelpDetails } from './help.ts';
import { withTarget } from './inventory.ts';
import {
  addBlocklistOption,
  openChosenBlocklist,
  TOOL,
  type BlocklistOptions,
  type Surroundings,
} from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { storeProgress } from './progress-words.ts';
import { addPasswordOptions, passwordsOf } from './store-passwords.ts';
import { addImageOptions, type ImageOptions } from './targets.ts';
import { suggestArguments } from './values.ts';

interface DiffOptions extends BlocklistOptions, OutputOptions, ImageOptions {
  readonly allowIncomplete: boolean;
}

/** The word for this machine as it runs. */
const LIVE = 'live';

const DETAILS: HelpDetails = {
  about: [
    `Each of the two is a file that rootaudit snapshot, rootaudit list -f json or rootaudit scan -f json wrote, a target as rootaudit scan takes it (a directory, an image), or "${LIVE}" for this machine (./${LIVE} for a directory of that name). A report of a scan knows roots on the blocklist only, so with one of them nothing else is compared.`,
  ],
  exitCodes: [
    [0, 'nothing changed'],
    [1, 'something changed'],
    [2, 'wrong usage, or one of the two cannot be read at all'],
    [
      3,
      'nothing changed in what could be read, but not everything could (--allow-incomplete turns this into 0)',
    ],
  ],
  examples: [
    [`rootaudit diff monday.json ${LIVE}`, 'what has changed since?'],
    ['rootaudit diff monday.json tuesday.json -f json', 'two files, for a program'],
    ['rootaudit diff app-1.tar app-2.tar', 'two images'],
  ],
};

export function addDiffCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('diff <before> <after>')
    .description(
      'tell which roots became trusted, and which stopped, between two snapshots, reports or targets',
    );
  addPasswordOptions(addImageOptions(addBlocklistOption(addFormatOption(command, 'drift')), 'one'))
    .option('--allow-incomplete', 'exit with 0 although a store could not be read', false)
    .action(async (before: string, after: string, options: DiffOptions) => {
      const drift = await compare(before, after, options, surroundings);
      await writeOutputs('drift', options, surroundings, (render, style) => [render(drift, style)]);
      process.exitCode = exitCodeOf(drift, options);
    });
  const sides = { words: [LIVE], paths: 'files' } as const;
  suggestArguments(describe(command, DETAILS), sides, sides);
}

function exitCodeOf(drift: Drift, { allowIncomplete }: DiffOptions): number {
  if (hasChanges(drift)) return EXIT.findings;
  const complete = drift.before.complete && drift.after.complete;
  return complete || allowIncomplete ? EXIT.clean : EXIT.incomplete;
}

type Audit = SavedReport | SavedInventory;
type AuditKind = 'report' | 'inventory';

async function compare(
  before: string,
  after: string,
  options: DiffOptions,
  surroundings: Surroundings,
): Promise<Drift> {
  const files = [await readFile(before), await readFile(after)];
  const kinds = new Set(files.flatMap((file) => (file ? [kindOf(file)] : [])));
  if (kinds.size > 1) {
    throw new RootauditError(
      'A snapshot and a report cannot be compared: a report knows roots on the blocklist only',
      'Give two snapshots, two reports, or one of them and a target.',
    );
  }
  const kind: AuditKind = kinds.has('report') ? 'report' : 'inventory';
  const [a, b] = files;
  return compareAudits(
    TOOL,
    { name: before, saved: a ?? (await audit(before, kind, options, surroundings)) },
    { name: after, saved: b ?? (await audit(after, kind, options, surroundings)) },
    listedBy(openChosenBlocklist(options, surroundings)),
  );
}

function listedBy({ compiled }: Blocklist): Listed {
  const advisories = advisoriesByFingerprint(compiled);
  const severities = new Map(compiled.advisories.map(({ id, severity }) => [id, severity]));
  return {
    advisoriesOf: (certificate) => advisories(certificate).map(({ id }) => id),
    severityOf: (id) => severities.get(id),
  };
}

function kindOf(audit: Audit): AuditKind {
  return 'findings' in audit ? 'report' : 'inventory';
}

/** Undefined for a target. */
async function readFile(reference: string): Promise<Audit | undefined> {
  if (reference === LIVE || !isSaved(reference)) return undefined;
  const only = onlyAudit(await readSaved(reference));
  if (only) return only;
  throw new RootauditError(
    `${reference} holds reports of several targets`,
    'Compare files with one report each.',
  );
}

/** JSON begins with a brace; no archive and no disk does. */
function isSaved(reference: string): boolean {
  if (reference.endsWith('.json')) return true;
  if (statSync(reference, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const start = Buffer.alloc(100);
  const file = openSync(reference, 'r');
  try {
    readSync(file, start, 0, start.length, 0);
  } finally {
    closeSync(file);
  }
  return start
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart()
    .startsWith('{');
}

/** As it would have been saved. */
function audit(
  reference: string,
  kind: AuditKind,
  options: DiffOptions,
  surroundings: Surroundings,
): Promise<Audit> {
  const named = reference === LIVE ? undefined : reference;
  return withTarget(named, options, surroundings, async (target) =>
    saved(
      kind === 'inventory'
        ? await inventoryOf(
            target,
            passwordsOf(options),
            openChosenBlocklist(options, surroundings),
            storeProgress(surroundings.terminal),
          )
        : await reportOf(target, options, surroundings),
      reference,
    ),
  );
}

function reportOf(target: Target, options: DiffOptions, surroundings: Surroundings): Promise<Report> {
  const blocklist = openChosenBlocklist(options, surroundings);
  const { version, digest } = blocklist.compiled;
  const progress = storeProgress(surroundings.terminal);
  const matcher = matcherFor(blocklist, false);
  return untilFetched(target, () =>
    scan({
      target,
      stores: STORE_TYPES,
      tool: TOOL,
      read: { storePasswords: passwordsOf(options) },
      matcher,
      blocklist: { version, digest },
      mitigated: true,
      removeShipped: false,
      ...(progress && { progress }),
    }),
  );
}

/** Through JSON, so that a target is read exactly as its file would be. */
function saved(audited: object, reference: string): Audit {
  const only = onlyAudit(parseSaved(JSON.stringify(audited), reference));
  if (!only) throw new RangeError('one audit became several');
  return only;
}
