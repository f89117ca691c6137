/** A registry of npm on this machine: our own package as `npm pack` makes it, and what it depends on. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { PROJECT } from './rootaudit.ts';
import { makeFilesTar } from './tar.ts';
import { makeTemporaryDirectory } from './tree.ts';

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Unlike `spawnSync` it lets a server in this process answer. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, environment }: RunOptions = {},
): Promise<Run> {
  const { PATH = '', HOME = '' } = process.env;
  const options = { cwd, encoding: 'utf8', env: { PATH, HOME, ...environment }, maxBuffer: 1 << 28 } as const;
  try {
    return { status: 0, ...(await promisify(execFile)(command, [...args], options)) };
  } catch (error) {
    if (!isExit(error)) throw error;
    return { status: error.code, stdout: error.stdout, stderr: error.stderr };
  }
}

interface ExitError {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function isExit(error: unknown): error is ExitError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'stdout' in error;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(directory: string): Manifest {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of an installed package
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** The archive that npm would publish; the project has to be built. */
export async function packProject(): Promise<string> {
  const directory = makeTemporaryDirectory();
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory];
  const { status, stderr } = await run('npm', pack, { cwd: PROJECT });
  const [name] = readdirSync(directory);
  if (status !== 0 || name === undefined) throw new Error(`npm pack failed: ${stderr}`);
  return join(directory, name);
}

/** An installed package as an archive. */
function packInstalled(directory: string): Buffer {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.slice(directory.length).includes('/node_modules/'));
  const contents = files.map((path) => [`package${path.slice(directory.length)}`, readFileSync(path)]);
  return gzipSync(makeFilesTar(Object.fromEntries(contents)), { level: 1 });
}

interface Published {
  readonly manifest: Manifest;
  readonly archive: Buffer;
}

/** The project's archive and, as they are installed here, all that it needs to run. */
function publish(archive: Buffer): ReadonlyMap<string, Published> {
  const packages = new Map<string, Published>();
  const wanted = [PROJECT];
  // Grows while it is read.
  for (const directory of wanted) {
    const manifest = manifestOf(directory);
    if (packages.has(manifest.name)) continue;
    const isOurs = directory === PROJECT;
    packages.set(manifest.name, { manifest, archive: isOurs ? archive : packInstalled(directory) });
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
      wanted.push(join(PROJECT, 'node_modules', name));
  }
  return packages;
}

export interface NpmRegistry {
  /** For npm: use this registry, and nothing that is kept elsewhere. */
  readonly environment: Readonly<Record<string, string>>;
  close(): void;
}

export async function openNpmRegistry(archive: string): Promise<NpmRegistry> {
  const packages = publish(readFileSync(archive));
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const file = path.endsWith('.tgz');
    const found = packages.get(file ? path.slice(0, -'.tgz'.length) : path);
    if (!found) response.writeHead(404).end('{}');
    else if (file) response.end(found.archive);
    else response.end(JSON.stringify(packument(found, `http://${request.headers.host}`)));
  });
  const port = await listen(server);
  return {
    environment: {
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_cache: makeTemporaryDirectory(),
      npm_config_update_notifier: 'false',
    },
    close: () => server.close(),
  };
}

function packument({ manifest, archive }: Published, origin: string): object {
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const dist = { tarball: `${origin}/${manifest.name}.tgz`, integrity };
  const versions = { [manifest.version]: { ...manifest, dist } };
  return { name: manifest.name, 'dist-tags': { latest: manifest.version }, versions };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
      else reject(new Error('no port'));
    });
  });
}
