/**
 * `rootaudit selftest`: a store of every type, made in a temporary folder with a certificate and a
 * blocklist made on the spot, read by the same pipeline as any scan.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { scan } from '../audit/scan.ts';
import { openBlocklist, type Blocklist } from '../blocklist/load.ts';
import type { DeepResult } from '../core/embedded.ts';
import type { StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { scanPrograms } from '../deep/deep.ts';
import { createMatcher, type Matcher } from '../match/matcher.ts';
import type { FindingStatus, Report } from '../report/report.ts';
import { openDirectory } from '../targets/directory.ts';
import { advisory, blocked, writeBlocklist } from './blocklist.ts';
import { makeCertificate, type MadeCertificate } from './certificates.ts';
import type { Files, Plant } from './plant.ts';
import { PLANTS } from './plants.ts';

export interface SelftestRow {
  readonly store: string;
  readonly form: string;
  /** 0 where the type holds no certificate, or is named without being read. */
  readonly planted: number;
  readonly found: number;
  /** How the store says the certificate stands there; undefined when it was not found. */
  readonly trust?: FindingStatus;
  /** Where nothing is planted: the store was located, and the scan says of it what it should. */
  readonly told?: boolean;
}

export interface SelftestResult {
  readonly rows: readonly SelftestRow[];
  /** Ids of store types that nothing here writes. */
  readonly notCovered: readonly string[];
}

export async function selftest(stores: readonly StoreType[], tool: Report['tool']): Promise<SelftestResult> {
  const folder = mkdtempSync(join(tmpdir(), 'rootaudit-selftest-'));
  try {
    const certificate = makeCertificate({ subject: { C: 'XX', O: 'rootaudit', CN: 'Selftest Root' } });
    const blocklist = throwAwayBlocklist(join(folder, 'blocklist'), certificate);
    const rows: SelftestRow[] = [];
    for (const [index, plant] of PLANTS.entries()) {
      const root = join(folder, String(index));
      write(root, plant.files(certificate));
      // oxlint-disable-next-line no-await-in-loop -- one after the other, so that little lies on the disk at once
      rows.push(rowOf(plant, await report(root, plant, stores, blocklist, tool)));
      rmSync(root, { recursive: true, force: true });
    }
    const covered = new Set(PLANTS.map(({ store }) => store));
    return { rows, notCovered: stores.map(({ id }) => id).filter((id) => !covered.has(id)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function throwAwayBlocklist(directory: string, certificate: MadeCertificate): Blocklist {
  const id = 'selftest';
  const certificates = [blocked(certificate, { id })];
  return openBlocklist(
    writeBlocklist(directory, {
      advisories: [advisory({ id, certificates })],
      certificates: [certificate.der],
    }),
  );
}

function write(root: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(full, content);
  }
}

async function report(
  root: string,
  plant: Plant,
  stores: readonly StoreType[],
  blocklist: Blocklist,
  tool: Report['tool'],
): Promise<Report> {
  const target = openDirectory(root);
  const matcher = createMatcher(blocklist.compiled, {
    unverifiedNames: false,
    blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
  });
  const deep = plant.deep && (await lookInside(target, matcher));
  const { version, digest } = blocklist.compiled;
  return scan({
    target,
    stores,
    matcher,
    blocklist: { version, digest },
    tool,
    read: { storePasswords: [] },
    mitigated: true,
    removeShipped: false,
    ...(deep && { deep }),
  });
}

function lookInside(target: Target, matcher: Matcher): Promise<DeepResult> {
  const wanted: Parameters<typeof scanPrograms>[0]['wanted'] = (certificate) =>
    matcher(certificate).length > 0;
  return scanPrograms({ target, directories: [], wanted });
}

function rowOf({ store, form, says }: Plant, { findings, stores, problems }: Report): SelftestRow {
  if (says !== undefined) {
    const ids = new Set(stores.filter(({ type }) => type === store).map(({ id }) => id));
    const notes = stores.filter(({ id }) => ids.has(id)).flatMap((each) => each.notes);
    const messages = problems.filter((problem) => ids.has(problem.store ?? '')).map(({ message }) => message);
    const told = [...notes, ...messages].some((text) => text.includes(says));
    return { store, form, planted: 0, found: 0, told };
  }
  const typeById = new Map(stores.map(({ id, type }) => [id, type]));
  const first = findings
    .filter(({ match }) => match === 'certificate')
    .flatMap((finding) => finding.locations)
    .find((location) => typeById.get(location.store) === store);
  return { store, form, planted: 1, found: first ? 1 : 0, ...(first && { trust: first.trust }) };
}
