/**
 * Credentials for a registry, as `docker login` and `podman login` leave them: Docker's config.json, the auth.json of
 * containers-auth.json(5), and the programs that these name (github.com/docker/docker-credential-helpers).
 * No secret ever becomes part of a message: not of the files, and nothing that a helper says.
 */

import { execFile } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { visible } from '../core/text.ts';
import type { ImageReference } from './reference.ts';

/** Private fields: neither an inspection nor JSON shows them. */
export class Credentials {
  readonly #username: string;
  readonly #secret: string;
  readonly #isIdentityToken: boolean;
  constructor(username: string, secret: string, isIdentityToken = false) {
    this.#username = username;
    this.#secret = secret;
    this.#isIdentityToken = isIdentityToken;
  }

  /** The value of an Authorization header; undefined for an identity token. */
  basic(): string | undefined {
    if (this.#isIdentityToken) return undefined;
    return `Basic ${Buffer.from(`${this.#username}:${this.#secret}`).toString('base64')}`;
  }

  /** A refresh token of OAuth 2, which stands for a password. */
  identityToken(): string | undefined {
    return this.#isIdentityToken ? this.#secret : undefined;
  }
}

export interface CredentialPlaces {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** How long a helper may take, in milliseconds. */
  readonly helperTimeout?: number;
}

export interface FoundCredentials {
  readonly credentials?: Credentials;
  /** Files and helpers that could not be asked. */
  readonly problems: readonly string[];
}

const MAX_FILE = 1 << 20;
const MAX_HELPER_OUTPUT = 1 << 20;
const HELPER_TIMEOUT = 30_000;
const HELPER_NAME = /^[A-Za-z0-9._-]{1,100}$/;
const MAX_SECRET = 64 << 10;
/** What Docker calls its own registry in files and to helpers. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
/** A helper's user name when its secret is an identity token. */
const TOKEN_USER = '<token>';

/** Never throws: what cannot be read is a problem, and the next place is asked. */
export async function findCredentials(
  reference: ImageReference,
  places: CredentialPlaces,
): Promise<FoundCredentials> {
  const problems: string[] = [];
  for (const file of filesOf(places)) {
    const config = readConfig(file, problems);
    const credentials = config && (await fromConfig(config, file, reference, places, problems));
    if (credentials) return { credentials, problems };
  }
  return { problems };
}

/** A file that is named in the environment stands in for the usual ones. */
function filesOf({ environment, home }: CredentialPlaces): string[] {
  const named = environment['REGISTRY_AUTH_FILE'];
  const docker = environment['DOCKER_CONFIG'];
  if (named) return [named, ...(docker ? [join(docker, 'config.json')] : [])];
  const runtime = environment['XDG_RUNTIME_DIR'];
  const uid = process.getuid?.();
  return [
    join(docker || join(home, '.docker'), 'config.json'),
    ...(runtime ? [join(runtime, 'containers/auth.json')] : []),
    ...(!runtime && uid !== undefined ? [`/run/containers/${uid}/auth.json`] : []),
    join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers/auth.json'),
  ];
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readConfig(file: string, problems: string[]): Json | undefined {
  let text: string | undefined;
  try {
    text = readSmallFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    problems.push(`${visible(file)} cannot be read (${code || 'unknown error'})`);
    return undefined;
  }
  if (text === undefined) {
    problems.push(`${visible(file)} is no regular file of at most 1 MiB`);
    return undefined;
  }
  // The message of JSON.parse quotes the text, which has secrets in it.
  const config = parseObject(text);
  if (!config) problems.push(`${visible(file)} is not a JSON object`);
  return config;
}

function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined for what is no regular file, or too large. Never waits for the other end of a pipe. */
function readSmallFile(file: string): string | undefined {
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_FILE) return undefined;
    const bytes = Buffer.alloc(stat.size);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(descriptor, bytes, length, bytes.length - length, length);
    }
    return bytes.toString('utf8', 0, length).replace(/^\u{feff}/u, '');
  } finally {
    closeSync(descriptor);
  }
}

