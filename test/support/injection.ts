/** Many entries with hostile names in one store: every other one goes, the rest stays, and no name is ever run. */

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { encodePath } from '../../src/core/shell.ts';
import type { RemovalPlan, RemovalResult } from '../../src/report/removal-plan.ts';
import { applyTo, planFor } from './apply.ts';
import { makeCertificate, makeKey, type TestCertificate } from './certificates.ts';
import { CANARY, HOSTILE_NAMES } from './hostile-names.ts';
import { differences, fastDirectory, treeAt, undoAll } from './removal.ts';

const key = makeKey();

export interface Named {
  readonly name: string;
  readonly certificate: TestCertificate;
}

/** One certificate for each name; the name is also its subject's. */
export function certificatesNamed(names: readonly string[], { ownKeys = false } = {}): readonly Named[] {
  return names.map((name, index) => ({
    name,
    certificate: makeCertificate({
      // Stores may look certificates up by subject: each has its own.
      subject: { O: String(index), CN: name.slice(0, 64) },
      ...(!ownKeys && { key }),
    }),
  }));
}

/** Names that a Linux file can have, with this ending. */
export function fileNames(ending = ''): readonly string[] {
  const possible = HOSTILE_NAMES.filter((name) => !/[/\0]/.test(name) && !/^\.{1,2}$/.test(name + ending));
  const short = possible.map((name) => cut(name, 250 - ending.length));
  // Different strings can be the same bytes.
  return [...new Map(short.map((name) => [encodePath(name).toString('latin1'), name])).values()];
}

/** As much of a name as fits into so many bytes. */
function cut(name: string, bytes: number): string {
  let text = name;
  while (Buffer.byteLength(text) > bytes) text = text.slice(0, -1);
  return text;
}

/** Where any of `tools` runs, what a name does in its directory is noticed: the directory is thrown away after it. */
export function watchTools(tools: readonly string[]): {
  readonly ran: () => boolean;
  readonly release: () => void;
} {
  const directory = fastDirectory();
  const log = join(directory, 'log');
  const before = process.env['PATH'] ?? '';
  for (const tool of tools) {
    const script = `#!/bin/sh\nPATH='${before}'\n'${tool}' "$@"\nstatus=$?\nif [ -e ${CANARY} ]; then echo ran >> '${log}'; fi\nexit $status\n`;
    mkdirSync(join(directory, 'bin'), { recursive: true });
    writeFileSync(join(directory, 'bin', tool), script);
    chmodSync(join(directory, 'bin', tool), 0o755);
  }
  process.env['PATH'] = `${join(directory, 'bin')}:${before}`;
  return {
    ran: () => existsSync(log) && readFileSync(log, 'utf8') !== '',
    release: () => {
      process.env['PATH'] = before;
    },
  };
}

export interface Injected {
  readonly plan: RemovalPlan;
  readonly result: RemovalResult;
}

/** `named` is everything that the root trusts. */
export async function expectNoInjection(
  root: string,
  named: readonly Named[],
  options: { readonly distrust?: boolean } = {},
): Promise<Injected> {
  const going = named.filter((_, index) => index % 2 === 0);
  const all = named.map(({ certificate }) => certificate.sha256);
  const trusted = (): ReadonlySet<string> =>
    new Set<string>(planFor(root, all).plan.certificates.map(({ certificate }) => certificate.sha256));
  expect(missing(named, trusted())).toEqual([]);
  const before = treeAt(root, { withAttributes: true });
  const base = fastDirectory();

  const planned = planFor(
    root,
    going.map(({ certificate }) => certificate.sha256),
    options.distrust === true,
  );
  const result = await applyTo(root, base, planned);
  const after = trusted();
  // What only a person can take out may be removed after all, when a tool has written the store anew.
  const left = new Set(result.left.map(({ sha256 }) => sha256));
  const stays = named.filter(({ certificate }, index) => index % 2 === 1 || left.has(certificate.sha256));
  expect(missing(stays, after)).toEqual([]);
  expect(after.size).toBe(stays.length);
  expect(existsSync(CANARY)).toBe(false);
  expect(Object.keys(treeAt(root)).filter((path) => path.endsWith(`/${CANARY}`))).toEqual([]);

  await undoAll(base);
  expect(differences(before, treeAt(root, { withAttributes: true }))).toEqual([]);
  rmSync(base, { recursive: true });
  return { plan: planned.plan, result };
}

function missing(named: readonly Named[], trusted: ReadonlySet<string>): readonly string[] {
  return named
    .filter(({ certificate }) => !trusted.has(certificate.sha256))
    .map(({ name }) => JSON.stringify(name));
}
