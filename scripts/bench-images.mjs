// npm run bench -- images: container images against paranoia, cat and gzip, each in the same run. Medians; lower is better.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { buildIfStale, install, root } from './setup.mjs';

const NODE = process.execPath;
const ROOTAUDIT = join(root, 'bin/rootaudit.js');
const RUNS = 5;
const { NODE_EXTRA_CA_CERTS: _unset, ...environment } = process.env;

/** Runs a command, and tells wall time and processor time in milliseconds and peak memory in MiB of it and its children. */
const MEASURE = `
import os, resource, subprocess, sys, time
before = resource.getrusage(resource.RUSAGE_CHILDREN)
start = time.monotonic()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
print(wall * 1000, processor * 1000, used.ru_maxrss / 1024, code)
`;

function measure(command) {
  const { stdout } = spawnSync('python3', ['-c', MEASURE, ...command], {
    env: environment,
    encoding: 'utf8',
  });
  const [wall, processor, peak, code] = stdout.trim().split(' ').map(Number);
  return { wall, processor, peak, code };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Each command in turn, so that all see the same machine; medians by name. */
function inTurn(commands, runs = RUNS) {
  for (const command of Object.values(commands)) measure(command);
  const all = Array.from({ length: runs }, () =>
    Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, measure(command)])),
  );
  return Object.fromEntries(
    Object.keys(commands).map((name) => {
      const of = (field) => median(all.map((run) => run[name][field]));
      return [
        name,
        { wall: of('wall'), processor: of('processor'), peak: of('peak'), code: all[0][name].code },
      ];
    }),
  );
}

function tell(what, ours, peers) {
  console.log(`\n${what}\n  ${'rootaudit'.padEnd(28)} ${line(ours)}   exit ${ours.code}`);
  for (const [name, peer] of Object.entries(peers)) {
    console.log(
      `  ${name.padEnd(28)} ${line(peer)}   ours: ${(ours.wall / peer.wall).toFixed(2)}× time, ${(ours.processor / peer.processor).toFixed(2)}× processor`,
    );
  }
}

const line = ({ wall, processor, peak }) =>
  `${wall.toFixed(0).padStart(6)} ms  ${processor.toFixed(0).padStart(6)} ms processor  ${peak.toFixed(0).padStart(5)} MiB`;

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const scan = (...targets) => [NODE, ROOTAUDIT, 'scan', '--no-policy', '-f', 'json', ...targets];

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
}

/** A Debian root with a JDK: debootstrap's, or one that ROOTAUDIT_BENCH_ROOT names. */
function debianRoot(work) {
  const given = process.env['ROOTAUDIT_BENCH_ROOT'];
  if (given !== undefined) return given;
  const tree = join(work, 'debian');
  const packages = '--include=ca-certificates,openjdk-17-jdk-headless';
  run('debootstrap', ['--variant=minbase', packages, 'bookworm', tree]);
  return tree;
}

/** By way of a pipe, because gzip takes no file with several names. */
function compress(command, file, suffix) {
  run('sh', ['-c', `${command} -c < "$0" > "$0${suffix}"`, file]);
}

const digests = new Map();

/** Of a file that does not change, but for its name. */
function knownDigest(file) {
  if (!digests.has(file)) digests.set(file, sha256(file));
  return digests.get(file);
}

function sha256(file) {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  const descriptor = openSync(file, 'r');
  for (let read = readSync(descriptor, buffer); read > 0; read = readSync(descriptor, buffer)) {
    hash.update(buffer.subarray(0, read));
  }
  closeSync(descriptor);
  return hash.digest('hex');
}

