/**
 * Reads one repository of a registry: manifests and blobs after the OCI distribution specification 1.1. Everything is
 * addressed by digest but the first manifest of a tag, and everything is verified.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { isLoopback } from '../network/loopback.ts';
import { checkDocument, sha256 } from './digest.ts';
import { findCredentials, type CredentialPlaces } from './docker-credentials.ts';
import { DOCUMENT_TYPES, MAX_DOCUMENT_BYTES, type Descriptor } from './manifest.ts';
import { fullName, isDigest, type ImageReference } from './reference.ts';
import { RegistryAuth } from './registry-auth.ts';
import {
  BrokenConnection,
  discard,
  parseUrl,
  RegistryHttp,
  statusText,
  type RegistryLimits,
} from './registry-http.ts';

export interface ClientOptions extends CredentialPlaces {
  /** Without TLS: for a registry on this computer only. */
  readonly plainHttp: boolean;
  readonly limits: Partial<RegistryLimits>;
}

/** What the reference names: an index or a manifest. */
export interface FirstDocument {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
}

/** What of the registry is named by its digest. */
type Blob = Pick<Descriptor, 'digest' | 'size'>;

const ACCEPT = { accept: DOCUMENT_TYPES.join(', ') };
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;
/** Of one blob, with progress between them. */
const MAX_BREAKS = 50;

export class RegistryClient {
  readonly reference: ImageReference;
  readonly #base: URL;
  readonly #http: RegistryHttp;
  readonly #auth: RegistryAuth;
  /** One for each request or blob: a signal that all share would be listened to by too many. */
  readonly #underWay = new Set<AbortController>();
  #closed: RootauditError | undefined;

  constructor(reference: ImageReference, options: ClientOptions) {
    const secure = new URL(`https://${reference.host}`);
    if (options.plainHttp && !isLoopback(secure.hostname)) {
      throw new RootauditError(
        `--plain-http is for a registry on this computer, and ${reference.host} is not`,
        'Leave it out: other registries are only asked over TLS.',
      );
    }
    const host = options.plainHttp ? `http://${reference.host}` : secure;
    this.reference = reference;
    this.#base = new URL(`/v2/${reference.repository}/`, host);
    this.#http = new RegistryHttp(this.#base, options.limits, options.environment);
    this.#auth = new RegistryAuth(this.#http, reference, () => findCredentials(reference, options));
  }

  /** Ends everything that is under way. */
  close(): void {
    this.#closed = new RootauditError(`${fullName(this.reference)} has been closed`);
    for (const controller of this.#underWay) controller.abort(this.#closed);
  }

  #begin(): AbortController {
    if (this.#closed) throw this.#closed;
    const controller = new AbortController();
    this.#underWay.add(controller);
    return controller;
  }

  async #during<Value>(work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const controller = this.#begin();
    try {
      return await work(controller.signal);
    } finally {
      this.#underWay.delete(controller);
    }
  }

  /** What the reference names. */
  async first(): Promise<FirstDocument> {
    const { digest, tag } = this.reference;
    const name = fullName(this.reference);
    const what = `the manifest of ${name}`;
    const { response, bytes } = await this.#whole(`manifests/${digest ?? tag ?? 'latest'}`, ACCEPT, what);
    if (response.status === 404) {
      throw new RootauditError(
        `${this.reference.registry} has no ${name}`,
        'Are the name and the tag right?',
      );
    }
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
    const mediaType = type.trim().toLowerCase();
    // Its digest leaves out the signatures in it.
    if (SCHEMA_1.test(mediaType)) {
      throw new RootauditError(
        `${name} is of Docker's first format, which has been out of use since 2017`,
        'Push the image again with a current tool.',
      );
    }
    const told = response.headers.get('docker-content-digest');
    // One of another algorithm cannot be checked, and nothing relies upon it.
    const expected = digest ?? (told !== null && isDigest(told) ? told : sha256(bytes));
    const descriptor = {
      mediaType,
      digest: expected,
      size: bytes.length,
      annotations: new Map<string, string>(),
    };
    checkDocument(bytes, descriptor, what);
    return { bytes, descriptor };
  }

  /** A manifest that an index names, size and digest checked; undefined when the registry does not have it. */
  manifest(descriptor: Descriptor, what: string): Promise<Uint8Array | undefined> {
    return this.#document(`manifests/${checked(descriptor.digest)}`, ACCEPT, descriptor, what);
  }

  /** The configuration of an image, likewise. */
  configuration(descriptor: Descriptor, what: string): Promise<Uint8Array | undefined> {
    return this.#document(`blobs/${checked(descriptor.digest)}`, {}, descriptor, what);
  }

