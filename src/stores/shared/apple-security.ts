/**
 * Runs of Apple's `security`, as shell commands and as data. The certificates are first written to files as they were
 * scanned, and each keychain has to hold exactly these bytes: `security` itself knows certificates by SHA-1 only.
 */

import type { Certificate } from '../../core/certificate.ts';
import type { Action, Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { backupDirectory } from './backup.ts';
import { pemBytes, pemLines } from './certificate-pem.ts';
import { planOf, writeAction } from './steps.ts';

/** One run, and those that undo it. */
export interface SecurityStep {
  readonly words: readonly string[];
  readonly changes: readonly string[];
  readonly undo: readonly (readonly string[])[];
}

export function run(
  words: readonly string[],
  changes: readonly string[],
  undo: readonly (readonly string[])[] = [],
): SecurityStep {
  return { words, changes, undo };
}

/** The place of what is written for `security`. It runs on the system at hand, where paths are those of the target. */
export interface Saved {
  readonly directory: string;
  /** For an export of trust settings. */
  readonly settings: string;
  fileOf(certificate: Certificate): string;
  exportWords(options: readonly string[]): string[];
  importWords(options: readonly string[]): string[];
}

export function savedIn(
  target: Target,
  location: StoreLocation,
  first: { readonly certificate: Certificate } | undefined,
): Saved {
  const directory = backupDirectory(target, location);
  const settings = `${directory}/${first?.certificate.sha256 ?? 'settings'}.plist`;
  return {
    directory,
    settings,
    fileOf: ({ sha256 }) => `${directory}/${sha256}.pem`,
    exportWords: (options) => ['security', 'trust-settings-export', ...options, settings],
    importWords: (options) => ['security', 'trust-settings-import', ...options, settings],
  };
}

interface SecurityPlan {
  readonly checks: readonly { readonly keychain: string; readonly file: string }[];
  readonly steps: readonly SecurityStep[];
  readonly elevated: boolean;
  readonly notes: readonly string[];
  readonly byHand: string;
}

/** Everything is checked before anything changes, and undone from the last to the first. */
export function planSecurity(
  target: Target,
  { directory }: Saved,
  certificates: readonly Certificate[],
  { checks, steps, elevated, notes, byHand }: SecurityPlan,
): Remediation {
  const files = certificates.map((certificate) => ({
    certificate,
    file: `${directory}/${certificate.sha256}.pem`,
  }));
  const undo = steps.toReversed().flatMap((step) => step.undo);
  const actions: readonly Action[] = [
    ...files.map(({ certificate, file }) => writeAction(target, file, pemBytes(certificate), 0o600)),
    ...checks.map(({ keychain, file }): Action => ({
      kind: 'run',
      argv: ['sh', '-c', holdsExactly('"$1"', '"$2"'), 'sh', keychain, file],
      changes: [],
    })),
    ...steps.map(({ words, changes, undo: back }): Action => ({
      kind: 'run',
      argv: words,
      changes,
      ...(back.length > 0 && { undo: back }),
    })),
  ];
  const canQuote = [...steps.flatMap(({ words }) => words), ...undo.flat(), directory].every(canQuoteSh);
  const commands = canQuote
    ? [
        `mkdir -p ${quoteSh(directory)}`,
        ...files.map(
          ({ certificate, file }) =>
            String.raw`printf '%s\n' ` + `${pemLines(certificate).map(quoteSh).join(' ')} > ${quoteSh(file)}`,
        ),
        ...checks.map(({ keychain, file }) => holdsExactly(quoteSh(keychain), quoteSh(file))),
        ...steps.map(({ words }) => line(words)),
      ]
    : undefined;
  const step = { commands, undo: canQuote ? undo.map(line) : [], actions };
  return planOf(target, [step], { elevated, notes, byHand });
}

/** Options are ours, whatever they look like. */
const OPTION = /^-[a-zA-Z]$/;

function line(words: readonly string[]): string {
  return words.map((word) => (OPTION.test(word) ? word : quoteSh(word))).join(' ');
}

/** Both are quoted. Fails unless the keychain holds these very bytes. */
function holdsExactly(keychain: string, file: string): string {
  const wanted = String.raw`$(sed -e '/-----/d' ${file} | tr -d '\n')`;
  return String.raw`security find-certificate -a -p ${keychain} | tr -d '\n' | grep -qF -e "${wanted}"`;
}
