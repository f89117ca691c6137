/** The built command on images as real tools make and serve them: the planted root is found, in the layer that has it. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import type { Report } from '../../src/report/report.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { startRegistry, stopRegistries } from './support/docker-registry.ts';
import { describeWith, findTool, run } from './support/tools.ts';

const PLANTED = '/usr/local/share/ca-certificates/corp.crt';
const [bad, good] = ['Planted Root', 'Good Root'].map((name) => makeCertificate({ subject: { CN: name } }));
const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', certificates: bad ? [blocked(bad, { id: 'planted' })] : [] })],
  certificates: bad ? [bad.der] : [],
});
/** Larger than what is read again rather than kept. */
const LARGE = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * i * 31 + (i >> 3) * 17) & 0xff));

const work = makeTemporaryDirectory();
const at = (name: string): string => join(work, name);
const CACHE = at('cache');

interface Result {
  readonly status: number | null;
  readonly stderr: string;
  readonly reports: readonly Report[];
}

function scan(
  reference: string,
  environment: Readonly<Record<string, string>> = {},
  ...args: string[]
): Result {
  const common = ['scan', '--no-policy', '--blocklist', BLOCKLIST, '-f', 'json', '--platform', 'linux/amd64'];
  const run = rootaudit([...common, ...args, reference], { XDG_CACHE_HOME: CACHE, ...environment });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
  const reports = run.stdout === '' ? [] : [JSON.parse(run.stdout) as Report];
  return { status: run.status, stderr: run.stderr, reports };
}

/** `layer`: undefined for what has no layers. */
function expectFound(result: Result, layer: number | undefined, createdBy?: string): void {
  const { status, stderr, reports } = result;
  expect([status, stderr]).toEqual([1, '']);
  const [report] = reports;
  const places = report?.findings.flatMap(({ advisory, locations }) =>
    locations.map((location) => [advisory, location.path, location.layer, location.trust]),
  );
  expect(places).toEqual([['planted', PLANTED, layer, 'trusted']]);
  expect([report?.complete, report?.problems]).toEqual([true, []]);
  if (layer !== undefined && createdBy !== undefined) {
    expect(report?.target.image?.layers[layer]?.createdBy).toBe(createdBy);
  }
}

