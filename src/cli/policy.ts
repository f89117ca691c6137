/** `--policy`, `--baseline` and `--fail-on`: what they stand for, and what they do to a report. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { TrustedRoots } from '../audit/trusted-roots.ts';
import type { Severity } from '../blocklist/advisory.ts';
import type { Blocklist } from '../blocklist/load.ts';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { FAIL_ON_WORDS, failOnOf } from '../policy/fail-on.ts';
import { findPolicy, readPolicy, type TrustedOwners } from '../policy/load.ts';
import { NO_POLICY, type FailOn, type Policy } from '../policy/policy.ts';
import { nearest } from '../policy/suggest.ts';
import type { Report } from '../report/report.ts';
import type { SavedFile, SavedReport } from '../report/saved.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { readCertificates } from '../stores/shared/any-file.ts';
import type { Surroundings } from './options.ts';

export interface PolicyOptions {
  readonly failOn?: FailOn;
  /** A file; undefined: the one that is found; false: none. */
  readonly policy?: string | false;
  readonly baseline?: string;
}

const DEFAULT_SEVERITY: Severity = 'medium';

export function addPolicyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--fail-on <severity>',
        `exit with 1 when a trusted root is this bad or worse (${FAIL_ON_WORDS.join(', ')}; default: ${DEFAULT_SEVERITY})`,
      ).argParser(parseFailOn),
    )
    .option('--policy <file>', 'judge by this policy, not by the rootaudit.yaml found from here upwards')
    .option('--no-policy', 'judge by the blocklist alone')
    .option('--baseline <report.json>', 'fail only on what this earlier report does not have');
}

function parseFailOn(value: string): FailOn {
  const words = value.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !FAIL_ON_WORDS.includes(word));
  if (unknown !== undefined) {
    const meant = nearest(unknown, FAIL_ON_WORDS);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw new InvalidArgumentError(`Allowed are ${FAIL_ON_WORDS.join(', ')}.${hint}`);
  }
  const failOn = failOnOf(words);
  if (!failOn) throw new InvalidArgumentError('It takes one severity.');
  return failOn;
}

/** What a report is judged by. */
export interface Judgement {
  /** Undefined where nobody asks for one. */
  readonly policy: Policy | undefined;
  readonly baseline: readonly SavedReport[] | undefined;
  /** What the command line says, else the policy. */
  readonly failOn: Severity;
  readonly unrecognised: boolean;
}

/** Reads the files before a scan that may take long. */
export async function loadJudgement(
  options: PolicyOptions,
  { environment }: Pick<Surroundings, 'environment'>,
): Promise<Judgement> {
  const policy = await loadPolicy(options.policy, environment);
  const failOn = options.failOn ?? policy?.failOn;
  return {
    policy,
    baseline: options.baseline === undefined ? undefined : await readBaseline(options.baseline),
    failOn: failOn?.severity ?? DEFAULT_SEVERITY,
    unrecognised: failOn?.unrecognised ?? false,
  };
}

async function loadPolicy(
  named: string | false | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Policy | undefined> {
  if (named === false) return undefined;
  const file = named === undefined ? findPolicy(process.cwd(), ownersOf(environment)) : resolve(named);
  if (file === undefined) return undefined;
  const shownAs = named ?? relative(process.cwd(), file);
  const storeTypes = [...STORE_TYPES.map(({ id }) => id), 'embedded'];
  return readPolicy(file, { shownAs, storeTypes, readCertificates });
}

/** Ourselves, the administrator, and who became the administrator for this command. */
function ownersOf({ SUDO_UID }: NodeJS.ProcessEnv): TrustedOwners {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  const sudo = uid === 0 && SUDO_UID !== undefined && /^\d+$/.test(SUDO_UID) ? [Number(SUDO_UID)] : [];
  return new Set([uid, 0, ...sudo]);
}

async function readBaseline(file: string): Promise<readonly SavedReport[]> {
  const saved = await readSaved(file);
  if (saved.is === 'reports') return saved.reports;
  throw new RootauditError(
    `${file} is a snapshot: it does not say what is on the blocklist`,
    'A baseline is what `rootaudit scan -f json` wrote.',
  );
}

/** Node's longest text is twice that. */
const MAX_SAVED_BYTES = 256 << 20;

export async function readSaved(file: string): Promise<SavedFile> {
  if (!existsSync(file)) throw new RootauditError(`${file} does not exist`);
  const found = statSync(file);
  if (!found.isFile()) throw new RootauditError(`${file} is not a file`);
  if (found.size > MAX_SAVED_BYTES)
    throw new RootauditError(`${file} is larger than ${MAX_SAVED_BYTES >> 20} MiB`);
  const { parseSaved } = await import('../report/saved.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new RootauditError(`${file} cannot be read`, 'Check its permissions.', { cause: error });
  }
  return parseSaved(text.replace(/^\ufeff/, ''), file);
}

/** Watches a scan, and judges its report. */
export interface Judge {
  readonly visit?: TrustedRoots['visit'];
  readonly judge: (report: Report) => Promise<Report>;
}

export async function createJudge(
  judgement: Judgement,
  target: Target,
  blocklist: Blocklist,
): Promise<Judge> {
  const { baseline, unrecognised } = judgement;
  if (!judgement.policy && !unrecognised) return { judge: (report) => withBaseline(report, baseline) };
  const policy = judgement.policy ?? NO_POLICY;
  const { interestOf } = await import('../policy/rules.ts');
  const roots = new TrustedRoots(target, interestOf(policy));
  const judge = async (report: Report): Promise<Report> => {
    const { evaluate } = await import('../policy/evaluate.ts');
    const judged = evaluate({
      policy,
      report,
      trusted: roots.list(),
      ...(unrecognised && { unrecognised: unrecognisedOf(report) }),
      advisories: blocklist.advisoryIds(),
      remedies: roots.remedies,
      today: new Date(),
    });
    return withBaseline(judged, baseline);
  };
  return { visit: roots.visit, judge };
}

/** Without the list nothing would fail, and nobody would know. */
function unrecognisedOf({ unrecognised }: Report): NonNullable<Report['unrecognised']> {
  if (unrecognised) return unrecognised;
  throw new RootauditError(
    'fail-on unrecognised: this scan does not know what root programmes ship',
    'Leave "unrecognised" out, or say with "only" in the policy which roots may be trusted.',
  );
}

async function withBaseline(report: Report, baseline: Judgement['baseline']): Promise<Report> {
  if (!baseline) return report;
  const { applyBaseline } = await import('../report/baseline.ts');
  return applyBaseline(report, baseline);
}