  async #document(
    path: string,
    headers: Readonly<Record<string, string>>,
    descriptor: Descriptor,
    what: string,
  ): Promise<Uint8Array | undefined> {
    const { response, bytes } = await this.#whole(path, headers, what);
    if (response.status === 404) return undefined;
    checkDocument(bytes, descriptor, what);
    return bytes;
  }

  /** False when the registry does not have it. */
  async hasBlob({ digest }: Blob, what: string): Promise<boolean> {
    const path = `blobs/${checked(digest)}`;
    const response = await this.#during((signal) => this.#ask(path, { range: 'bytes=0-0' }, signal));
    await discard(response);
    if (response.status === 404) return false;
    if (response.status === 200 || response.status === 206 || response.status === 416) return true;
    throw await this.#failure(response, what);
  }

  /**
   * The bytes of a blob, exactly as many as there should be. When the connection breaks, what is missing is asked for.
   * Whoever reads them verifies the digest.
   */
  async *blob(blob: Blob, what: string): AsyncGenerator<Uint8Array, void, undefined> {
    const controller = this.#begin();
    try {
      yield* this.#wholeBlob(blob, what, controller.signal);
    } finally {
      this.#underWay.delete(controller);
    }
  }

  async *#wholeBlob(
    { digest, size }: Blob,
    what: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const path = `blobs/${checked(digest)}`;
    let received = 0;
    let attempt = 0;
    for (let breaks = 0; ; breaks++) {
      const before = received;
      try {
        const range = received === 0 ? {} : { range: `bytes=${received}-` };
        const response = await this.#ask(path, range, signal);
        for await (const piece of this.#rest(response, { size, offset: received, what }, signal)) {
          received += piece.length;
          yield piece;
        }
        if (received === size) return;
        throw new BrokenConnection(`${what} ends after ${received} of ${size} bytes`);
      } catch (error) {
        if (!(error instanceof BrokenConnection)) throw error;
        if (received === size) return;
        attempt = received > before ? 0 : attempt + 1;
        if (attempt > this.#http.limits.retries || breaks >= MAX_BREAKS) {
          const place = `after ${received} of ${size} bytes of ${what}`;
          throw new RootauditError(`${error.message} (${place})`, 'Try again later.');
        }
        await this.#http.pause(attempt, signal);
      }
    }
  }

  /** What comes after `offset`, whether or not the registry heeded that we asked for no more. */
  async *#rest(
    response: Response,
    { size, offset, what }: { readonly size: number; readonly offset: number; readonly what: string },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    if (response.status !== 200 && response.status !== 206) throw await this.#failure(response, what);
    const start = response.status === 206 ? rangeStart(response) : 0;
    if (start === undefined || start > offset) {
      await discard(response);
      throw new RootauditError(
        `${this.reference.registry} answers with another part of ${what} than was asked for`,
      );
    }
    const length = lengthOf(response);
    if (length !== undefined && start + length !== size) {
      await discard(response);
      throw new RootauditError(
        `${what} has ${start + length} bytes and not the ${size} that its manifest tells`,
      );
    }
    let position = start;
    for await (const piece of this.#http.body(response, signal)) {
      const skip = Math.max(offset - position, 0);
      position += piece.length;
      if (position > size)
        throw new RootauditError(`${what} has more than the ${size} bytes that its manifest tells`);
      if (skip < piece.length) yield skip === 0 ? piece : piece.subarray(skip);
    }
  }

  async #whole(
    path: string,
    headers: Readonly<Record<string, string>>,
    what: string,
  ): Promise<{ readonly response: Response; readonly bytes: Buffer }> {
    const url = this.#url(path);
    const answer = await this.#during((signal) =>
      this.#authorized(signal, (authorization) =>
        this.#http.sendWhole({ url, headers, authorization }, MAX_DOCUMENT_BYTES, what, signal),
      ),
    );
    const { status } = answer.response;
    if (status !== 200 && status !== 404) throw await this.#failure(answer.response, what);
    return answer;
  }

  async #ask(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const url = this.#url(path);
    const { response } = await this.#authorized(signal, async (authorization) => ({
      response: await this.#http.send({ url, headers, authorization }, signal),
    }));
    return response;
  }

  #url(path: string): URL {
    return new URL(path, this.#base);
  }

  /** A token may be missing, or have come of age: asked for once, for each request. */
  async #authorized<Answer extends { readonly response: Response }>(
    signal: AbortSignal,
    send: (authorization: string | undefined) => Promise<Answer>,
  ): Promise<Answer> {
    const used = this.#auth.authorization;
    const answer = await send(used);
    if (answer.response.status !== 401 || !this.#isOurs(answer.response)) return answer;
    await this.#auth.answer(answer.response, used, signal);
    return send(this.#auth.authorization);
  }

  /** Nobody else may say where our credentials are to go. */
  #isOurs({ url }: Response): boolean {
    return parseUrl(url)?.origin === this.#base.origin;
  }

  async #failure(response: Response, what: string): Promise<RootauditError> {
    await discard(response);
    const { status } = response;
    const { registry } = this.reference;
    if ((status === 401 || status === 403) && this.#isOurs(response)) return this.#auth.refusal(status);
    if (status === 404) return new RootauditError(`${registry} does not have ${what}`);
    return new RootauditError(`${registry} answers ${statusText(response)} when asked for ${what}`);
  }
}

/** Of another origin than ours: only what is a digest becomes part of a URL. */
function checked(digest: string): string {
  if (!isDigest(digest)) throw new RootauditError(`${visible(digest, 80)} is no digest that can be verified`);
  return digest;
}

function rangeStart(response: Response): number | undefined {
  const start = /^bytes (\d{1,15})-/.exec(response.headers.get('content-range') ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

/** Of the body; undefined when it is not told, or is that of a packed form. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}
