/** Images as Docker's own daemon builds, saves and exports them, and the printed lines in a build of its own. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { makeCertificate } from '../support/certificates.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { makeChroot } from './support/chroot.ts';
import { DockerDaemon } from './support/docker-daemon.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { describeWith, run } from './support/tools.ts';

const PACKAGED = '/usr/share/ca-certificates/mozilla';
const LOCAL = '/usr/local/share/ca-certificates';
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const [local, packaged, second, good] = ['Local', 'Packaged', 'Second', 'Good'].map((name) =>
  makeCertificate({ subject: { CN: `${name} Root` } }),
);
const listed = [local, packaged, second].filter((each) => each !== undefined);
const BLOCKLIST = blocklistOf(...listed);

const work = makeTemporaryDirectory();
const at = (name: string): string => join(work, name);

function scan(
  reference: string,
  input?: Uint8Array,
): { readonly status: number | null; readonly report: Report } {
  const args = ['scan', '--no-policy', '--no-cache', '--blocklist', BLOCKLIST, '-f', 'json', reference];
  const { status, stdout } = rootaudit(args, {}, undefined, input);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
  return { status, report: JSON.parse(stdout) as Report };
}

const FOUND = ['CN=Local Root', 'CN=Packaged Root', 'CN=Second Root'];

function subjects({ findings }: Report): string[] {
  return findings.map(({ certificate }) => certificate.subject).toSorted();
}

/** What is said to have made the layer in which the file is. */
function madeBy({ findings, target }: Report, path: string): string | undefined {
  const places = findings.flatMap(({ locations }) => locations);
  const layer = places.find((place) => place.path === path)?.layer;
  return layer === undefined ? undefined : target.image?.layers[layer]?.createdBy;
}

describeWith(['root', 'dockerd', 'docker', 'update-ca-certificates', 'openssl'], "Docker's daemon", () => {
  let daemon: DockerDaemon | undefined;
  let why = '';

  beforeAll(async () => {
    try {
      daemon = await DockerDaemon.start(at('docker'));
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
      return;
    }
    const root = makeChroot(['update-ca-certificates', 'head', 'tail', 'sha256sum', 'env', 'true']);
    mkdirSync(join(root, PACKAGED), { recursive: true });
    for (const [name, certificate] of Object.entries({ packaged, second, good }))
      writeFileSync(join(root, PACKAGED, `${name}.crt`), certificate?.pem ?? '');
    const selected = ['packaged', 'good', 'second'].map((name) => `mozilla/${name}.crt\n`);
    // As Debian has it: one of its names is not ASCII.
    writeFileSync(join(root, 'etc/ca-certificates.conf'), ['# Főtanúsítvány\n', ...selected].join(''));
    writeFileSync(join(root, 'etc/os-release'), 'ID=debian\n');
    run('tar', ['-C', root, '-cf', at('base.tar'), '.']);
    daemon.docker(['import', at('base.tar'), 'fleet/base:12']);
    const context = at('context');
    mkdirSync(context);
    writeFileSync(join(context, 'corp.crt'), local?.pem ?? '');
    writeFileSync(
      join(context, 'Dockerfile'),
      ['FROM fleet/base:12', `COPY corp.crt ${LOCAL}/corp.crt`, 'RUN update-ca-certificates', ''].join('\n'),
    );
    daemon.build('fleet/app:1', context);
    daemon.docker(['save', '--output', at('app.tar'), 'fleet/app:1']);
  });
  afterAll(() => daemon?.stop());

  function running({ skip }: TestContext): DockerDaemon {
    return daemon ?? skip(why);
  }

  it('saves an archive in which each root is found, with the instruction that brought it', (context) => {
    running(context);
    const { status, report } = scan(at('app.tar'));
    expect(status).toBe(1);
    expect(report.problems).toEqual([]);
    expect(subjects(report)).toEqual(FOUND);
    expect(madeBy(report, `${LOCAL}/corp.crt`)).toContain('COPY');
    expect(madeBy(report, `${PACKAGED}/packaged.crt`)).toContain('Imported');
    expect(madeBy(report, BUNDLE)).toContain('update-ca-certificates');
    expect(report.target.image).toMatchObject({ name: 'fleet/app:1', platform: 'linux/amd64' });
  });

  it('saves it to a pipe, and exports the files of a container', (context) => {
    const docker = (...args: string[]): Buffer => running(context).docker(args);
    const saved = scan('-', docker('save', 'fleet/app:1'));
    expect([saved.status, subjects(saved.report)]).toEqual([1, FOUND]);
    docker('create', '--name', 'app', 'fleet/app:1', 'true');
    const exported = scan('-', docker('export', 'app'));
    expect([exported.status, subjects(exported.report)]).toEqual([1, FOUND]);
  });

  it('builds a clean image of the lines that remove writes', (context) => {
    const target = at('removed');
    mkdirSync(target);
    const { stdout } = rootaudit([
      'remove',
      '--blocklist',
      BLOCKLIST,
      '--image',
      at('app.tar'),
      '--script',
      'dockerfile',
    ]);
    expect(stdout).toContain('FROM fleet/app:1\n');
    writeFileSync(join(target, 'Dockerfile'), stdout);
    expectClean(running(context), 'fleet/removed:1', target);
  });

  it('builds a clean image of all that scan prints, pasted as it is', (context) => {
    const target = at('pasted');
    mkdirSync(target);
    const { stdout } = rootaudit([
      'scan',
      '--no-policy',
      '--no-cache',
      '--blocklist',
      BLOCKLIST,
      at('app.tar'),
    ]);
    const lines = stdout.split('\n').filter((line) => /^ {4,5}(?:RUN|&&|#) /.test(line));
    expect(lines.length).toBeGreaterThan(5);
    writeFileSync(join(target, 'Dockerfile'), ['FROM fleet/app:1', ...lines, ''].join('\n'));
    expectClean(running(context), 'fleet/pasted:1', target);
  });

  function expectClean(running: DockerDaemon, tag: string, context: string): void {
    running.build(tag, context);
    const { status, report } = scan('-', running.docker(['save', tag]));
    const trusted = report.findings.filter((finding) => finding.status === 'trusted');
    expect([status, trusted, report.problems]).toEqual([0, [], []]);
    const bundle = running.docker(['run', '--rm', '--network', 'none', tag, 'cat', BUNDLE]).toString();
    expect(bundle.match(/BEGIN/g)).toHaveLength(1);
  }
});
