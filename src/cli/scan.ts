/** `rootaudit scan` */

import type { Command } from 'commander';
import { auditEach, type AuditRules } from '../api/audit.ts';
import { matcherFor } from '../api/blocklist.ts';
import type { DeepResult } from '../core/embedded.ts';
import type { Target } from '../core/target.ts';
import type { DeepProgress } from '../deep/deep.ts';
import type { Matcher } from '../match/matcher.ts';
import { EXIT, exitCodeOf, exitMeaning, worstOf } from './exit-code.ts';
import { tellFailure } from './failure.ts';
import { describe, type HelpDetails } from './help.ts';
import { KeptReports } from './kept-reports.ts';
import {
  addBlocklistOption,
  addTargetOptions,
  openChosenBlocklist,
  type BlocklistOptions,
  type Surroundings,
} from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { addPolicyOptions, loadJudgement, type PolicyOptions } from './policy.ts';
import { deepWords, storeProgress } from './progress-words.ts';
import type { Progress } from './progress.ts';
import { passwordsOf } from './store-passwords.ts';
import { addImageOptions, openTargets, type ImageOptions } from './targets.ts';

interface ScanOptions extends BlocklistOptions, OutputOptions, PolicyOptions, ImageOptions {
  readonly allowIncomplete: boolean;
  readonly mitigated: boolean;
  readonly unverifiedNames: boolean;
  readonly removeShipped: boolean;
  readonly allLayers: boolean;
  /** Directories, or true when none is named. */
  readonly deep?: true | readonly string[];
}

const DETAILS: HelpDetails = {
  about: [
    'Without a target this machine is audited. A target is a directory (a mounted or unpacked root), an archive of docker save, an OCI layout (directory or tar), a tar of a root file system (also packed), a disk image, - for standard input, or an image in a registry. Content tells them apart; docker-archive:, oci:, tar:, dir:, disk: or registry: before it says it.',
    'It only reads, and it needs no network but for an image in a registry, which it asks through the proxy of HTTPS_PROXY and NO_PROXY.',
  ],
  exitCodes: [
    [0, 'no root at or above --fail-on is trusted, the policy holds, and every store could be read'],
    [1, 'such a root is trusted (or with --deep built into a program), or the policy is violated'],
    [2, 'wrong usage, or the target cannot be read at all'],
    [3, 'nothing found, but a store could not be read (--allow-incomplete turns this into 0)'],
  ],
  examples: [
    ['rootaudit scan', 'what does this machine trust that must go?'],
    ['sudo rootaudit scan', 'the same, with the stores of every user'],
    ['rootaudit scan --root /mnt/disk', 'a mounted disk or an unpacked image'],
    ['rootaudit scan app.tar oci:layout', 'images, as docker save, skopeo or a build left them'],
    ['rootaudit scan registry:ghcr.io/example/app:1.2', 'an image in a registry'],
    ['docker save app | rootaudit scan -', 'from standard input'],
    ['rootaudit scan --deep', 'also look inside of programs, where they usually lie'],
    ['rootaudit scan --deep /opt/app fw.bin', 'inside of these directories and files'],
    ['rootaudit scan --fail-on high -f json', 'for a pipeline'],
    ['rootaudit scan --baseline last.json', 'fail only on what that report does not have'],
    ['rootaudit scan -f table -f sarif=out.sarif', 'several formats at once'],
  ],
};

export function addScanCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('scan [targets...]')
    .description('find every trust store, and the roots in them that must go');
  addTargetOptions(addBlocklistOption(addFormatOption(command, 'reports')));
  addPolicyOptions(addImageOptions(command, 'several'))
    .option(
      '--all-layers',
      'also tell what a lower layer of an image trusted and an upper one deleted',
      false,
    )
    .option('--allow-incomplete', 'exit with 0 although a store could not be read', false)
    .option('--mitigated', 'also report roots that a store holds in order to refuse them', false)
    .option('--unverified-names', 'also suspect roots by name patterns nobody has seen in use', false)
    .option('--remove-shipped', 'print removal commands also for roots that clean systems ship', false)
    .option(
      '--deep [paths...]',
      'also find roots that are built into programs, here or where programs usually lie',
    )
    .action((references: readonly string[], options: ScanOptions) =>
      runScan(references, options, surroundings),
    );
  describe(command, DETAILS);
}

async function runScan(
  references: readonly string[],
  options: ScanOptions,
  surroundings: Surroundings,
): Promise<void> {
  const judgement = await loadJudgement(options, surroundings);
  const blocklist = openChosenBlocklist(options, surroundings);
  const matcher = matcherFor(blocklist, options.unverifiedNames);
  const { deep } = options;
  const { progress } = surroundings.terminal;
  const tell = storeProgress(surroundings.terminal);
  const { mitigated, removeShipped, allLayers } = options;
  const rules: AuditRules = {
    mitigated,
    removeShipped,
    allLayers,
    blocklist,
    matcher,
    judgement,
    storePasswords: passwordsOf(options),
    ...(deep !== undefined && {
      lookInside: (target: Target) => lookInside(target, matcher, deep, progress),
    }),
    ...(tell && { progress: tell }),
  };
  const { allowIncomplete } = options;
  const { failOn } = judgement;
  const reports = new KeptReports();
  const codes = new Set<number>();
  let isComplete = true;
  let isWhole = true;
  for await (const { report, error } of auditEach(openTargets(references, options, surroundings), rules)) {
    reports.add(report);
    codes.add(exitCodeOf(report, { failOn, allowIncomplete }));
    isComplete &&= report.complete;
    if (error) {
      isWhole = false;
      progress?.clear();
      tellFailure(error);
    }
  }
  const code = isWhole ? worstOf(codes) : EXIT.usage;
  const exit = { code, meaning: exitMeaning(code, isComplete) };
  const details = { failOn, now: new Date().toISOString(), exit };
  // Before anything is written: whoever has seen enough ends this program by closing the pipe.
  process.exitCode = code;
  await writeOutputs('reports', options, surroundings, (render, style) => render(reports, style), details);
}

async function lookInside(
  target: Target,
  matcher: Matcher,
  deep: true | readonly string[],
  progress: Progress | undefined,
): Promise<DeepResult> {
  const { runDeep } = await import('../api/deep.ts');
  const paths = deep === true ? [] : deep;
  const show = progress && { progress: (state: DeepProgress) => progress.show(() => deepWords(state)) };
  return runDeep({ target, matcher, paths, ...show });
}
