import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { rootaudit, type Run } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'critical', certificates: [blocked(bad)] })],
  certificates: [bad.der],
});
const root = makeTree({ '/usr/local/share/ca-certificates/planted.crt': bad.pem });
const remove = (...args: readonly string[]): Run => rootaudit(['remove', '--blocklist', BLOCKLIST, ...args]);

it('prints a script instead of the plan, and exits as it would without', () => {
  const { status, stdout, stderr } = remove('--root', root, '--script', 'sh');
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  expect(stdout).toMatch(/^#!\/bin\/sh\n/);
  expect(stdout).toContain('delete_file 1 1 /usr/local/share/ca-certificates/planted.crt');
});

it('writes a script into a file', () => {
  const file = join(makeTemporaryDirectory(), 'playbook.yml');
  const { status, stdout } = remove('--root', root, '--script', 'ansible', '-o', file);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(readFileSync(file, 'utf8')).toMatch(/^---\n/);
});

it.each<readonly [string, readonly string[], string]>([
  ['a file without a script', ['--root', root, '-o', 'x'], '--output is for --script'],
  ['a script that is also to be done', ['--root', root, '--script', 'sh', '--apply'], 'cannot be used with'],
  ['an image and a root', ['--root', root, '--image', 'x.tar'], 'cannot be used with'],
  ['a change of an image', ['--image', 'x.tar', '--apply', '--yes'], 'an image is not changed'],
  ['a directory for an image', ['--image', root], 'is no image'],
  ['a language that there is not', ['--root', root, '--script', 'fish'], 'is invalid'],
  ['a language of another system', ['--root', root, '--script', 'powershell'], 'It is for a running Windows'],
  ['a Dockerfile for what is no image', ['--root', root, '--script', 'dockerfile'], 'It is for an image'],
])('refuses %s', (_, args, message) => {
  const { status, stdout, stderr } = remove(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
});
