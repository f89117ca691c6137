import { describe, expect, it } from 'vitest';
import { jks, jksTrusted } from '../../src/selftest/keystores.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const shipped = makeCertificate({ subject: { CN: 'Shipped Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [
    advisory({
      id: 'planted',
      title: 'Planted',
      severity: 'high',
      certificates: [blocked(bad), blocked(shipped, { id: 'shipped', stillShippedBy: ['apple'] })],
    }),
  ],
});
const files = makeTree({
  '/bad.pem': bad.pem,
  '/bad.der': bad.der,
  '/bad.jks': jks([jksTrusted('planted', bad.der)]),
  '/shipped.pem': shipped.pem,
  '/bundle.pem': good.pem + bad.pem,
  '/good.pem': good.pem,
  '/key.pem': good.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  '/cut.pem': good.pem.slice(0, 200),
  '/--version': bad.pem,
});
const check = (...args: readonly string[]): ReturnType<typeof rootaudit> =>
  rootaudit(['check', '--blocklist', blocklist, ...args], {}, files);

describe('check', () => {
  it.each([
    ['a PEM file', ['bad.pem'], 1, 'bad.pem: high: CN=Planted Root (planted: Planted)\n'],
    ['a DER file', ['bad.der'], 1, 'bad.der: high: CN=Planted Root (planted: Planted)\n'],
    ['a keystore', ['bad.jks'], 1, 'bad.jks: high: CN=Planted Root (planted: Planted)\n'],
    ['a root that clean systems ship not', ['shipped.pem'], 0, ''],
    ['a bundle', ['bundle.pem'], 1, 'bundle.pem: high: CN=Planted Root (planted: Planted)\n'],
    [
      'a name like an option',
      ['--', '--version'],
      1,
      '--version: high: CN=Planted Root (planted: Planted)\n',
    ],
    ['nothing at or above --fail-on', ['--fail-on', 'critical', 'bad.pem'], 0, ''],
    ['nothing', ['good.pem', 'key.pem'], 0, ''],
    [
      'nothing readable',
      ['good.pem', 'cut.pem'],
      3,
      'cut.pem: not read: the block "CERTIFICATE" is not terminated\n',
    ],
    [
      'nothing readable, as allowed',
      ['--allow-incomplete', 'cut.pem'],
      0,
      'cut.pem: not read: the block "CERTIFICATE" is not terminated\n',
    ],
  ])('tells of %s', (_what, args, status, stdout) => {
    expect(check('--quiet', ...args)).toEqual({ status, stdout, stderr: '' });
  });

  it('says how much it looked at', () => {
    const { stdout } = check('bad.pem', 'bundle.pem', 'key.pem');
    expect(stdout.split('\n').at(-2)).toBe('3 files, 3 certificates: 2 on the blocklist at or above medium.');
    expect(check('good.pem').stdout).toBe(
      '1 file, 1 certificate: none on the blocklist at or above medium.\n',
    );
  });

  it('tells with --verbose of a root that clean systems ship', () => {
    const { status, stdout } = check('--verbose', 'shipped.pem');
    expect(status).toBe(0);
    expect(stdout).toContain('shipped.pem: high: CN=Shipped Root (planted: Planted, shipped by apple)\n');
  });

  it.each([
    ['a file that is not there', ['nothing.pem'], 'there is no nothing.pem'],
    ['a directory', ['.'], '. is not a file'],
    ['no file at all', [], "missing required argument 'files'"],
    ['a severity that there is none of', ['--fail-on', 'bad', 'bad.pem'], 'Allowed choices are'],
  ])('refuses %s', (_what, args, message) => {
    const { status, stdout, stderr } = check(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
