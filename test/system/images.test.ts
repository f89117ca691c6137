/** Images as umoci, skopeo and buildah make them: what a container would see in them is what a scan sees. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { FsError, type Target } from '../../src/core/target.ts';
import { openReference, type OpenOptions } from '../../src/images/open.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { describeWith, findTool, run, succeeds } from './support/tools.ts';

const PLANTED = '/usr/local/share/ca-certificates/corp.crt';
const NAME = 'docker.io/example/app:1.2';
const planted = makeCertificate({ subject: { CN: 'Planted' } });

/** Three layers: files and links; the certificate and a change; deletions. */
function makeLayout(layout: string, architecture: string): void {
  const image = `${layout}:app`;
  const work = makeTemporaryDirectory();
  const bundle = join(work, 'bundle');
  const root = join(bundle, 'rootfs');
  run('umoci', ['init', '--layout', layout]);
  run('umoci', ['new', '--image', image]);
  run('umoci', [
    'config',
    '--image',
    image,
    '--architecture',
    architecture,
    '--os',
    'linux',
    '--config.env',
    'A=b',
  ]);
  const change = (createdBy: string, work: () => void): void => {
    work();
    run('umoci', ['repack', '--refresh-bundle', '--image', image, '--history.created_by', createdBy, bundle]);
  };
  run('umoci', ['unpack', '--image', image, bundle]);
  change('ADD base', () => {
    for (const path of ['etc', 'usr/bin', 'usr/share/big', 'srv/a/b'])
      mkdirSync(join(root, path), { recursive: true });
    symlinkSync('usr/bin', join(root, 'bin'));
    writeFileSync(join(root, 'etc/os-release'), 'ID=debian\n');
    writeFileSync(join(root, 'srv/a/b/gone.pem'), planted.pem);
    for (let i = 0; i < 20; i++)
      writeFileSync(join(root, `usr/share/big/${i}`), Buffer.alloc(300_000, `${i}\n`));
  });
  change('COPY corp.crt', () => {
    mkdirSync(join(root, 'usr/local/share/ca-certificates'), { recursive: true });
    writeFileSync(join(root, PLANTED), planted.pem);
    writeFileSync(join(root, 'etc/os-release'), 'ID=debian\nVERSION_ID=13\n');
  });
  change('RUN rm', () => {
    run('rm', ['-r', join(root, 'srv/a'), join(root, 'usr/share/big/7')]);
  });
}

const MISSING = 'not fetched yet';

/** Every file with its digest, every directory. */
function listing({ fs }: Target): string[] {
  const lines: string[] = [];
  const walk = (directory: string): void => {
    for (const { name, kind } of fs.list(directory)) {
      const path = `${directory === '/' ? '' : directory}/${name}`;
      try {
        const bytes = kind === 'file' ? fs.read(path) : undefined;
        lines.push(`${kind} ${path} ${bytes ? createHash('sha256').update(bytes).digest('hex') : ''}`);
      } catch (error) {
        lines.push(error instanceof FsError ? error.message : String(error));
      }
      if (kind === 'directory') walk(path);
    }
  };
  walk('/');
  return lines;
}

async function open(reference: string, options: Partial<OpenOptions> = {}): Promise<Target[]> {
  const targets: Target[] = [];
  for await (const target of openReference(reference, {
    verify: false,
    platform: 'linux/amd64',
    ...options,
  })) {
    targets.push(target);
  }
  return targets;
}

/** All is asked for before it is fetched, as an audit does it. */
async function listingOf(target: Target | undefined): Promise<string[]> {
  if (!target) return [];
  for (let lines = listing(target); ; lines = listing(target)) {
    if (!lines.includes(MISSING)) return lines.toSorted();
    expect(await target.fetchMissing?.()).toBe(true);
  }
}