async function fromConfig(
  config: Json,
  file: string,
  reference: ImageReference,
  places: CredentialPlaces,
  problems: string[],
): Promise<Credentials | undefined> {
  const helper = lookUp(config['credHelpers'], reference) ?? (config['credsStore'] || undefined);
  if (helper !== undefined) {
    const credentials = await askHelper(helper, file, reference, places, problems);
    if (credentials) return credentials;
  }
  const entry = lookUp(config['auths'], reference);
  return isObject(entry) ? fromEntry(entry, file, reference, problems) : undefined;
}

/** The value for the longest name: Podman has credentials also for a part of a registry, "quay.io/team". */
function lookUp(table: unknown, { registry, repository }: ImageReference): unknown {
  if (!isObject(table)) return undefined;
  const byName = new Map(Object.entries(table).map(([key, value]) => [normalised(key), value]));
  const parts = [registry, ...repository.split('/')];
  for (let length = parts.length; length > 0; length--) {
    const value = byName.get(parts.slice(0, length).join('/'));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Docker has also written keys as URLs: "https://registry.example/v2/". */
function normalised(key: string): string {
  const [host = '', ...path] = key
    .replace(/^https?:\/\//, '')
    .split('/')
    .filter((part) => part !== '');
  const lower = host.toLowerCase();
  const registry = ['index.docker.io', 'registry-1.docker.io'].includes(lower) ? 'docker.io' : lower;
  const isVersion = path.length === 1 && /^v[12]$/.test(path[0] ?? '');
  return [registry, ...(isVersion ? [] : path)].join('/');
}

function fromEntry(
  entry: Json,
  file: string,
  { registry }: ImageReference,
  problems: string[],
): Credentials | undefined {
  const { identitytoken, auth, username, password } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return credentials(TOKEN_USER, identitytoken);
  if (typeof auth === 'string' && auth !== '') {
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    // Docker pads some passwords with NUL.
    const found =
      colon > 0 && credentials(decoded.slice(0, colon), decoded.slice(colon + 1).replace(/\0+$/, ''));
    if (!found) problems.push(`${visible(file)} has an entry for ${registry} that cannot be read`);
    return found || undefined;
  }
  if (typeof username !== 'string' || typeof password !== 'string' || username === '') return undefined;
  return credentials(username, password);
}

function credentials(username: string, secret: string): Credentials | undefined {
  if (username.length > MAX_SECRET || secret.length > MAX_SECRET || secret === '') return undefined;
  return new Credentials(username, secret, username === TOKEN_USER);
}

async function askHelper(
  name: unknown,
  file: string,
  { registry }: ImageReference,
  places: CredentialPlaces,
  problems: string[],
): Promise<Credentials | undefined> {
  if (typeof name !== 'string' || !HELPER_NAME.test(name)) {
    problems.push(`${visible(file)} names a credential helper for ${registry} that cannot be one`);
    return undefined;
  }
  const program = `docker-credential-${name}`;
  const { output, failure } = await runHelper(
    program,
    registry === 'docker.io' ? DOCKER_HUB_KEY : registry,
    places,
  );
  // In the words of the protocol: no failure, there just are none.
  if (/credentials not found/i.test(output)) return undefined;
  const answer = failure === undefined ? parseObject(output) : undefined;
  const { Username: username, Secret: secret } = answer ?? {};
  const found = typeof username === 'string' && typeof secret === 'string' && credentials(username, secret);
  if (found) return found;
  problems.push(`${program} ${failure ?? 'gave an answer that has no credentials'}`);
  return undefined;
}

interface HelperAnswer {
  readonly output: string;
  readonly failure?: string;
}

function runHelper(
  program: string,
  host: string,
  { environment, helperTimeout = HELPER_TIMEOUT }: CredentialPlaces,
): Promise<HelperAnswer> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ['get'],
      {
        env: { ...environment },
        timeout: helperTimeout,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_HELPER_OUTPUT,
        windowsHide: true,
      },
      (error, stdout) => resolve(error ? { output: stdout, failure: reasonOf(error) } : { output: stdout }),
    );
    // A helper that ends without reading closes the pipe.
    child.stdin?.on('error', () => {});
    child.stdin?.end(host);
  });
}

function reasonOf(error: { readonly code?: unknown; readonly killed?: boolean }): string {
  if (error.code === 'ENOENT') return 'is not installed';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'gave too long an answer';
  if (error.killed) return 'did not answer in time';
  return typeof error.code === 'number' ? `ended with code ${error.code}` : 'cannot be run';
}
