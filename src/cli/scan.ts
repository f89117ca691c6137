/** `rootaudit scan` */

import type { Command } from 'commander';
import type { Blocklist } from '../blocklist/load.ts';
import type { DeepResult } from '../core/embedded.ts';
import type { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { createMatcher, type Matcher } from '../match/matcher.ts';
import { SCHEMA_VERSION, type Report } from '../report/report.ts';
import { auditTarget, type AuditRules } from './audit-target.ts';
import { EXIT, exitCodeOf, worstOf } from './exit-code.ts';
import { tellFailure } from './failure.ts';
import {
  addBlocklistOption,
  addTargetOptions,
  openChosenBlocklist,
  TOOL,
  type BlocklistOptions,
  type Surroundings,
} from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { addPolicyOptions, loadJudgement, type PolicyOptions } from './policy.ts';
import { addImageOptions, openTargets, type ImageOptions } from './targets.ts';

interface ScanOptions extends BlocklistOptions, OutputOptions, PolicyOptions, ImageOptions {
  readonly allowIncomplete: boolean;
  readonly mitigated: boolean;
  readonly unverifiedNames: boolean;
  readonly removeShipped: boolean;
  readonly allLayers: boolean;
  readonly verbose: boolean;
  /** Directories, or true when none is named. */
  readonly deep?: true | readonly string[];
}

const HELP = `
Without a target this machine is audited. A target is a directory (a mounted or unpacked root), an archive of docker save,
an OCI layout (directory or tar), a tar of a root file system (also packed), - for standard input, or an image in a
registry; content tells them apart, and docker-archive:, oci:, tar:, dir: or registry: says it.

Exit codes:
  0  no root at or above --fail-on is trusted, the policy holds, and every store could be read
  1  such a root is trusted (or with --deep built into a program), or the policy is violated
  2  wrong usage, or the target cannot be read at all
  3  nothing found, but a store could not be read (--allow-incomplete turns this into 0)

Examples:
  $ rootaudit scan                            what does this machine trust that must go?
  $ sudo rootaudit scan                       the same, with the stores of every user
  $ rootaudit scan --root /mnt/disk           a mounted disk or an unpacked image
  $ rootaudit scan app.tar oci:layout         images, as docker save, skopeo or a build left them
  $ rootaudit scan registry:ghcr.io/example/app:1.2
  $ docker save app | rootaudit scan -        from standard input
  $ rootaudit scan --deep                     also look inside of programs, where they usually lie
  $ rootaudit scan --deep /opt/app fw.bin     inside of these directories and files
  $ rootaudit scan --fail-on high -f json     for a pipeline
  $ rootaudit scan --baseline last.json       fail only on what that report does not have
  $ rootaudit scan -f table -f sarif=out.sarif -f junit=out.xml   several formats at once`;

export function addScanCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('scan [targets...]')
    .description('find every trust store, and the roots in them that must go');
  addPolicyOptions(addImageOptions(addTargetOptions(addBlocklistOption(addFormatOption(command, 'reports')))))
    .option(
      '--all-layers',
      'also tell what a lower layer of an image trusted and an upper one deleted',
      false,
    )
    .option('--allow-incomplete', 'exit with 0 although a store could not be read', false)
    .option('--mitigated', 'also report roots that a store holds in order to refuse them', false)
    .option('--unverified-names', 'also suspect roots by name patterns nobody has seen in use', false)
    .option('--remove-shipped', 'print removal commands also for roots that clean systems ship', false)
    .option('-v, --verbose', 'print every finding in full, also those that are no alarm', false)
    .option(
      '--deep [paths...]',
      'also find roots that are built into programs, here or where programs usually lie',
    )
    .addHelpText('after', HELP)
    .action((references: readonly string[], options: ScanOptions) =>
      runScan(references, options, surroundings),
    );
}

async function runScan(
  references: readonly string[],
  options: ScanOptions,
  surroundings: Surroundings,
): Promise<void> {
  const judgement = await loadJudgement(options, surroundings);
  const blocklist = openChosenBlocklist(options, surroundings);
  const matcher = createMatcher(blocklist.compiled, {
    unverifiedNames: options.unverifiedNames,
    blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
  });
  const { deep } = options;
  const rules: AuditRules = {
    ...options,
    blocklist,
    matcher,
    judgement,
    ...(deep !== undefined && { lookInside: (target: Target) => lookInside(target, matcher, deep) }),
  };
  const reports: Report[] = [];
  let isWhole = true;
  for await (const opened of openTargets(references, options, surroundings)) {
    if ('target' in opened) reports.push(await auditTarget(opened.target, rules));
    else {
      isWhole = false;
      tellFailure(opened.error);
      reports.push(unreadableReport(opened.reference, opened.error, blocklist));
    }
  }
  const { verbose, allowIncomplete } = options;
  const { failOn } = judgement;
  const details = { verbose, failOn, now: new Date().toISOString() };
  await writeOutputs('reports', options, surroundings, (render, style) => render(reports, style), details);
  const codes = reports.map((report) => exitCodeOf(report, { failOn, allowIncomplete }));
  process.exitCode = isWhole ? worstOf(codes) : EXIT.usage;
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

async function lookInside(
  target: Target,
  matcher: Matcher,
  deep: true | readonly string[],
): Promise<DeepResult> {
  const { runDeep } = await import('./deep.ts');
  return runDeep(
    target,
    deep === true ? [] : deep,
    target.kind !== 'live',
    (certificate) => matcher(certificate).length > 0,
  );
}
