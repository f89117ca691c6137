/** Bundles inside packages whose directories are named after them: `excon-0.110.0/data/cacert.pem`. */

import { FsError, type Target } from '../../core/target.ts';
import type { CertificateFile } from './certificate-files.ts';

/** The name without a version, and the bundles below it. */
export type PackageBundles = Readonly<Record<string, readonly string[]>>;

/** The bundles that lie in packages in `directory`; they may not exist. */
export function* bundlesOfPackages(
  target: Target,
  directory: string,
  language: string,
  packages: PackageBundles,
): Generator<CertificateFile> {
  for (const name of namesIn(target, directory)) {
    const version = /-v?\d[\w.]*$/.exec(name)?.index;
    const bundles = packages[version === undefined ? name : name.slice(0, version)] ?? [];
    for (const bundle of bundles) {
      yield { path: `${directory}/${name}/${bundle}`, application: `${language}: ${name}` };
    }
  }
}

function namesIn(target: Target, directory: string): string[] {
  try {
    return target.fs.list(directory).map(({ name }) => name);
  } catch (error) {
    if (error instanceof FsError) return [];
    throw error;
  }
}
