/**
 * Windows end to end, in Wine: roots planted with reg.exe, found by the built command under Windows' Node.js, removed by
 * the printed commands, and brought back by the undo. What is trusted, crypt32 says.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { quoteCmd } from '../../src/core/windows-shell.ts';
import type { Report, StoreRemediation } from '../../src/report/report.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { blobProperty, certificateBlob } from '../support/windows.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { runScript } from './support/tools.ts';
import { describeOnWindows, MACHINE, thumbprint, toWine, USER, Wine, WINDOWS_NODE } from './support/wine.ts';

const bad = makeCertificate({ subject: { O: 'State', CN: 'Planted Root' } });
const neighbour = makeCertificate({ subject: { CN: 'Neighbour' } });
const blocklist = blocklistOf(bad);

const POLICY = String.raw`HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates`;

describeOnWindows('Windows', () => {
  let wine: Wine;
  beforeAll(() => {
    wine = new Wine();
  });
  afterAll(() => {
    wine.remove();
  });

  const keyOf = (store: string, certificate: TestCertificate): string =>
    `${store}\\Certificates\\${thumbprint(certificate)}`;
  const plant = (store: string, certificate: TestCertificate, properties: Buffer[] = []): void => {
    const blob = Buffer.concat([...properties, certificateBlob(certificate.der)]).toString('hex');
    wine.must('reg', 'add', keyOf(store, certificate), '/v', 'Blob', '/t', 'REG_BINARY', '/d', blob, '/f');
  };
  const scan = (): ReturnType<Wine['rootaudit']> =>
    wine.rootaudit(WINDOWS_NODE, ['--blocklist', toWine(blocklist)]);
  const isTrusted = (): boolean =>
    wine.systemRoots(WINDOWS_NODE).some((subject) => subject.includes('Planted Root'));
  const blobOf = (store: string): string =>
    wine.must('reg', 'query', keyOf(store, bad), '/v', 'Blob').replaceAll(/\s+/g, ' ');

  it.each([
    ['of the machine', `${MACHINE}\\ROOT`, `windows-machine:${MACHINE}`, 'safe'],
    ['of the user', `${USER}\\Root`, `windows-user:${USER}`, 'safe'],
    ['of a group policy', `${POLICY}\\Root`, `windows-policy:${POLICY}`, 'unsafe'],
  ])('a root %s is found, goes, and comes back with all its properties', (_of, place, store, disposition) => {
    const friendlyName = Buffer.from('ü\0', 'utf16le');
    plant(place, bad, [blobProperty(11, friendlyName)]);
    plant(place, neighbour);
    const stored = blobOf(place);
    expect(isTrusted()).toBe(true);

    const { status, report } = scan();
    expect({ status, problems: report.problems }).toEqual({ status: 1, problems: [] });
    const [finding] = report.findings;
    const remediations = finding?.remediations ?? [];
    expect(remediations.map(idAndKind)).toEqual([[store, disposition, 'cmd']]);

    wine.cmd(remediations.flatMap(({ commands }) => commands));
    expect(isTrusted()).toBe(false);
    const after = scan();
    expect({ status: after.status, findings: after.report.findings }).toEqual({ status: 0, findings: [] });
    expect(wine.run('reg', 'query', keyOf(place, neighbour)).status).toBe(0);

    wine.cmd(remediations.flatMap(({ undo }) => undo));
    expect(isTrusted()).toBe(true);
    expect(blobOf(place)).toBe(stored);
    expect(scan().report.findings[0]?.locations).toEqual(finding?.locations);
    wine.must('reg', 'delete', place, '/f');
  });

  it('a root that Disallowed holds too is an alarm all the same, because Wine gives it to programs', () => {
    plant(`${MACHINE}\\ROOT`, bad);
    plant(`${MACHINE}\\Disallowed`, bad);
    expect(isTrusted()).toBe(true);
    expect(scan().status).toBe(1);
    wine.must('reg', 'delete', keyOf(`${MACHINE}\\ROOT`, bad), '/f');
    expect([isTrusted(), scan().status]).toEqual([false, 0]);
    wine.must('reg', 'delete', keyOf(`${MACHINE}\\Disallowed`, bad), '/f');
  });

  it('words quoted for cmd.exe reach a program as they are', () => {
    const words = [
      'plain',
      '',
      'two  spaces',
      "it's",
      '&& echo x',
      '| more',
      '> x',
      '^',
      '(a)',
      ';,=',
      '!x!',
      '*',
      '@x',
      'C:\\ends with\\',
      'ends with two\\\\',
      String.raw`HKLM\SOFTWARE\A (b) & c`,
    ];
    const script = join(wine.home, 'words.js');
    writeFileSync(script, 'console.log(JSON.stringify(process.argv.slice(2)));');
    const command = [toWine(WINDOWS_NODE), toWine(script), ...words].map(quoteCmd).join(' ');
    expect(JSON.parse(wine.cmd([command]))).toEqual(words);
  });

  it('a prefix is audited from the host as well, and its root goes and comes back', () => {
    plant(`${MACHINE}\\ROOT`, bad);
    wine.stop();
    const environment = { HOME: wine.home };
    const scanHost = (): StoreRemediation[] => {
      const { stdout } = rootaudit(['scan', '-f', 'json', '--blocklist', blocklist], environment);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
      const { findings } = JSON.parse(stdout) as Report;
      return findings.flatMap((finding) => finding.remediations);
    };
    const remediations = scanHost();
    expect(remediations.map(idAndKind)).toEqual([[`wine:${wine.prefix}`, 'safe', 'sh']]);
    const registry = (): string => readFileSync(join(wine.prefix, 'system.reg'), 'latin1').toUpperCase();
    const run = (commands: readonly string[]): void => {
      runScript([`export HOME='${wine.home}'`, ...commands]);
      wine.stop();
    };
    run(remediations.flatMap(({ commands }) => commands));
    expect(registry()).not.toContain(thumbprint(bad));
    expect(scanHost()).toEqual([]);
    run(remediations.flatMap(({ undo }) => undo));
    expect(registry()).toContain(thumbprint(bad));
    expect(isTrusted()).toBe(true);
  });
});

function idAndKind({ store, disposition, shell }: StoreRemediation): string[] {
  return [store, disposition, shell];
}
