/** What the scripts for Windows know of a command of the plan: which certificate it is about, and where that lies. */

import type { RemovalPlan } from '../report/removal-plan.ts';
import { directoryOf, type ScriptStep } from './script.ts';

type Run = Extract<ScriptStep, { kind: 'run' }>;

/** The certificate that has to be in a key of the registry before the command runs; without the key it is done. */
export interface KeyGuard {
  readonly key: string;
  readonly sha256: string;
}

export function keyGuardOf(step: Run, { certificates }: RemovalPlan): KeyGuard | undefined {
  const { argv } = step;
  const places = certificates.flatMap(({ certificate, places: all }) =>
    all.map(({ path, entry }) => ({ ...certificate, path, entry })),
  );
  if (argv[0] === 'reg') {
    const place = places.find(({ path }) => path === argv[2]);
    return place && { key: place.path, sha256: place.sha256 };
  }
  if (argv[0] !== 'certutil' || argv.includes('-addstore')) return undefined;
  const isUser = argv.includes('-user');
  const sha1 = argv.find((word) => /^[0-9A-Fa-f]{40}$/.test(word))?.toLowerCase();
  const place = places.find(
    (each) =>
      each.sha1 === sha1 &&
      each.path.startsWith('HKCU\\') === isUser &&
      argv.includes(each.entry.split('\\')[0] ?? ''),
  );
  return place && { key: place.path, sha256: place.sha256 };
}

/** `certutil -addstore` takes a file, which has to hold the very certificate. */
export function fileGuardOf({ argv, certificates }: Run, plan: RemovalPlan): KeyGuard | undefined {
  if (argv[0] !== 'certutil' || !argv.includes('-addstore')) return undefined;
  const file = argv.at(-1) ?? '';
  const sha1 = /([0-9A-Fa-f]{40})\.cer$/.exec(file)?.[1]?.toLowerCase();
  const found = plan.certificates.find(
    ({ certificate }) => certificate.sha1 === sha1 && certificates.includes(certificate.sha256),
  );
  return found && { key: file, sha256: found.certificate.sha256 };
}

/** Commands that change nothing but what their undo brings back, or a copy of ours. */
export function isWindowsStep(step: Run, plan: RemovalPlan): boolean {
  return (
    directoryOf(step.argv) !== undefined ||
    keyGuardOf(step, plan) !== undefined ||
    fileGuardOf(step, plan) !== undefined
  );
}

/** `/C:/Users/…` as Windows writes it. */
export function windowsPath(path: string): string {
  return path.replace(/^\//, '').replaceAll('/', '\\');
}
