/** What somebody who is not root is told of settings that root alone may read: the same root, scanned as both. */

import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTree } from '../support/tree.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { describeWith, TOOL_ENVIRONMENT } from './support/tools.ts';

const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const CA = '/opt/ca.pem';
const bad = makeCertificate({ subject: { CN: 'Named by a setting' } });

/** The command, its list and the root have to be within reach of everyone. */
function isReachable(path: string): boolean {
  const { status } = spawnSync('setpriv', [...NOBODY, 'test', '-r', path], { env: TOOL_ENVIRONMENT });
  return status === 0;
}

function scanAs(how: readonly string[], root: string, blocklist: string): Report {
  const scan = [join(PROJECT, 'bin/rootaudit.js'), 'scan', '--format', 'json'];
  const args = [...how, process.execPath, ...scan, '--root', root, '--blocklist', blocklist];
  const { stdout } = spawnSync('env', args, { encoding: 'utf8', env: TOOL_ENVIRONMENT });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
  return JSON.parse(stdout) as Report;
}

describeWith(['root', 'setpriv'], 'a root with settings that are closed to others', () => {
  const root = makeTree({
    '/etc/passwd': 'ann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n',
    '/etc/environment': `SSL_CERT_FILE=${CA}\n`,
    '/etc/default/cacerts': '',
    '/etc/systemd/system/a.service.d/own.conf': `[Service]\nEnvironment=CURL_CA_BUNDLE=${CA}\n`,
    '/home/ann/.aws/config': `ca_bundle = ${CA}\n`,
    '/home/bob/.curlrc': `cacert = ${CA}\n`,
    [CA]: bad.pem,
  });
  const blocklist = blocklistOf(bad);
  const modes: Readonly<Record<string, number>> = {
    [root]: 0o755,
    [blocklist]: 0o755,
    [`${root}/etc/environment`]: 0o600,
    [`${root}/etc/default/cacerts`]: 0o600,
    [`${root}/etc/systemd/system/a.service.d`]: 0o700,
    [`${root}/home/ann/.aws`]: 0o700,
    [`${root}/home/bob`]: 0o700,
  };
  for (const [path, mode] of Object.entries(modes)) chmodSync(path, mode);
  const reachable = [PROJECT, root, process.execPath].every(isReachable);

  it('is whole for root, who finds the certificate', () => {
    const { complete, findings } = scanAs([], root, blocklist);
    expect(complete).toBe(true);
    expect(findings).toMatchObject([{ status: 'trusted' }]);
  });

  it.skipIf(!reachable)('is not whole for others, who are told of each place once', () => {
    const report = scanAs(['setpriv', ...NOBODY], root, blocklist);
    expect(report.complete).toBe(false);
    expect(report.findings).toEqual([]);
    expect(report.problems.map(({ code, path }) => `${path}: ${code}`).toSorted()).toEqual([
      '/etc/environment: unreadable',
      '/etc/systemd/system/a.service.d: unreadable',
      '/home/ann/.aws: unreadable',
    ]);
    expect(report.notes.filter((note) => note.includes('/home/bob'))).toHaveLength(1);
    const closed = report.stores.filter(({ type }) => type === 'unreadable-places');
    expect(closed.flatMap(({ notes }) => notes)).toEqual([
      '/etc/default: cacerts may not be read, so whether it names certificates is not known',
    ]);
  });
});
