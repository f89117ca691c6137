/** Unpacked roots in temporary directories, and the samples, for the tests of formats and store types. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType } from '../../src/core/store.ts';
import type { Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeTree, type Node } from './tree.ts';

export interface TestRoot {
  readonly path: string;
  /** Opened anew each time, because an open target remembers what it has seen. */
  readonly target: Target;
  at(path: string): string;
}

/** A path that ends in `/` is an empty directory. */
export function makeRoot(files: Readonly<Record<string, Node>>): TestRoot {
  const isDirectory = (path: string): boolean => path.endsWith('/');
  const tree = Object.fromEntries(Object.entries(files).filter(([path]) => !isDirectory(path)));
  const path = realpathSync(makeTree(tree));
  const at = (inside: string): string => join(path, inside);
  for (const directory of Object.keys(files).filter(isDirectory))
    mkdirSync(at(directory), { recursive: true });
  return {
    path,
    at,
    get target() {
      return openDirectory(path);
    },
  };
}

/** The store types' locations by path. */
export function locate(
  stores: readonly StoreType[],
  target: Target,
): Map<string, [StoreType, StoreLocation]> {
  return new Map(
    stores.flatMap((store) =>
      store
        .locate(target)
        .map((location): [string, [StoreType, StoreLocation]] => [location.path, [store, location]]),
    ),
  );
}

/** What matters of a content, a line per anchor: "ca.pem = trusted". */
export function outline({ anchors }: StoreContent): string[] {
  return anchors.map(({ entry, trust }) => `${entry} = ${trustStatus(trust)}`);
}

/** Runs commands but for the one that calls the target's update tool; returns those left out. */
export function runCommands(commands: Remediation['commands']): string[] {
  const left: string[] = [];
  for (const command of commands) {
    if (command.startsWith('chroot ')) left.push(command);
    else execFileSync('sh', ['-euc', command]);
  }
  return left;
}

const SAMPLES = '../shared/samples';

export function hasSample(name: string): boolean {
  return existsSync(join(SAMPLES, name));
}

export function sample(name: string): Buffer {
  return readFileSync(join(SAMPLES, name));
}
