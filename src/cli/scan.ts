/** `rootaudit scan` */

import { Option, type Command } from 'commander';
import { scan } from '../audit/scan.ts';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import type { DeepResult } from '../core/embedded.ts';
import type { Target } from '../core/target.ts';
import { createMatcher, type Matcher } from '../match/matcher.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { styleOf } from './environment.ts';
import { exitCodeOf } from './exit-code.ts';
import {
  addBlocklistOption,
  addFormatOption,
  addTargetOptions,
  openChosenBlocklist,
  openTarget,
  rendererFor,
  TOOL,
  type CommonOptions,
  type Surroundings,
  type TargetOptions,
} from './options.ts';

interface ScanOptions extends CommonOptions, TargetOptions {
  readonly failOn: Severity;
  readonly allowIncomplete: boolean;
  readonly mitigated: boolean;
  readonly unverifiedNames: boolean;
  readonly removeShipped: boolean;
  readonly verbose: boolean;
  /** Directories, or true when none is named. */
  readonly deep?: true | readonly string[];
}

const HELP = `
Exit codes:
  0  no root at or above --fail-on is trusted, and every store could be read
  1  such a root is trusted, or with --deep built into a program
  2  wrong usage, or the target cannot be read at all
  3  nothing found, but a store could not be read (--allow-incomplete turns this into 0)

Examples:
  $ rootaudit scan                            what does this machine trust that must go?
  $ sudo rootaudit scan                       the same, with the stores of every user
  $ rootaudit scan --root /mnt/disk           a mounted disk or an unpacked image
  $ rootaudit scan --deep                     also look inside of programs, where they usually lie
  $ rootaudit scan --deep /opt/app fw.bin     inside of these directories and files
  $ rootaudit scan --fail-on high -f json     for a pipeline`;

export function addScanCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('scan')
    .description('find every trust store, and the roots in them that must go');
  addTargetOptions(addBlocklistOption(addFormatOption(command)))
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 when a trusted root is this bad or worse')
        .choices([...SEVERITIES])
        .default('medium'),
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
    .action((options: ScanOptions) => runScan(options, surroundings));
}

async function runScan(options: ScanOptions, surroundings: Surroundings): Promise<void> {
  const target = await openTarget(options, surroundings);
  const blocklist = openChosenBlocklist(options, surroundings);
  const { version, digest } = blocklist.compiled;
  const matcher = createMatcher(blocklist.compiled, {
    unverifiedNames: options.unverifiedNames,
    blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
  });
  const deep = await lookInside(target, matcher, options);
  const report = scan({
    target,
    stores: STORE_TYPES,
    matcher,
    blocklist: { version, digest },
    tool: TOOL,
    read: { storePasswords: options.storePassword },
    mitigated: options.mitigated,
    removeShipped: options.removeShipped,
    ...(deep && { deep }),
  });
  const renderer = await rendererFor(options);
  const { stdout, environment } = surroundings;
  stdout.write(renderer.reports([report], await styleOf(stdout, environment, options.verbose)));
  process.exitCode = exitCodeOf(report, options);
}

async function lookInside(
  target: Target,
  matcher: Matcher,
  { deep, root }: ScanOptions,
): Promise<DeepResult | undefined> {
  if (deep === undefined) return undefined;
  const { runDeep } = await import('./deep.ts');
  return runDeep(
    target,
    deep === true ? [] : deep,
    root !== undefined,
    (certificate) => matcher(certificate).length > 0,
  );
}
