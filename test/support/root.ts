/** Unpacked roots in temporary directories, for the tests of store types. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType } from '../../src/core/store.ts';
import type { Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { openDirectory } from '../../src/targets/directory.ts';

/** Content of a file, or the link that stands at its path. */
export type Node = string | Uint8Array | { readonly link: string };

export interface TestRoot {
  readonly path: string;
  readonly target: Target;
  at(path: string): string;
}

/** Made anew for the running test, and gone after it. */
export function makeRoot(files: Readonly<Record<string, Node>>): TestRoot {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'rootaudit-root-')));
  onTestFinished(() => {
    rmSync(path, { recursive: true, force: true });
  });
  const at = (inside: string): string => join(path, inside);
  for (const [name, node] of Object.entries(files)) {
    mkdirSync(dirname(at(name)), { recursive: true });
    if (name.endsWith('/')) mkdirSync(at(name), { recursive: true });
    else if (typeof node === 'object' && 'link' in node) symlinkSync(node.link, at(name));
    else writeFileSync(at(name), node);
  }
  return { path, target: openDirectory(path), at };
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

/** What matters of a content in one line per anchor: "ca.pem anchors/ trusted". */
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