const CONFIG = { architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux' };

/** As `docker save` wrote it before version 25: the layer lies in it without compression. */
function dockerArchive(work, layer) {
  const tree = join(work, 'docker-archive');
  mkdirSync(join(tree, 'layer'), { recursive: true });
  linkSync(layer, join(tree, 'layer/layer.tar'));
  const config = { ...CONFIG, rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] } };
  writeFileSync(join(tree, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: ['bench/jdk:1'], Layers: ['layer/layer.tar'] }];
  writeFileSync(join(tree, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(work, 'image.tar');
  run('tar', ['-cf', archive, '-C', tree, 'manifest.json', 'config.json', 'layer/layer.tar']);
  return archive;
}

/** An OCI layout with images of these layers (`file`, media type, digest of the plain bytes). */
class Layout {
  constructor(directory) {
    this.directory = directory;
    this.manifests = [];
    mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(file, mediaType, hex = sha256(file)) {
    const path = join(this.directory, 'blobs/sha256', hex);
    if (!existsSync(path)) copyFileSync(file, path);
    return { mediaType, digest: `sha256:${hex}`, size: statSync(path).size };
  }

  document(value, mediaType) {
    const text = JSON.stringify(value);
    const hex = createHash('sha256').update(text).digest('hex');
    writeFileSync(join(this.directory, 'blobs/sha256', hex), text);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
  }

  add(name, layers) {
    const type = 'application/vnd.oci.image';
    const rootfs = { type: 'layers', diff_ids: layers.map(({ plain }) => `sha256:${plain}`) };
    const config = this.document({ ...CONFIG, rootfs }, `${type}.config.v1+json`);
    const manifest = {
      schemaVersion: 2,
      mediaType: `${type}.manifest.v1+json`,
      config,
      layers: layers.map(({ file, compression, packed }) =>
        this.blob(file, `${type}.layer.v1.tar${compression === '' ? '' : `+${compression}`}`, packed),
      ),
    };
    this.manifests.push({
      ...this.document(manifest, manifest.mediaType),
      annotations: { 'org.opencontainers.image.ref.name': name },
      platform: CONFIG,
    });
    writeFileSync(
      join(this.directory, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: this.manifests }),
    );
  }
}

/** Images that share their lower layer, as those of a fleet do. */
function fleet(work, count) {
  const directory = join(work, `fleet-${count}`);
  const layout = new Layout(directory);
  const base = join(work, 'fleet-base');
  if (!existsSync(`${base}.tar`)) {
    rootCertificates.forEach((pem, i) =>
      write(join(base, `usr/share/ca-certificates/mozilla/${i}.crt`), `${pem}\n`),
    );
    write(join(base, 'etc/ssl/certs/ca-certificates.crt'), `${rootCertificates.join('\n')}\n`);
    write(join(base, 'etc/os-release'), 'ID=debian\n');
    for (const name of ['usr/bin', 'usr/lib/x86_64-linux-gnu']) {
      if (existsSync(`/${name}`))
        cpSync(`/${name}`, join(base, name), {
          recursive: true,
          verbatimSymlinks: true,
          filter: smallEnough,
        });
    }
    run('tar', ['-cf', `${base}.tar`, '-C', base, '.']);
    compress('gzip', `${base}.tar`, '.gz');
  }
  const [packed, plain] = [knownDigest(`${base}.tar.gz`), knownDigest(`${base}.tar`)];
  const shared = { file: `${base}.tar.gz`, compression: 'gzip', packed, plain };
  for (let i = 0; i < count; i++) {
    const own = join(work, 'fleet-own');
    write(join(own, 'etc/image'), `${i}\n`);
    const file = join(work, 'fleet-own.tar');
    run('tar', ['-cf', file, '-C', own, '.']);
    layout.add(`app:${i}`, [shared, { file, compression: '', plain: sha256(file) }]);
  }
  return directory;
}

let copied = 0;
/** About 60 MB of programs, so that reading the layer is work. */
function smallEnough(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat || (!stat.isFile() && !stat.isDirectory())) return false;
  if (stat.isFile()) copied += stat.size;
  return copied < 60e6;
}

function write(path, content) {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
}

/** Without the cache each layer is still read once in a call; with it, once in all calls. */
function benchFleet(work) {
  console.log('\nImages that share a gzip layer of 60 MB, each with one of its own, in one call');
  for (const count of [10, 100, 1000]) {
    const directory = fleet(work, count);
    const cache = join(work, 'cache');
    const cached = ['env', `XDG_CACHE_HOME=${cache}`, ...scan(directory)];
    const ways = {
      'without cache': [...scan(directory), '--no-cache'],
      'cache, first time': cached,
      'cache, next time': cached,
    };
    for (const [name, command] of Object.entries(ways)) {
      const each = measure(command);
      console.log(
        `  ${String(count).padStart(5)} images, ${name.padEnd(18)} ${line(each)}  ${(each.wall / count).toFixed(1)} ms each, exit ${each.code}`,
      );
    }
    rmSync(directory, { recursive: true });
    rmSync(cache, { recursive: true });
  }
}

