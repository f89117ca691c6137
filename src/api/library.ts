/** What the library does: the options of the command, as an object. `src/index.ts` exports it. */

import type { Severity } from '../blocklist/advisory.ts';
import type { DeepResult } from '../core/embedded.ts';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import type { Matcher } from '../match/matcher.ts';
import type { Explanation } from '../report/explanation.ts';
import type { Inventory, Report } from '../report/report.ts';
import { verdictOf, type Verdict } from '../report/verdict.ts';
import { auditEach, type AuditRules } from './audit.ts';
import { matcherFor, openChosen } from './blocklist.ts';
import { explainWhat } from './explain.ts';
import { inventoryOf } from './inventory.ts';
import { readBaseline, readPolicyFile, type Judgement } from './judgement.ts';
import { openTargets, type Opened } from './targets.ts';

/** What is looked at, and how it is opened. Without `targets` and `root`: this machine. */
export interface TargetOptions {
  /**
   * Directories, archives, layouts and images, as `rootaudit scan` takes them: `'app.tar'`, `'oci:layout'`,
   * `'registry:ghcr.io/example/app:1.2'`. A directory is a mounted or unpacked root. `'-'` is standard input.
   */
  readonly targets?: readonly string[];
  /** One directory, the same as `targets: ['dir:…']`; not together with `targets`. */
  readonly root?: string;
  /** Which image of a multi-platform one: `'linux/arm64'`, or `'all'`. Default: that of this machine. */
  readonly platform?: string;
  /** Read a registry on this machine without TLS. */
  readonly plainHttp?: boolean;
  /** Also check the digests of what an archive lets us pass over. */
  readonly verify?: boolean;
  /**
   * Keep what was read of the layers of images in the user's cache directory, so that the next call does not read them
   * again. Default: true.
   */
  readonly cache?: boolean;
  /** Passwords to try on keystores after the well-known ones. They are never part of a result. */
  readonly storePasswords?: readonly string[];
  /**
   * Ends the work with the signal's reason. It is looked at before each target and store and, with `deep`, before each
   * file; but no timer fires while the stores of one target are read, which takes a fraction of a second.
   */
  readonly signal?: AbortSignal;
}

export interface BlocklistOptions {
  /** Directory of another blocklist than the one that came along. */
  readonly blocklist?: string;
}

export interface ScanOptions extends TargetOptions, BlocklistOptions {
  /** A policy file (`rootaudit.yaml`). Unlike the command, the library uses none that it is not given. */
  readonly policy?: string;
  /** An earlier report (`rootaudit scan -f json`): what it has is marked as known. */
  readonly baseline?: string;
  /** Also find roots that are built into programs: where programs usually lie, or in these directories and files. */
  readonly deep?: boolean | readonly string[];
  /** Also tell what a lower layer of an image trusted and an upper one deleted. */
  readonly allLayers?: boolean;
  /** Also report roots that a store holds in order to refuse them. */
  readonly mitigated?: boolean;
  /** Also suspect roots by name patterns that nobody has seen in use. */
  readonly unverifiedNames?: boolean;
  /** Removal commands also for roots that clean, current systems ship. */
  readonly removeShipped?: boolean;
  /** Told what is going on. What it throws ends the scan. */
  readonly progress?: (event: ScanProgress) => void;
}

/**
 * target: it is open and will be read. store: the one at `path` is read, after `done` of `total`; told again for each of
 * its parts, and from the first one on where an image has to be read twice. program: with `deep`, the file that is looked into next, after `files` with
 * `bytes` together. report: the target is done; the report is one of those that are returned.
 */
export type ScanProgress =
  | { readonly kind: 'target'; readonly reference: string }
  | {
      readonly kind: 'store';
      readonly reference: string;
      readonly path: string;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly kind: 'program';
      readonly reference: string;
      readonly path: string;
      readonly files: number;
      readonly bytes: number;
    }
  | { readonly kind: 'report'; readonly reference: string; readonly report: Report };

