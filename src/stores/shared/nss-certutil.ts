/** NSS's certutil on the databases of a directory, in either format: a check of each name, then one run for each. */

import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { copyCommands } from './backup.ts';
import { exists } from './content.ts';
import { checkArguments, checkCommands, type SelectorCheck } from './nss-selector.ts';
import { editAction, placeholderFor, type Step } from './steps.ts';
import { stillHolds } from './unchanged.ts';

export interface CertutilRun {
  /** Without links. */
  readonly directory: string;
  readonly format: 'sql' | 'dbm';
  /** Names of the files that certutil opens; those that are there are copied first. */
  readonly files: readonly string[];
  /** The file that has to be the one that was scanned, else the choice of a name may be wrong by now. */
  readonly guard: string;
  /** For `-n`, in order. */
  readonly names: readonly string[];
  readonly checks: readonly SelectorCheck[];
  /** True to have NSS refuse the certificates, false to delete them. */
  readonly refuse: boolean;
}

export function runCertutil(target: Target, location: StoreLocation, run: CertutilRun): Step {
  const { directory, format, guard, names, checks, refuse } = run;
  const files = run.files
    .map((name) => `${directory}/${name}`)
    .filter((path) => exists(target, path, 'file'));
  const placeholder = placeholderFor(names);
  const copy = `${format}:${placeholder.placeholder ?? '{}'}`;
  const [verb, trust] = refuse ? ['-M', ['-t', 'p,p,p']] : ['-D', []];
  const runs = [
    ...checkArguments(target, copy, checks),
    ...names.map((name) => ['certutil', verb, '-d', copy, '-n', name, ...trust]),
  ];
  const actions = [editAction(target, { path: directory, directory: true, files }, runs, placeholder)];
  const host = target.hostPath(directory);
  if (!canQuoteSh(host)) return { commands: undefined, undo: [], actions };
  const { commands, undo } = copyCommands(target, location, files);
  const database = `${format}:${host}`;
  return {
    commands: [
      ...(files.length > 0 ? [stillHolds(target, `${directory}/${guard}`)] : []),
      ...commands,
      ...checkCommands(target, database, checks),
      ...names.map((name) =>
        [`certutil ${verb} -d ${quoteSh(database)} -n ${quoteSh(name)}`, ...trust].join(' '),
      ),
    ],
    undo,
    actions,
  };
}