/** Files as they are to lie in an image, below a directory of their own. */
function writeRoot(): string {
  const root = at('root');
  const files: Record<string, string | Uint8Array> = {
    'etc/os-release': 'ID=debian\n',
    'etc/ca-certificates.conf': 'mozilla/Good.crt\n',
    'etc/ssl/certs/ca-certificates.crt': good?.pem ?? '',
    'usr/share/ca-certificates/mozilla/Good.crt': good?.pem ?? '',
    'opt/large': LARGE,
    'corp.crt': bad?.pem ?? '',
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** As umoci's insert makes them, without the end mark of tar: files, the planted root, something else. */
function makeLayout(root: string, layout: string): void {
  const image = `${layout}:app`;
  const insert = (createdBy: string, from: string, to: string): void => {
    run('umoci', ['insert', '--image', image, '--history.created_by', createdBy, join(root, from), to]);
  };
  run('umoci', ['init', '--layout', layout]);
  run('umoci', ['new', '--image', image]);
  run('umoci', ['config', '--image', image, '--architecture', 'amd64', '--os', 'linux']);
  insert('ADD etc', 'etc', '/etc');
  insert('ADD usr', 'usr', '/usr');
  insert('COPY corp.crt', 'corp.crt', PLANTED);
  insert('ADD opt', 'opt', '/opt');
}

const LAYER = 2;

describeWith(['umoci', 'skopeo', 'gzip', 'zstd'], 'scan of an image of umoci and skopeo', () => {
  beforeAll(() => {
    makeLayout(writeRoot(), at('layout'));
    const copy = (to: string, ...options: string[]): void => {
      run('skopeo', ['copy', '--quiet', '--insecure-policy', ...options, `oci:${at('layout')}:app`, to]);
    };
    copy(`docker-archive:${at('docker.tar')}:example/app:1`);
    copy(`oci-archive:${at('oci.tar')}:app`);
    copy(`oci:${at('zstd')}:app`, '--dest-compress-format', 'zstd', '--dest-compress');
    copy(`oci-archive:${at('oci-zstd.tar')}:app`, '--dest-compress-format', 'zstd', '--dest-compress');
    for (const tool of ['gzip', 'zstd']) {
      for (const name of ['docker', 'oci']) {
        const packed = execFileSync(findTool(tool) ?? tool, ['-c', at(`${name}.tar`)], {
          maxBuffer: 1 << 28,
        });
        writeFileSync(at(`${name}.tar.${tool}`), packed);
      }
    }
    run('umoci', ['unpack', '--image', `${at('layout')}:app`, at('bundle')]);
    run('tar', ['-C', at('bundle/rootfs'), '-czf', at('root.tar.gz'), '.']);
  });

  it.each([
    ['OCI layout, gzip', 'layout'],
    ['OCI layout, zstd', 'zstd'],
    ['OCI archive', 'oci.tar'],
    ['OCI archive, layers in zstd', 'oci-zstd.tar'],
    ['OCI archive in gzip', 'oci.tar.gzip'],
    ['OCI archive in zstd', 'oci.tar.zstd'],
    ['docker archive, whose layers have no end mark', 'docker.tar'],
    ['docker archive in gzip', 'docker.tar.gzip'],
    ['docker archive in zstd', 'docker.tar.zstd'],
  ])('finds the planted root in its layer: %s', (_, name) => {
    rmSync(CACHE, { recursive: true, force: true });
    for (const args of [[], [], ['--no-cache'], ['--verify']]) {
      expectFound(scan(at(name), {}, ...args), LAYER, 'COPY corp.crt');
    }
  });

  it('finds it in the unpacked root, and in a tar of it', () => {
    for (const name of ['bundle/rootfs', 'root.tar.gz']) expectFound(scan(at(name)), undefined);
  });
});

describeWith(['root', 'buildah'], 'scan of an image of buildah', () => {
  const buildah = (...args: string[]): string => {
    const places = ['--root', at('storage'), '--runroot', at('run'), '--storage-driver', 'vfs'];
    return run('buildah', [...places, ...args]).trim();
  };

  it.each(['docker-archive', 'oci-archive', 'oci'])('finds the planted root: %s', (kind) => {
    const root = writeRoot();
    const base = buildah('from', 'scratch');
    buildah('add', '--quiet', base, join(root, 'etc'), '/etc');
    buildah('add', '--quiet', base, join(root, 'usr'), '/usr');
    buildah('config', '--arch', 'amd64', base);
    buildah('commit', '--quiet', '--rm', base, 'localhost/base');
    const app = buildah('from', 'localhost/base');
    buildah('add', '--quiet', app, join(root, 'corp.crt'), PLANTED);
    const name = kind === 'docker-archive' ? 'localhost/app:1' : 'app';
    buildah('commit', '--quiet', '--rm', app, `${kind}:${at(`buildah-${kind}`)}:${name}`);
    expectFound(scan(at(`buildah-${kind}`)), 1);
  });
});

const USER = 'ann';
const PASSWORD = 'S3cr3t';

describeWith(['umoci', 'skopeo', 'docker-registry', 'htpasswd'], 'scan of an image in a registry', () => {
  const storage = at('registry');
  let host = '';
  afterAll(stopRegistries);

  beforeAll(async () => {
    mkdirSync(storage);
    makeLayout(writeRoot(), at('pushed'));
    host = await startRegistry(storage);
    run('skopeo', [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      `oci:${at('pushed')}:app`,
      `docker://${host}/team/app:1`,
    ]);
  });

  it('finds the planted root, and does not download what it knows', () => {
    const reference = `registry:${host}/team/app:1`;
    expectFound(scan(reference, {}, '--plain-http'), LAYER, 'COPY corp.crt');
    const [report] = scan(reference, {}, '--plain-http').reports;
    for (const { digest = '' } of report?.target.image?.layers ?? []) {
      const hex = digest.slice('sha256:'.length);
      rmSync(join(storage, 'storage/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex), {
        recursive: true,
      });
    }
    expectFound(scan(reference, {}, '--plain-http'), LAYER, 'COPY corp.crt');
    const without = scan(reference, {}, '--plain-http', '--no-cache');
    expect([without.status, without.stderr]).toEqual([2, expect.stringContaining('does not have layer 1')]);
  });

  it('finds it with the credentials that skopeo login left, and not without', async () => {
    const file = at('htpasswd');
    writeFileSync(file, run('htpasswd', ['-Bbn', USER, PASSWORD]));
    const guarded = await startRegistry(join(work, 'guarded'), {
      auth: { htpasswd: { realm: 'r', path: file } },
    });
    mkdirSync(at('docker'), { recursive: true });
    const authFile = at('docker/config.json');
    run('skopeo', [
      'login',
      '--tls-verify=false',
      '--authfile',
      authFile,
      '-u',
      USER,
      '-p',
      PASSWORD,
      guarded,
    ]);
    run('skopeo', [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      '--authfile',
      authFile,
      `oci:${at('pushed')}:app`,
      `docker://${guarded}/team/app:1`,
    ]);
    const reference = `registry:${guarded}/team/app:1`;
    expectFound(scan(reference, { DOCKER_CONFIG: at('docker') }, '--plain-http'), LAYER, 'COPY corp.crt');
    expect(readFileSync(authFile, 'utf8')).toContain('auth');
    const without = scan(reference, { DOCKER_CONFIG: at('none'), HOME: at('none') }, '--plain-http');
    expect([without.status, without.stderr]).toEqual([2, expect.stringContaining('without credentials')]);
  });
});