export async function scanAll(options: ScanOptions, packageRoot: string): Promise<Report[]> {
  const { signal, progress } = options;
  signal?.throwIfAborted();
  let current = '';
  const rules: AuditRules = {
    ...(await rulesOf(options, packageRoot)),
    progress: (state) => {
      signal?.throwIfAborted();
      progress?.({ kind: 'store', reference: current, ...state });
    },
  };
  const reports: Report[] = [];
  const targets = watched(open(options), (reference) => {
    signal?.throwIfAborted();
    current = reference;
    progress?.({ kind: 'target', reference });
  });
  for await (const { reference, report } of auditEach(targets, rules)) {
    reports.push(report);
    progress?.({ kind: 'report', reference, report });
  }
  return reports;
}

/** Reads the files that are named before a scan that may take long. */
async function rulesOf(options: ScanOptions, packageRoot: string): Promise<AuditRules> {
  const judgement = await judgementOf(options);
  const blocklist = openChosen(options.blocklist, packageRoot);
  const matcher = matcherFor(blocklist, options.unverifiedNames ?? false);
  const { deep = false } = options;
  return {
    blocklist,
    matcher,
    judgement,
    storePasswords: options.storePasswords ?? [],
    mitigated: options.mitigated ?? false,
    removeShipped: options.removeShipped ?? false,
    allLayers: options.allLayers ?? false,
    ...(deep !== false && {
      lookInside: (target: Target) => lookInside(target, matcher, deep === true ? [] : deep, options),
    }),
  };
}

async function lookInside(
  target: Target,
  matcher: Matcher,
  paths: readonly string[],
  { signal, progress }: ScanOptions,
): Promise<DeepResult> {
  const { runDeep } = await import('./deep.ts');
  return runDeep({
    target,
    matcher,
    paths,
    progress: (state) => {
      signal?.throwIfAborted();
      progress?.({ kind: 'program', reference: target.reference, ...state });
    },
  });
}

export async function listAll(options: TargetOptions, packageRoot: string): Promise<Inventory[]> {
  const { signal, storePasswords = [] } = options;
  signal?.throwIfAborted();
  const blocklist = openChosen(undefined, packageRoot);
  const inventories: Inventory[] = [];
  for await (const opened of watched(open(options), () => signal?.throwIfAborted())) {
    // What is left out here would look like a target without stores.
    if ('error' in opened) throw opened.error;
    inventories.push(await inventoryOf(opened.target, storePasswords, blocklist));
  }
  return inventories;
}

export function explainOne(
  what: string,
  { blocklist }: BlocklistOptions,
  packageRoot: string,
): readonly Explanation[] {
  return explainWhat(what, openChosen(blocklist, packageRoot));
}

/** As `rootaudit scan --fail-on` judges. */
export function judge(report: Report, failOn: Severity = 'medium'): Verdict {
  return verdictOf(report, failOn);
}

async function judgementOf({ policy: file, baseline }: ScanOptions): Promise<Judgement> {
  const policy = file === undefined ? undefined : await readPolicyFile(file, file);
  return {
    policy,
    baseline: baseline === undefined ? undefined : await readBaseline(baseline),
    unrecognised: policy?.failOn?.unrecognised ?? false,
  };
}

function open({
  targets = [],
  root,
  platform,
  plainHttp = false,
  verify = false,
  cache = true,
}: TargetOptions): AsyncGenerator<Opened> {
  if (root === '') throw new RootauditError('root needs a directory');
  if (root !== undefined && targets.length > 0)
    throw new RootauditError(`root names a target of its own: leave out ${targets.join(', ')}`);
  const images = { plainHttp, verify, cache, ...(platform !== undefined && { platform }) };
  return openTargets(targets, root === undefined ? {} : { root }, images, process.env);
}

async function* watched(
  targets: AsyncIterable<Opened>,
  before: (reference: string) => void,
): AsyncGenerator<Opened> {
  for await (const opened of targets) {
    before(opened.reference);
    yield opened;
  }
}
