/** Images with a planted root, and the built command that is to find it. */

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Report } from '../../src/report/report.ts';
import { advisory, blocked, writeBlocklist } from './blocklist.ts';
import { makeCertificate } from './certificates.ts';
import { dockerMembers, ociFiles, writeFiles, writeTemporary, type TestImage } from './images.ts';
import { PROJECT, rootaudit } from './rootaudit.ts';
import { makeFilesTar, makeTar } from './tar.ts';
import { makeTemporaryDirectory } from './tree.ts';

export const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
export const good = makeCertificate({ subject: { CN: 'Good Root' } });
export const LOCAL = '/usr/local/share/ca-certificates/corp.crt';

export const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', certificates: [blocked(bad, { id: 'planted' })] })],
  certificates: [bad.der],
  programs: { roots: { [good.sha256]: ['mozilla'] } },
});

export const BASE = makeFilesTar({
  'etc/os-release': 'ID=debian\n',
  'etc/ca-certificates.conf': 'mozilla/Good.crt\n',
  'usr/share/ca-certificates/mozilla/Good.crt': good.pem,
  'etc/ssl/certs/ca-certificates.crt': good.pem,
});
export const PLANT = makeFilesTar({ [LOCAL.slice(1)]: bad.pem });
export const UNRELATED = makeFilesTar({ 'opt/app/readme': 'x' });
const DELETION = makeTar([{ path: 'usr/local/share/ca-certificates/.wh.corp.crt', content: '' }]);

export const layersOf = (...plain: readonly Uint8Array[]): TestImage => ({
  names: ['example/app:1.2'],
  platform: 'linux/amd64',
  layers: plain.map((bytes, index) => ({
    plain: bytes,
    packed: gzipSync(bytes),
    createdBy: `COPY ${index} /`,
  })),
});

export const PLANTED = layersOf(BASE, PLANT, UNRELATED);
export const CLEANED = layersOf(BASE, PLANT, DELETION);

export const archive = (image: TestImage): string =>
  writeTemporary('app.tar', makeTar(dockerMembers([image], 'legacy')));
export const layout = (image: TestImage): string => writeFiles(ociFiles([image]));

export const COMMON = [
  'scan',
  '--no-policy',
  '--blocklist',
  BLOCKLIST,
  '--platform',
  'linux/amd64',
  '-f',
  'json',
];
export const COMMAND = join(PROJECT, 'bin/rootaudit.js');

interface Result {
  readonly reports: readonly Report[];
  readonly status: number | null;
  readonly stderr: string;
}

export function scan(...args: readonly string[]): Result {
  const { stdout, stderr, status } = rootaudit([...COMMON, ...args]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
  const parsed = (stdout === '' ? { reports: [] } : JSON.parse(stdout)) as
    Report | { readonly reports: Report[] };
  return { reports: 'reports' in parsed ? parsed.reports : [parsed], status, stderr };
}

export function placesOf({ reports }: Result): unknown {
  return reports.map(({ findings }) =>
    findings.flatMap(({ advisory: id, locations }) =>
      locations.map(({ path, layer, trust }) => ({ id, path, layer, trust })),
    ),
  );
}

export const FOUND = { id: 'planted', path: LOCAL, layer: 1, trust: 'trusted' };
