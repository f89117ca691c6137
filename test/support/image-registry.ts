/** A registry of images inside the tests: the distribution protocol over HTTP on 127.0.0.1, with faults on demand. */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll } from 'vitest';

export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** Answers a request in place of the registry, or returns false for the usual answer. */
type Fault = (request: IncomingMessage, response: ServerResponse) => boolean | void | Promise<boolean | void>;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface TestLayer {
  /** As stored. */
  readonly bytes: Uint8Array;
  /** Unpacked. */
  readonly content: Uint8Array;
  readonly mediaType?: string;
  readonly createdBy?: string;
}

export function gzipLayer(content: Uint8Array, createdBy = 'RUN x'): TestLayer {
  return { bytes: gzipSync(content), content, createdBy };
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const open: Server[] = [];

afterAll(async () => {
  await Promise.all(
    open.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});

/** A server on a free port of 127.0.0.1: "127.0.0.1:40000". Closed when the test file ends. */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void handle(request, response));
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

export class ImageRegistry {
  host = '';
  /** "GET /v2/… <authorization> <range>" of every request, in order. */
  readonly log: string[] = [];
  readonly #repository: string;
  readonly #manifests = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #faults: Fault[] = [];

  private constructor(repository: string) {
    this.#repository = repository;
  }

  static async start(repository = 'team/app'): Promise<ImageRegistry> {
    const registry = new ImageRegistry(repository);
    registry.host = await serve((request, response) => registry.#handle(request, response));
    return registry;
  }

  reference(rest = ':1'): string {
    return `registry:${this.host}/${this.#repository}${rest}`;
  }

  /** Asked before the registry answers; the newest first. */
  fault(fault: Fault): void {
    this.#faults.unshift(fault);
  }

  addBlob(bytes: Uint8Array, mediaType: string = OCI.gzip): Descriptor {
    const digest = sha256(bytes);
    this.#blobs.set(digest, Buffer.from(bytes));
    return { mediaType, digest, size: bytes.length };
  }

  /** Puts other bytes in the place of a blob or of a manifest. */
  replace(digest: string, bytes: Uint8Array): void {
    if (this.#blobs.has(digest)) this.#blobs.set(digest, Buffer.from(bytes));
    const manifest = this.#manifests.get(digest);
    if (manifest) this.#manifests.set(digest, { ...manifest, bytes: Buffer.from(bytes) });
  }

  addManifest(document: unknown, type: string = OCI.manifest, tag?: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = sha256(bytes);
    this.#manifests.set(digest, { bytes, type });
    if (tag !== undefined) this.#manifests.set(tag, { bytes, type });
    return { mediaType: type, digest, size: bytes.length };
  }

  addImage(
    layers: readonly TestLayer[],
    options: { tag?: string; architecture?: string; env?: string[] } = {},
  ): Descriptor {
    const { tag, architecture = 'amd64', env = [] } = options;
    const config = {
      os: 'linux',
      architecture,
      config: { Env: env },
      rootfs: { type: 'layers', diff_ids: layers.map(({ content }) => sha256(content)) },
      history: layers.map(({ createdBy }) => ({ created_by: createdBy })),
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI.manifest,
      config: this.addBlob(Buffer.from(JSON.stringify(config)), OCI.config),
      layers: layers.map(({ bytes, mediaType }) => this.addBlob(bytes, mediaType)),
    };
    return this.addManifest(manifest, OCI.manifest, tag);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.log.push([method, url, headers.authorization, headers.range].filter(Boolean).join(' '));
    for (const fault of this.#faults) {
      if ((await fault(request, response)) !== false) return;
    }
    const [, kind = '', name = ''] =
      new RegExp(`^/v2/${this.#repository}/(manifests|blobs)/(.*)$`).exec(url) ?? [];
    const manifest = kind === 'manifests' ? this.#manifests.get(name) : undefined;
    if (manifest) {
      const digest = name.startsWith('sha256:') ? name : sha256(manifest.bytes);
      response.writeHead(200, { 'content-type': manifest.type, 'docker-content-digest': digest });
      response.end(manifest.bytes);
      return;
    }
    const blob = kind === 'blobs' ? this.#blobs.get(name) : undefined;
    if (blob) sendBlob(blob, request, response);
    else response.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN"}]}');
  }
}

/** With ranges, as registries do. */
export function sendBlob(blob: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const start = /^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
  const rest = blob.subarray(Number(start ?? 0));
  response.writeHead(start === undefined ? 200 : 206, {
    'content-length': rest.length,
    ...(start !== undefined && { 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` }),
  });
  response.end(rest);
}

/** Makes the registry ask for a user and a password. */
export function demandBasic(registry: ImageRegistry, userAndPassword: string): void {
  const expected = `Basic ${Buffer.from(userAndPassword).toString('base64')}`;
  registry.fault(({ headers }, response) => {
    if (headers.authorization === expected) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="a, \\"registry\\""' }).end();
    return true;
  });
}

export interface TokenService {
  readonly host: string;
  /** "GET /token?… <authorization>", and for POST the body. */
  readonly log: string[];
  /** Ends the validity of every token given so far. */
  expire(): void;
}

interface TokenOptions {
  /** Basic credentials that the service wants. */
  readonly user?: string;
  /** The refresh token that it wants. */
  readonly refreshToken?: string;
  readonly scope?: string;
  /** In place of the address of the service. */
  readonly realm?: string;
  /** Answers with this in place of a token. */
  readonly answer?: string;
}

/** Makes the registry ask for a token of a service at another port. */
export async function demandToken(
  registry: ImageRegistry,
  options: TokenOptions = {},
): Promise<TokenService> {
  let valid = 0;
  const log: string[] = [];
  const { user, refreshToken, answer, scope = 'repository:team/app:pull' } = options;
  const basic = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
  const host = await serve(async (request, response) => {
    const { method, url, headers } = request;
    const pieces: string[] = [];
    for await (const piece of request) pieces.push(String(piece));
    log.push([method, url, headers.authorization, ...pieces].filter(Boolean).join(' '));
    const isRight =
      refreshToken === undefined
        ? headers.authorization === basic
        : new URLSearchParams(pieces.join('')).get('refresh_token') === refreshToken;
    if (isRight) response.end(answer ?? JSON.stringify({ access_token: `token-${valid}`, expires_in: 300 }));
    else response.writeHead(401).end('{"details":"incorrect username or password"}');
  });
  const realm = options.realm ?? `http://${host}/token?x=1`;
  registry.fault(({ headers }, response) => {
    if (headers.authorization === `Bearer token-${valid}`) return false;
    const challenge = `Bearer realm="${realm}",service="a registry",scope="${scope}",error="invalid_token"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  });
  return { host, log, expire: () => void valid++ };
}
