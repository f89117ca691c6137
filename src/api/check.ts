/**
 * Certificate files that somebody names, wherever they lie: is a root in them that is on the blocklist? Each is judged as
 * if it were a store that trusts what it holds, so that the report, the policy and the formats are those of a scan.
 */

import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { scan } from '../audit/scan.ts';
import type { Blocklist } from '../blocklist/load.ts';
import { certificateFrom } from '../core/certificate.ts';
import { diagnosticToProblem, RootauditError } from '../core/errors.ts';
import { manual } from '../core/remediation.ts';
import type { StoreContent, StoreType } from '../core/store.ts';
import { FsError, MAX_FILE_BYTES, type FileStat, type ReadFs, type Target } from '../core/target.ts';
import { trustedForAll } from '../core/trust.ts';
import type { Policy } from '../policy/policy.ts';
import type { Finding, Report } from '../report/report.ts';
import { parseCertificates } from '../stores/shared/any-file.ts';
import { matcherFor } from './blocklist.ts';
import { createJudge } from './judgement.ts';
import { TOOL } from './tool.ts';

interface CheckRules {
  readonly blocklist: Blocklist;
  readonly passwords: readonly string[];
  readonly policy: Policy | undefined;
}

interface Checked {
  readonly report: Report;
  /** The files as they were named, by their paths in the report. */
  readonly names: ReadonlyMap<string, string>;
}

/** Throws RootauditError for what is no file. */
export async function checkFiles(
  paths: readonly string[],
  { blocklist, passwords, policy }: CheckRules,
): Promise<Checked> {
  for (const path of paths) refuseOther(path);
  const { base, names } = namesOf(paths);
  const target = targetOf(base, names);
  const judgement = { policy: policy && forFiles(policy), baseline: undefined, unrecognised: false };
  const { visit, judge } = await createJudge(judgement, target, blocklist);
  const { version, digest } = blocklist.compiled;
  const report = await judge(
    scan({
      target,
      stores: [filesAsStores([...names.keys()])],
      matcher: matcherFor(blocklist, false),
      blocklist: { version, digest },
      tool: TOOL,
      read: { storePasswords: passwords },
      mitigated: false,
      removeShipped: false,
      ...(visit && { visit }),
    }),
  );
  return {
    names,
    report: {
      ...report,
      findings: report.findings.map(asHeldWhereShipped),
      target: { ...report.target, kind: 'files' },
      // Few files need every waiver.
      ...(report.policy && { policy: { ...report.policy, notes: [] } }),
    },
  };
}

/** What a machine must trust, and that it may trust nothing else, is no question to a file; what is forbidden is. */
function forFiles({ file, forbid, waivers }: Policy): Policy {
  return { file, forbid, waivers, allow: [], require: [] };
}

/** What clean systems ship is in many a bundle, and no alarm in a file, whatever its severity. */
function asHeldWhereShipped(finding: Finding): Finding {
  if (finding.stillShippedBy.length === 0) return finding;
  const locations = finding.locations.map((place) => ({ ...place, trust: 'present' as const, purposes: [] }));
  return { ...finding, status: 'present', locations };
}

function refuseOther(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new RootauditError(`there is no ${path}`);
  if (!found.isFile()) throw new RootauditError(`${path} is not a file`);
}

/** Below the working directory, as a repository has them; from the root when one of them is elsewhere. */
function namesOf(paths: readonly string[]): { base: string; names: ReadonlyMap<string, string> } {
  const here = process.cwd();
  const isOutside = paths.some((path) => /^\.\.(?:$|[\\/])/.test(inside(here, path)));
  const absolute = paths.some((path) => isAbsolute(inside(here, path)));
  const nameOf = (path: string): string =>
    isOutside || absolute
      ? `/${resolve(path).split(sep).join('/').replace(/^\/+/, '')}`
      : inside(here, path).split(sep).join('/');
  const names = new Map(paths.map((path) => [nameOf(path), path]));
  return { base: isOutside || absolute ? '/' : here, names };
}

/** Absolute on another drive of Windows. */
function inside(directory: string, path: string): string {
  return relative(directory, resolve(path));
}

function targetOf(base: string, names: ReadonlyMap<string, string>): Target {
  return {
    kind: 'directory',
    reference: base,
    platform: 'linux',
    fs: fsOf(names),
    environment: {},
    homes: [],
    notes: [],
    hostPath: (path) => names.get(path) ?? path,
  };
}

/** Knows the named files and nothing beside them. */
function fsOf(names: ReadonlyMap<string, string>): ReadFs {
  const stat = (path: string): FileStat | undefined => {
    const found = names.has(path) ? statSync(names.get(path) ?? '', { throwIfNoEntry: false }) : undefined;
    return found && { kind: found.isFile() ? 'file' : 'other', size: found.size, modified: found.mtimeMs };
  };
  return {
    stat,
    kind: (path) => stat(path)?.kind,
    realPath: (path) => (names.has(path) ? path : undefined),
    list: () => [],
    read(path) {
      const size = stat(path)?.size;
      if (size === undefined) return undefined;
      if (size > MAX_FILE_BYTES) throw new FsError('too-large', path, 'too large to be a certificate file');
      try {
        return readFileSync(names.get(path) ?? path);
      } catch (error) {
        throw new FsError('io', path, error instanceof Error ? error.message : String(error));
      }
    },
    open: () => undefined,
  };
}

function filesAsStores(paths: readonly string[]): StoreType {
  return {
    id: 'certificate-file',
    title: 'Files that rootaudit check was given',
    platforms: ['linux'],
    locate: () =>
      paths.map((path) => ({ path, application: 'a file', scope: 'application', format: 'certificates' })),
    read: (target, { path }, { storePasswords }) => [contentOf(target.fs, path, storePasswords)],
    planRemoval: (_target, { path }) =>
      manual(`Take it out of ${path}, and find out who put it there.`, false),
  };
}

function contentOf(fs: ReadFs, path: string, passwords: readonly string[]): StoreContent {
  const { entries, diagnostics } = parseCertificates(fs.read(path) ?? new Uint8Array(), passwords);
  const trust = trustedForAll('in a file that was given');
  return {
    anchors: entries.map(({ der, name, lines }, k) => ({
      certificate: certificateFrom(der),
      entry: name ?? `certificate ${k + 1} of ${entries.length}`,
      path,
      trust,
      ...(lines && { lines: { ...lines, certificatesInFile: entries.length } }),
    })),
    problems: diagnostics.flatMap((diagnostic) => diagnosticToProblem(diagnostic, path) ?? []),
    notes: [],
  };
}