describeWith(['umoci', 'skopeo', 'zstd', 'xz', 'bzip2'], 'images of umoci and skopeo', () => {
  const work = makeTemporaryDirectory();
  const at = (name: string): string => join(work, name);
  const layout = at('layout');
  let expected: string[] = [];

  const copy = (to: string, ...options: string[]): void => {
    run('skopeo', ['copy', '--quiet', '--insecure-policy', ...options, `oci:${layout}:app`, to]);
  };
  const pack = (command: string, from: string, to: string): void => {
    const bytes = execFileSync(findTool(command) ?? command, ['-c', from], { maxBuffer: 1 << 30 });
    writeFileSync(to, bytes);
  };

  beforeAll(() => {
    makeLayout(layout, 'amd64');
    run('umoci', ['unpack', '--image', `${layout}:app`, at('bundle')]);
    expected = listing(openDirectory(at('bundle/rootfs'))).toSorted();
    expect(expected.some((line) => line.includes(PLANTED))).toBe(true);
    copy(`docker-archive:${at('docker.tar')}:${NAME}`);
    copy(`oci-archive:${at('oci.tar')}:app`);
    copy(`oci:${at('zstd')}:app`, '--dest-compress-format', 'zstd', '--dest-compress');
    run('tar', ['-C', at('bundle/rootfs'), '-cf', at('root.tar'), '.']);
    for (const name of ['docker', 'oci', 'root']) {
      for (const tool of ['gzip', 'zstd', 'xz', 'bzip2'])
        pack(tool, at(`${name}.tar`), at(`${name}.tar.${tool}`));
    }
  });

  it.each([
    ['an OCI layout with gzip', 'layout', 3],
    ['an OCI layout with zstd', 'zstd', 3],
    ['an OCI archive', 'oci.tar', 3],
    ['an OCI archive in gzip', 'oci.tar.gzip', 3],
    ['an OCI archive in zstd', 'oci.tar.zstd', 3],
    ['an archive of docker save', 'docker.tar', 3],
    ['an archive of docker save in gzip', 'docker.tar.gzip', 3],
    ['an archive of docker save in zstd', 'docker.tar.zstd', 3],
    ['an archive of docker save in xz', 'docker.tar.xz', 3],
    ['an archive of docker save in bzip2', 'docker.tar.bzip2', 3],
    ['a root file system', 'root.tar', 0],
    ['a root file system in gzip', 'root.tar.gzip', 0],
    ['a root file system in zstd', 'root.tar.zstd', 0],
    ['a root file system in xz', 'root.tar.xz', 0],
  ])('%s has the files that umoci unpacks', async (_, name, layers) => {
    for (const verify of [false, true]) {
      const targets = await open(at(name), { verify });
      expect(targets).toHaveLength(1);
      const [target] = targets;
      expect(target?.problems).toEqual([]);
      expect(target?.image?.layers).toHaveLength(layers);
      const bytes = target?.fs.read(PLANTED);
      // What may matter is at hand without being asked for.
      expect(bytes && Buffer.from(bytes).toString()).toBe(planted.pem);
      if (layers > 0) {
        expect(target?.layerOf?.(PLANTED)).toBe(1);
        expect(target?.image?.layers.map(({ createdBy }) => createdBy)).toEqual([
          'ADD base',
          'COPY corp.crt',
          'RUN rm',
        ]);
        expect(target?.environment['A']).toBe('b');
      }
      expect(await listingOf(target)).toEqual(expected);
      await target?.close?.();
    }
  });

  it('names images as skopeo does', async () => {
    const names = async (reference: string): Promise<(string | undefined)[]> => {
      const targets = await open(reference);
      for (const target of targets) await target.close?.();
      return targets.map(({ image }) => image?.name);
    };
    expect(await names(at('docker.tar'))).toEqual([NAME]);
    expect(await names(`docker-archive:${at('docker.tar')}:${NAME}`)).toEqual([NAME]);
    expect(await names(`oci:${layout}:app`)).toEqual(['app']);
    await expect(names(`oci:${layout}:other`)).rejects.toThrow('has no image named other');
  });

  it('refuses what skopeo refuses: a layer that was changed', async () => {
    const [target] = await open(layout);
    const layer = target?.image?.layers[1]?.digest ?? '';
    await target?.close?.();
    const damaged = at('damaged');
    run('cp', ['-r', layout, damaged]);
    const path = join(damaged, 'blobs', layer.replace(':', '/'));
    const bytes = readFileSync(path);
    bytes[4] = (bytes[4] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const copies = succeeds('skopeo', [
      'copy',
      '--insecure-policy',
      `oci:${damaged}:app`,
      `oci:${at('new')}:app`,
    ]);
    expect(copies).toBe(false);
    await expect(open(damaged)).rejects.toThrow(`${layer}) does not have the digest that it should have`);
  });
});

describeWith(['root', 'buildah'], 'images of buildah', () => {
  const work = makeTemporaryDirectory();
  const buildah = (...args: string[]): string =>
    run('buildah', [
      '--root',
      join(work, 'storage'),
      '--runroot',
      join(work, 'run'),
      '--storage-driver',
      'vfs',
      ...args,
    ]).trim();

  it.each(['docker-archive', 'oci-archive', 'oci'])('as %s have the file that was added', async (kind) => {
    const file = join(work, 'corp.crt');
    writeFileSync(file, planted.pem);
    const container = buildah('from', 'scratch');
    buildah('add', '--quiet', container, file, PLANTED);
    buildah('config', '--env', 'SSL_CERT_FILE=/x.pem', container);
    const path = join(work, kind);
    // The configuration is that of this machine's architecture.
    const name = kind === 'docker-archive' ? 'localhost/app:1' : 'app';
    buildah('commit', '--quiet', '--rm', container, `${kind}:${path}:${name}`);
    for await (const target of openReference(path, { verify: true })) {
      expect(target.reference).toBe(`${path} (${name})`);
      expect(target.environment['SSL_CERT_FILE']).toBe('/x.pem');
      const bytes = target.fs.read(PLANTED);
      expect(bytes && Buffer.from(bytes).toString()).toBe(planted.pem);
      await target.close?.();
    }
  });
});
