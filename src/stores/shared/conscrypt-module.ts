/**
 * The module that Android 14 and later take their roots from, where it is not mounted: an archive on the system
 * partition, or its update on the data partition, which stands above it. Source: system/apex of Android's sources.
 */

import { posix } from 'node:path';
import type { Diagnostic, Parsed } from '../../core/errors.ts';
import type { StoreContent } from '../../core/store.ts';
import { unlessRefused, type Target } from '../../core/target.ts';
import { asBuffer } from '../../core/bytes.ts';
import { readApexDirectory, type ApexFile } from '../../formats/apex.ts';
import { MODULE_LIMITS } from './android-directory.ts';
import { DATA, placesOf, SYSTEM } from './android-places.ts';
import { exists, readFile } from './content.ts';
import { expandPaths } from './directories.ts';
import { oncePerTarget } from './once.ts';

/** Google's own build, and how its packed form is called on its phones. */
const PREINSTALLED = /\/com\.(?:google\.)?android\.conscrypt(?:_[a-z]+)*\.c?apex$/;
const UPDATED = /\/com\.android\.conscrypt@(\d{1,15})[^/]*\.apex$/;
/** Packed modules are unpacked to the second of these. */
const UPDATES = ['/apex/active', '/apex/decompressed'];
/** From this version of the interface on (Android 14) the roots are in the module. */
const SDK_WITH_MODULE = 34;

interface Modules {
  /** The one that Android uses comes first. */
  readonly files: readonly string[];
  /** Directories that may not be listed. */
  readonly refused: readonly string[];
}

export const conscryptModules = oncePerTarget((target): Modules => {
  const refused: string[] = [];
  const filesIn = (directory: string, pattern: string, name: RegExp): string[] =>
    expandPaths(target, `${directory}/${pattern}`, (path) => refused.push(path)).filter(
      (path) => name.test(path) && exists(target, path, 'file'),
    );
  const updates = UPDATES.flatMap((inside) =>
    placesOf(target, DATA, inside).flatMap((directory) =>
      filesIn(directory, 'com.android.conscrypt@*', UPDATED).toSorted((a, b) => versionOf(b) - versionOf(a)),
    ),
  );
  const preinstalled = placesOf(target, SYSTEM, '/apex').flatMap((directory) =>
    filesIn(directory, 'com.*', PREINSTALLED),
  );
  return { files: [...updates, ...preinstalled], refused };
});

function versionOf(path: string): number {
  return Number(UPDATED.exec(path)?.[1] ?? 0);
}

type ModuleRoots = Parsed<ApexFile> | { readonly failed: StoreContent };

/** What the module in use holds; undefined where there is none, or this Android takes no roots from it. */
export const moduleRoots = oncePerTarget((target): ModuleRoots | undefined => {
  const [path] = conscryptModules(target).files;
  if (path === undefined || (sdkVersion(target) ?? SDK_WITH_MODULE) < SDK_WITH_MODULE) return undefined;
  const file = readFile(target, path);
  if ('failed' in file) return file;
  const { entries, diagnostics } = readApexDirectory(file.bytes, 'cacerts', MODULE_LIMITS);
  return { entries, diagnostics: diagnostics.map(withAdvice) };
});

function withAdvice(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== 'unsupported') return diagnostic;
  const advice =
    'mount it at /apex/com.android.conscrypt below the directory that is scanned, or scan the device itself with --adb';
  return { ...diagnostic, message: `${diagnostic.message}; ${advice}` };
}

/** Why the module is not what this system's roots come from; undefined for the one that is used. */
export function whyUnusedModule(target: Target, path: string): string | undefined {
  const [used = path] = conscryptModules(target).files;
  if (path !== used) return `not used: ${used} is there too, and Android takes that one`;
  return moduleRoots(target) ? undefined : 'not used: Android takes its roots from it from version 14 on';
}

export function isModuleFile(path: string): boolean {
  return /\.c?apex$/.test(posix.basename(path));
}

function sdkVersion(target: Target): number | undefined {
  for (const path of placesOf(target, SYSTEM, '/build.prop')) {
    const bytes = unlessRefused(() => target.fs.read(path, 1 << 20));
    const text = asBuffer(bytes ?? new Uint8Array()).toString('latin1');
    const [, version] = /^ro\.(?:system\.)?build\.version\.sdk=(\d{1,4})\s*$/m.exec(text) ?? [];
    if (version !== undefined) return Number(version);
  }
  return undefined;
}
