/** `rootaudit check` */

import type { Command } from 'commander';
import { checkFiles } from '../api/check.ts';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { count, visible } from '../core/text.ts';
import { isAccepted, isAlarm } from '../report/acceptance.ts';
import type { Finding, Location, Report } from '../report/report.ts';
import { severityRank } from '../match/matcher.ts';
import { exitCodeOf, exitMeaning } from './exit-code.ts';
import { describe, type HelpDetails } from './help.ts';
import {
  addBlocklistOption,
  openChosenBlocklist,
  type BlocklistOptions,
  type Surroundings,
} from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { addFailOnOption, addPolicyFileOptions, loadJudgement, type PolicyOptions } from './policy.ts';
import { addPasswordOptions, passwordsOf, type PasswordOptions } from './store-passwords.ts';

interface CheckOptions
  extends BlocklistOptions, PasswordOptions, OutputOptions, Omit<PolicyOptions, 'baseline'> {
  readonly allowIncomplete: boolean;
}

const DETAILS: HelpDetails = {
  about: [
    'For certificates in a repository or a package, before anything trusts them: PEM, DER, PKCS#7, PKCS#12, Java keystores and .sst files. A root that clean, current systems ship is told with --verbose only.',
    'What the policy forbids fails as well, and what it waives by fingerprint, advisory or path does not; its allow, require and only are about machines, not files. The other formats tell of each file as of a store that trusts what it holds.',
  ],
  exitCodes: [
    [0, 'no certificate in the files is listed at or above --fail-on, or forbidden by the policy'],
    [1, 'one is'],
    [2, 'wrong usage, or there is no such file'],
    [3, 'none was found, but a file could not be read (--allow-incomplete turns this into 0)'],
  ],
  examples: [
    ['rootaudit check certs/*.pem', 'the certificates of a project'],
    ['rootaudit check -f sarif=out.sarif *.pem', 'for a program, too'],
    ['rootaudit check --fail-on high -- "$file"', 'in a script, whatever the name of the file'],
  ],
};

/** The others speak of what a machine trusts. */
const FORMATS = ['table', 'json', 'ndjson', 'csv', 'sarif', 'junit'] as const;

export function addCheckCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('check <files...>')
    .description('tell whether certificate files hold roots that are on the blocklist');
  addFormatOption(command, 'reports', FORMATS);
  addFailOnOption(command, 'exit with 1 when a certificate is this bad or worse', SEVERITIES);
  addPolicyFileOptions(command).option(
    '--allow-incomplete',
    'exit with 0 although a file could not be read',
    false,
  );
  addBlocklistOption(addPasswordOptions(command)).action((paths: readonly string[], options: CheckOptions) =>
    runCheck(paths, options, surroundings),
  );
  describe(command, DETAILS);
}

async function runCheck(
  paths: readonly string[],
  options: CheckOptions,
  surroundings: Surroundings,
): Promise<void> {
  const { policy, failOn } = await loadJudgement(options, surroundings);
  const blocklist = openChosenBlocklist(options, surroundings);
  const { report, names } = await checkFiles(paths, { blocklist, policy, passwords: passwordsOf(options) });
  const code = exitCodeOf(report, { failOn, allowIncomplete: options.allowIncomplete });
  const details = {
    failOn,
    now: new Date().toISOString(),
    exit: { code, meaning: exitMeaning(code, report.complete) },
  };
  const { terminal } = surroundings;
  await writeOutputs(
    'reports',
    options,
    surroundings,
    (render, style, format) =>
      format === 'table' ? [textOf(report, names, failOn, terminal)] : render([report], style),
    details,
  );
  process.exitCode = code;
}

interface Line {
  readonly path: string;
  readonly text: string;
}

function textOf(
  report: Report,
  names: ReadonlyMap<string, string>,
  failOn: Severity,
  { quiet, verbose }: Surroundings['terminal'],
): string {
  const isTold = (finding: Finding): boolean => isFailure(finding, failOn);
  const { findings, problems, stores, policy } = report;
  const violations = (policy?.violations ?? []).filter((violation) => !isAccepted(violation));
  const lines: readonly Line[] = [
    ...findings.flatMap((finding) =>
      finding.locations
        .filter((location) => verbose || (isTold(finding) && location.waived !== true))
        .map((location) => ({ path: location.path, text: listedText(finding, location) })),
    ),
    ...violations.flatMap(({ kind, message, certificate, locations }) =>
      locations.map(({ path }) => ({
        path,
        text: `${kind}: ${visible(certificate?.subject ?? '', 200)} (${visible(message)})`,
      })),
    ),
    ...problems.map(({ path, message }) => ({ path, text: `not read: ${visible(message)}` })),
  ];
  const order = new Map(stores.map(({ path }, k) => [path, k]));
  const sorted = lines.toSorted((a, b) => (order.get(a.path) ?? 0) - (order.get(b.path) ?? 0));
  const printed = sorted.map(({ path, text }) => `${visible(names.get(path) ?? path)}: ${text}`);
  if (!quiet) printed.push(sumOf(report, failOn));
  return printed.map((line) => `${line}\n`).join('');
}

/** As in a scan. */
function isFailure(finding: Finding, failOn: Severity): boolean {
  return isAlarm(finding) && severityRank(finding.severity) >= severityRank(failOn);
}

function sumOf({ findings, stores }: Report, failOn: Severity): string {
  const certificates = stores.reduce((sum, { anchors }) => sum + anchors, 0);
  const placesOf = (those: readonly Finding[]): number =>
    those.reduce((sum, { locations }) => sum + locations.filter(({ waived }) => waived !== true).length, 0);
  const alarms = placesOf(findings.filter((finding) => isFailure(finding, failOn)));
  return `${count(stores.length, 'file')}, ${count(certificates, 'certificate')}: ${alarms || 'none'} on the blocklist at or above ${failOn}.`;
}

function listedText(finding: Finding, { waived }: Location): string {
  const { advisory, title, severity, match, stillShippedBy, certificate, waiver } = finding;
  const how = match === 'certificate' ? '' : `, by its ${match}`;
  const shipped = stillShippedBy.length === 0 ? '' : `, shipped by ${stillShippedBy.join(', ')}`;
  const accepted = waived === true ? `, waived${waiver ? ` until ${waiver.expires}` : ''}` : '';
  const name = visible(certificate.subject, 200);
  return `${severity}: ${name} (${advisory}: ${visible(title)}${how}${shipped}${accepted})`;
}
