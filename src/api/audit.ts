/** From targets to judged reports: what the command line and the library share. */

import { withLowerLayers } from '../audit/lower-layers.ts';
import type { StoreProgress } from '../audit/read-stores.ts';
import { scan, type ScanInput } from '../audit/scan.ts';
import { UnrecognisedRoots } from '../audit/unrecognised.ts';
import { untilFetched } from '../audit/until-fetched.ts';
import type { Blocklist } from '../blocklist/load.ts';
import type { DeepResult } from '../core/embedded.ts';
import type { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import type { Matcher } from '../match/matcher.ts';
import { createPrograms } from '../match/programs.ts';
import { SCHEMA_VERSION, type Report } from '../report/report.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { createJudge, type Judgement } from './judgement.ts';
import type { Opened } from './targets.ts';
import { TOOL } from './tool.ts';

export interface AuditRules {
  readonly blocklist: Blocklist;
  readonly matcher: Matcher;
  readonly judgement: Judgement;
  readonly storePasswords: readonly string[];
  readonly mitigated: boolean;
  readonly removeShipped: boolean;
  readonly allLayers: boolean;
  /** Looks for roots inside of programs, where that is asked for. */
  readonly lookInside?: (target: Target) => Promise<DeepResult>;
  readonly progress?: (state: StoreProgress) => void;
}

interface Audited {
  readonly reference: string;
  readonly report: Report;
  /** Why the target could not be opened; the report says no more than that. */
  readonly error?: RootauditError;
}

/** A report for each target, as each is done. */
export async function* auditEach(targets: AsyncIterable<Opened>, rules: AuditRules): AsyncGenerator<Audited> {
  for await (const opened of targets) {
    const { reference } = opened;
    if ('target' in opened) yield { reference, report: await auditTarget(opened.target, rules) };
    else {
      const { error } = opened;
      yield { reference, error, report: unreadableReport(reference, error, rules.blocklist) };
    }
  }
}

/** A target among others that could not be opened: its place in the report says why. */
function unreadableReport(reference: string, { message }: RootauditError, { compiled }: Blocklist): Report {
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: TOOL,
    blocklist: { version: compiled.version, digest: compiled.digest },
    target: { kind: 'unreadable', reference, platform: 'unknown' },
    complete: false,
    stores: [],
    findings: [],
    problems: [{ code: 'unreadable', path: reference, message }],
    notes: [],
  };
}

async function auditTarget(target: Target, rules: AuditRules): Promise<Report> {
  const { lookInside } = rules;
  // To look inside, all of a stream is read once more: not before it is known which files of it are to be kept.
  const isStream = target.fetchMissing !== undefined;
  const deep = isStream ? undefined : await lookInside?.(target);
  let report = await untilFetched(target, () => auditOnce(target, rules, deep));
  if (isStream && lookInside) {
    const found = await lookInside(target);
    report = await untilFetched(target, () => auditOnce(target, rules, found));
  }
  if (!rules.allLayers || !target.states) return report;
  const states: Report[] = [];
  for (const state of target.states()) {
    states.push(await untilFetched(state, () => scan(inputFor(state, rules))));
  }
  return withLowerLayers(report, states);
}

async function auditOnce(target: Target, rules: AuditRules, deep: DeepResult | undefined): Promise<Report> {
  const { blocklist, matcher, judgement } = rules;
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
    read: { storePasswords: rules.storePasswords },
    mitigated: rules.mitigated,
    removeShipped: rules.removeShipped,
    ...(rules.progress && { progress: rules.progress }),
  };
}
