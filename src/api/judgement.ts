/** A policy and a baseline: read before a scan that may take long, and what they make of its report. */

import { resolve } from 'node:path';
import { TrustedRoots } from '../audit/trusted-roots.ts';
import type { Blocklist } from '../blocklist/load.ts';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { readPolicy } from '../policy/load.ts';
import { NO_POLICY, type Policy } from '../policy/policy.ts';
import type { Report } from '../report/report.ts';
import type { SavedReport } from '../report/saved.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { readCertificates } from '../stores/shared/any-file.ts';
import { readSaved } from './saved.ts';

/** What a report is judged by. */
export interface Judgement {
  /** Undefined where nobody asks for one. */
  readonly policy: Policy | undefined;
  readonly baseline: readonly SavedReport[] | undefined;
  /** Roots that no root programme ships are violations. */
  readonly unrecognised: boolean;
}

/** Throws RootauditError that lists every mistake in it. */
export function readPolicyFile(file: string, shownAs: string): Promise<Policy> {
  const storeTypes = [...STORE_TYPES.map(({ id }) => id), 'embedded'];
  return readPolicy(resolve(file), { shownAs, storeTypes, readCertificates });
}

export async function readBaseline(file: string): Promise<readonly SavedReport[]> {
  const saved = await readSaved(file);
  if (saved.is === 'reports') return saved.reports;
  throw new RootauditError(
    `${file} is a snapshot: it does not say what is on the blocklist`,
    'A baseline is what `rootaudit scan -f json` wrote.',
  );
}

/** Watches a scan, and judges its report. */
interface Judge {
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