export function benchImages() {
  install();
  buildIfStale();
  const work = mkdtempSync(join(tmpdir(), 'rootaudit-bench-images-'));
  try {
    console.log(`Node ${process.version}, ${RUNS} runs in turn, medians`);
    const bare = [NODE, '-e', '0'];
    const layer = join(work, 'layer.tar');
    run('tar', ['-cf', layer, '-C', debianRoot(work), '.']);
    const size = `${(statSync(layer).size / 1e6).toFixed(0)} MB`;
    const archive = dockerArchive(work, layer);
    // github.com/jetstack/paranoia, built with go; it has no other way to be measured than being there.
    const paranoia = process.env['ROOTAUDIT_BENCH_PARANOIA'] ?? (has('paranoia') ? 'paranoia' : undefined);
    const peer =
      paranoia === undefined ? {} : { paranoia: [paranoia, 'export', '-o', 'json', `file://${archive}`] };
    if (paranoia === undefined) console.log('paranoia is not here: ROOTAUDIT_BENCH_PARANOIA names it');
    {
      const { rootaudit, ...peers } = inTurn({
        rootaudit: scan(archive),
        'node -e 0': bare,
        cat: ['cat', archive],
        ...peer,
      });
      tell(`docker save archive, ${size}, layers without compression`, rootaudit, peers);
    }
    {
      const { rootaudit, ...peers } = inTurn({
        rootaudit: [...scan(archive), '--deep', '/'],
        cat: ['cat', archive],
        // Into a pipe: it stops at the first when nobody reads what it prints.
        'grep -c BEGIN': ['sh', '-c', 'grep -c BEGIN "$0" | cat', archive],
      });
      tell('the same with --deep /', rootaudit, peers);
    }
    compress('gzip', layer, '.gz');
    const gzip = new Layout(join(work, 'gzip'));
    const plain = sha256(layer);
    gzip.add('app:1', [{ file: `${layer}.gz`, compression: 'gzip', plain }]);
    {
      const { rootaudit, ...peers } = inTurn({
        rootaudit: [...scan(join(work, 'gzip')), '--no-cache'],
        'gzip -dc | wc -c': ['sh', '-c', 'gzip -dc "$0" | wc -c', `${layer}.gz`],
      });
      tell(
        `OCI layout, one gzip layer of ${(statSync(`${layer}.gz`).size / 1e6).toFixed(0)} MB`,
        rootaudit,
        peers,
      );
    }
    {
      const cached = ['env', `XDG_CACHE_HOME=${join(work, 'cache')}`, ...scan(join(work, 'gzip'))];
      const { rootaudit, ...peers } = inTurn({ rootaudit: cached, 'node -e 0': bare });
      tell('the same when its layer is in the cache', rootaudit, peers);
    }
    {
      const { rootaudit, ...peers } = inTurn({
        rootaudit: [...scan(join(work, 'gzip')), '--no-cache', '--deep', '/'],
        'gzip -dc | wc -c': ['sh', '-c', 'gzip -dc "$0" | wc -c', `${layer}.gz`],
      });
      tell('the same with --deep /', rootaudit, peers);
    }
    if (has('zstd')) {
      compress('zstd', layer, '.zst');
      new Layout(join(work, 'zstd')).add('app:1', [{ file: `${layer}.zst`, compression: 'zstd', plain }]);
      const { rootaudit, ...peers } = inTurn({
        rootaudit: [...scan(join(work, 'zstd')), '--no-cache'],
        'zstd -dc | wc -c': ['sh', '-c', 'zstd -dcq "$0" | wc -c', `${layer}.zst`],
      });
      tell('OCI layout, one zstd layer', rootaudit, peers);
    }
    benchFleet(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
