/** `--policy`, `--baseline` and `--fail-on`, and what they stand for. */

import { relative } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readBaseline, readPolicyFile, type Judgement } from '../api/judgement.ts';
import type { Severity } from '../blocklist/advisory.ts';
import { FAIL_ON_WORDS, failOnOf } from '../policy/fail-on.ts';
import { findPolicy, type TrustedOwners } from '../policy/load.ts';
import type { FailOn, Policy } from '../policy/policy.ts';
import { nearest } from '../policy/suggest.ts';
import type { Surroundings } from './options.ts';
import { suggestValues } from './values.ts';
import { addVariableOption } from './variables.ts';

export interface PolicyOptions {
  readonly failOn?: FailOn;
  /** A file; undefined: the one that is found; false: none. */
  readonly policy?: string | false;
  readonly baseline?: string;
}

const DEFAULT_SEVERITY: Severity = 'medium';

export function addPolicyOptions(command: Command): Command {
  const failOn = 'exit with 1 when a trusted root is this bad or worse';
  return addPolicyFileOptions(addFailOnOption(command, failOn, FAIL_ON_WORDS)).addOption(
    new Option('--baseline <report.json>', 'fail only on what this earlier report does not have').env(
      'ROOTAUDIT_BASELINE',
    ),
  );
}

/** `words`: what the command can fail on; of a variable, what is for other commands is passed over. */
export function addFailOnOption(command: Command, description: string, words: readonly string[]): Command {
  const option = new Option('--fail-on <severity>', description).default(undefined, DEFAULT_SEVERITY);
  suggestValues(option, { words });
  return addVariableOption(
    command,
    option,
    'ROOTAUDIT_FAIL_ON',
    (value: string, _previous: unknown, isVariable) => parseFailOn(value, isVariable ? FAIL_ON_WORDS : words),
  );
}

export function addPolicyFileOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--policy <file>',
        'judge by this policy, not by the rootaudit.yaml found from here upwards',
      ).env('ROOTAUDIT_POLICY'),
    )
    .option('--no-policy', 'judge by the blocklist alone');
}

function parseFailOn(value: string, allowed: readonly string[]): FailOn {
  const words = value.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !allowed.includes(word));
  if (unknown !== undefined) {
    const meant = nearest(unknown, allowed);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw new InvalidArgumentError(`Allowed are ${allowed.join(', ')}.${hint}`);
  }
  const failOn = failOnOf(words);
  if (!failOn) throw new InvalidArgumentError('It takes one severity.');
  return failOn;
}

/** What a report is judged by, and from what severity on it fails. */
interface Gate extends Judgement {
  /** What the command line says, else the policy. */
  readonly failOn: Severity;
}

/** Reads the files before a scan that may take long. */
export async function loadJudgement(
  options: PolicyOptions,
  { environment }: Pick<Surroundings, 'environment'>,
): Promise<Gate> {
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
  const file = named ?? findPolicy(process.cwd(), ownersOf(environment));
  if (file === undefined) return undefined;
  return readPolicyFile(file, named ?? relative(process.cwd(), file));
}

/** Ourselves, the administrator, and who became the administrator for this command. */
function ownersOf({ SUDO_UID }: NodeJS.ProcessEnv): TrustedOwners {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  const sudo = uid === 0 && SUDO_UID !== undefined && /^\d+$/.test(SUDO_UID) ? [Number(SUDO_UID)] : [];
  return new Set([uid, 0, ...sudo]);
}
