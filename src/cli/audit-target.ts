/** One target of a scan, from its stores to the judged report. */

import { withLowerLayers } from '../audit/lower-layers.ts';
import { scan, type ScanInput } from '../audit/scan.ts';
import { UnrecognisedRoots } from '../audit/unrecognised.ts';
import type { Blocklist } from '../blocklist/load.ts';
import type { DeepResult } from '../core/embedded.ts';
import type { Target } from '../core/target.ts';
import { createPrograms } from '../match/programs.ts';
import type { Matcher } from '../match/matcher.ts';
import type { Report } from '../report/report.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { TOOL } from './options.ts';
import { createJudge, type Judgement } from './policy.ts';

export interface AuditRules {
  readonly blocklist: Blocklist;
  readonly matcher: Matcher;
  readonly judgement: Judgement;
  readonly storePassword: readonly string[];
  readonly mitigated: boolean;
  readonly removeShipped: boolean;
  readonly allLayers: boolean;
  /** `--deep`, where it is asked for. */
  readonly lookInside?: (target: Target) => Promise<DeepResult>;
}

export async function auditTarget(target: Target, rules: AuditRules): Promise<Report> {
  let report = await auditOnce(target, rules);
  // What a stream has let go by is fetched when a store asks for it.
  while (await target.fetchMissing?.()) report = await auditOnce(target, rules);
  if (!rules.allLayers || !target.states) return report;
  const states: Report[] = [];
  for (const state of target.states()) {
    states.push(scan(inputFor(state, rules)));
    while (await state.fetchMissing?.()) states.splice(-1, 1, scan(inputFor(state, rules)));
  }
  return withLowerLayers(report, states);
}

async function auditOnce(target: Target, rules: AuditRules): Promise<Report> {
  const { blocklist, matcher, judgement, lookInside } = rules;
  const deep = await lookInside?.(target);
  const roots = new UnrecognisedRoots(
    target,
    createPrograms(blocklist.compiled),
    (certificate) => matcher(certificate).length > 0,
  );
  const { visit, judge } = await createJudge(judgement, target, blocklist);
  const report = scan({
    ...inputFor(target, rules),
    ...(deep && { deep }),
    visit: (anchor, store) => {
      roots.visit(anchor, store);
      visit?.(anchor, store);
    },
  });
  const note = roots.note();
  return judge({
    ...report,
    unrecognised: roots.list(),
    ...(note !== undefined && { notes: [...report.notes, note] }),
  });
}

function inputFor(target: Target, rules: AuditRules): ScanInput {
  const { version, digest } = rules.blocklist.compiled;
  return {
    target,
    stores: STORE_TYPES,
    matcher: rules.matcher,
    blocklist: { version, digest },
    tool: TOOL,
    read: { storePasswords: rules.storePassword },
    mitigated: rules.mitigated,
    removeShipped: rules.removeShipped,
  };
}
