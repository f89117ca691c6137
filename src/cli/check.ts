/** `rootaudit check` */

import { Option, type Command } from 'commander';
import { checkFiles, type CheckedFile, type ListedCertificate } from '../api/check.ts';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { count, visible } from '../core/text.ts';
import { severityRank } from '../match/matcher.ts';
import { EXIT } from './exit-code.ts';
import { describe, type HelpDetails } from './help.ts';
import {
  addBlocklistOption,
  openChosenBlocklist,
  type BlocklistOptions,
  type Surroundings,
} from './options.ts';
import { addPasswordOptions, passwordsOf, type PasswordOptions } from './store-passwords.ts';

interface CheckOptions extends BlocklistOptions, PasswordOptions {
  readonly failOn: Severity;
  readonly allowIncomplete: boolean;
}

const DETAILS: HelpDetails = {
  about: [
    'For certificates in a repository or a package, before anything trusts them: PEM, DER, PKCS#7, PKCS#12, Java keystores and .sst files. A root that clean, current systems ship is told with --verbose only.',
  ],
  exitCodes: [
    [0, 'no certificate in the files is listed at or above --fail-on'],
    [1, 'one is'],
    [2, 'wrong usage, or there is no such file'],
    [3, 'none was found, but a file could not be read (--allow-incomplete turns this into 0)'],
  ],
  examples: [
    ['rootaudit check certs/*.pem', 'the certificates of a project'],
    ['rootaudit check --fail-on high -- "$file"', 'in a script, whatever the name of the file'],
  ],
};

export function addCheckCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('check <files...>')
    .description('tell whether certificate files hold roots that are on the blocklist')
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 when a certificate is this bad or worse')
        .choices(SEVERITIES)
        .default('medium'),
    )
    .option('--allow-incomplete', 'exit with 0 although a file could not be read', false);
  addBlocklistOption(addPasswordOptions(command)).action(
    (paths: readonly string[], options: CheckOptions) => {
      const blocklist = openChosenBlocklist(options, surroundings);
      const files = checkFiles(paths, blocklist, passwordsOf(options));
      surroundings.stdout.write(textOf(files, options, surroundings.terminal));
      process.exitCode = exitCodeOf(files, options);
    },
  );
  describe(command, DETAILS);
}

/** As in a scan: what clean systems ship is no alarm. */
function isAlarm({ match: { severity, stillShippedBy } }: ListedCertificate, failOn: Severity): boolean {
  return stillShippedBy.length === 0 && severityRank(severity) >= severityRank(failOn);
}

function exitCodeOf(files: readonly CheckedFile[], { failOn, allowIncomplete }: CheckOptions): number {
  if (files.some(({ listed }) => listed.some((each) => isAlarm(each, failOn)))) return EXIT.findings;
  const complete = files.every(({ problems }) => problems.length === 0);
  return complete || allowIncomplete ? EXIT.clean : EXIT.incomplete;
}

function textOf(
  files: readonly CheckedFile[],
  { failOn }: CheckOptions,
  { quiet, verbose }: Surroundings['terminal'],
): string {
  const lines = files.flatMap(({ path, listed, problems }) => [
    ...listed.filter((each) => verbose || isAlarm(each, failOn)).map((each) => listedLine(path, each)),
    ...problems.map(({ message }) => `${visible(path)}: not read: ${visible(message)}`),
  ]);
  if (!quiet) {
    const certificates = files.reduce((sum, file) => sum + file.certificates, 0);
    const alarms = files.reduce(
      (sum, { listed }) => sum + listed.filter((each) => isAlarm(each, failOn)).length,
      0,
    );
    lines.push(
      `${count(files.length, 'file')}, ${count(certificates, 'certificate')}: ${alarms || 'none'} on the blocklist at or above ${failOn}.`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

function listedLine(path: string, { certificate, match }: ListedCertificate): string {
  const { advisory, severity, kind, stillShippedBy } = match;
  const how = kind === 'certificate' ? '' : `, by its ${kind}`;
  const shipped = stillShippedBy.length === 0 ? '' : `, shipped by ${stillShippedBy.join(', ')}`;
  const name = visible(certificate.subject, 200);
  return `${visible(path)}: ${severity}: ${name} (${advisory.id}: ${advisory.title}${how}${shipped})`;
}
