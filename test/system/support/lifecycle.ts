/** The promise of rootaudit, as one check: found, removed by the printed commands, gone, and back after the undo. */

import { expect } from 'vitest';
import type { Finding } from '../../../src/report/report.ts';
import { advisory, blocked, writeBlocklist } from '../../support/blocklist.ts';
import type { TestCertificate } from '../../support/certificates.ts';
import { scanReport } from '../../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../../support/tree.ts';
import { snapshot } from './snapshot.ts';
import { runScript } from './tools.ts';

/** A blocklist with nothing but this certificate. */
export function blocklistOf(...certificates: readonly Pick<TestCertificate, 'der'>[]): string {
  return writeBlocklist(makeTemporaryDirectory(), {
    advisories: [advisory({ id: 'planted', certificates: certificates.map((each) => blocked(each)) })],
    certificates: certificates.map(({ der }) => der),
  });
}

export interface Planted {
  readonly root: string;
  readonly blocklist: string;
  readonly certificate: Pick<TestCertificate, 'sha256'>;
  /** Ids of the stores at which it has to be removed. */
  readonly removedFrom: readonly string[];
  /** Paths that the undo puts back with their bytes, modes and times. */
  readonly sources: readonly string[];
  /** Paths that a tool makes anew: the undo gives them back their bytes and modes. */
  readonly generated?: readonly string[];
  /** Whatever else changes with the certificate, and nothing but: for a note in the report. */
  readonly disposition?: 'safe' | 'unsafe';
  /** Everything that a real tool of the target trusts; each line that is about a certificate has its SHA-256. */
  readonly trusted: () => readonly string[];
  /** The real tools that accept the planted certificate now. Default: what {@link trusted} says. */
  readonly acceptedBy?: () => readonly string[];
}

interface State {
  readonly trusted: readonly string[];
  readonly acceptedBy: readonly string[];
  readonly files: readonly ReadonlyMap<string, string>[];
}

function stateOf({ root, certificate, sources, generated = [], ...planted }: Planted): State {
  const trusted = planted.trusted().toSorted();
  return {
    trusted,
    acceptedBy: planted.acceptedBy?.() ?? trusted.filter((line) => line.includes(certificate.sha256)),
    files: [snapshot(root, sources, { withTimes: true }), snapshot(root, generated, { withTimes: false })],
  };
}

export function expectRemovalAndUndo(planted: Planted): void {
  const { certificate } = planted;
  const before = stateOf(planted);
  const others = before.trusted.filter((line) => !line.includes(certificate.sha256));
  expect(before.acceptedBy).not.toEqual([]);
  expect(others).not.toEqual([]);

  const finding = expectFound(planted);
  runScript(finding.remediations.flatMap(({ commands }) => commands));
  expect(scanOf(planted)).toEqual({ exitCode: 0, trusted: [], problems: [] });
  const { trusted, acceptedBy } = stateOf(planted);
  expect({ trusted, acceptedBy }).toEqual({ trusted: others, acceptedBy: [] });

  runScript(finding.remediations.toReversed().flatMap(({ undo }) => undo));
  expect(stateOf(planted)).toEqual(before);
  expect(expectFound(planted).locations).toEqual(finding.locations);
}

/** The one finding, which has to be the planted certificate. */
export function expectFound({
  root,
  blocklist,
  certificate,
  removedFrom,
  disposition = 'safe',
}: Omit<Planted, 'trusted' | 'acceptedBy' | 'sources'>): Finding {
  const { findings, problems, exitCode } = scanReport(['--root', root, '--blocklist', blocklist]);
  expect({ exitCode, problems }).toEqual({ exitCode: 1, problems: [] });
  expect(findings.map(({ status, certificate: { sha256 } }) => [status, sha256])).toEqual([
    ['trusted', certificate.sha256],
  ]);
  const [finding] = findings;
  if (!finding) throw new Error('no finding');
  expect(finding.remediations.map((each) => [each.store, each.disposition])).toEqual(
    removedFrom.map((store) => [store, disposition]),
  );
  return finding;
}

function scanOf({ root, blocklist }: Planted): unknown {
  const { exitCode, findings, problems } = scanReport(['--root', root, '--blocklist', blocklist]);
  const trusted = findings.filter(({ status }) => status === 'trusted');
  return { exitCode, trusted, problems };
}
