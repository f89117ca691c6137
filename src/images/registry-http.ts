/**
 * HTTP as a registry is spoken to: over TLS, with bounds on time and bytes, a few repetitions of what failed in
 * passing, and redirects that take no secret along. Messages never quote what a server said.
 */

import { RootauditError } from '../core/errors.ts';
import { grouped } from '../core/text.ts';
import { codeOf, reasonOf } from '../network/connection-errors.ts';
import { explainFailure } from '../network/failure.ts';
import { fetchThrough } from '../network/fetch.ts';
import { isLoopback } from '../network/loopback.ts';
import { proxyFor } from '../network/proxy.ts';
import { sleep, withTimeout } from './waiting.ts';

/** In milliseconds where they are times. */
export interface RegistryLimits {
  /** Until the head of an answer is there. */
  readonly headTimeout: number;
  /** Waiting for the next 64 KiB of a body. */
  readonly stallTimeout: number;
  /** Repetitions without progress. */
  readonly retries: number;
  /** Before the first repetition; doubled before each other. */
  readonly retryDelay: number;
  /** The longest that a server may ask to wait. */
  readonly maxRetryAfter: number;
}

const DEFAULT_LIMITS: RegistryLimits = {
  headTimeout: 30_000,
  stallTimeout: 60_000,
  retries: 4,
  retryDelay: 500,
  maxRetryAfter: 60_000,
};

export interface Request {
  readonly url: URL;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the origin of `url` and nowhere else. */
  readonly authorization?: string | undefined;
  readonly body?: URLSearchParams;
}

export interface WholeResponse {
  readonly response: Response;
  readonly bytes: Buffer;
}

const MAX_REDIRECTS = 5;
const PROGRESS = 64 << 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const BUSY: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** The connection broke: worth another try. */
export class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection';
  /** What the user can do when it breaks again and again. */
  readonly hint: string;

  constructor(message: string, hint = 'Try again later.') {
    super(message);
    this.hint = hint;
  }
}

/** Speaks to one registry, and to where that registry sends it. */
export class RegistryHttp {
  readonly limits: RegistryLimits;
  readonly #host: string;
  readonly #plainHttp: boolean;
  readonly #isLoopback: boolean;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(
    base: URL,
    limits: Partial<RegistryLimits>,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.#host = base.host;
    this.#plainHttp = base.protocol === 'http:';
    this.#isLoopback = isLoopback(base.hostname);
    this.#environment = environment;
  }

  /** The answer, whatever its status, but for a server that stays busy. */
  async send(request: Request, signal: AbortSignal): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt >= this.limits.retries;
      try {
        const response = await this.#follow(request, signal);
        if (!BUSY.has(response.status)) return response;
        await discard(response);
        const wait = this.#waitFor(response, attempt);
        if (isLast)
          throw new RootauditError(`${this.#host} answers ${statusText(response)}`, 'Try again later.');
        await sleep(wait, signal);
      } catch (error) {
        if (!(error instanceof BrokenConnection)) throw error;
        if (isLast) throw new RootauditError(error.message, error.hint);
        await sleep(this.#delay(attempt), signal);
      }
    }
  }

  /** Before the repetition after `attempt` repetitions. */
  pause(attempt: number, signal: AbortSignal): Promise<void> {
    return sleep(this.#delay(attempt), signal);
  }

  /** Throws RootauditError for an address that must not be asked: without TLS, or this very computer. */
  check(url: URL, what: string): void {
    const allowed =
      url.protocol === 'https:' || (url.protocol === 'http:' && this.#plainHttp && isLoopback(url.hostname));
    if (!allowed) {
      throw new RootauditError(`${this.#host} sends ${what} to an address without TLS, which is refused`);
    }
    if (url.username !== '' || url.password !== '') {
      throw new RootauditError(`${this.#host} sends ${what} to an address with a password, which is refused`);
    }
    // 169.254.169.254 hands out the secrets of machines in a cloud.
    if (!this.#isLoopback && (isLoopback(url.hostname) || isLinkLocal(url.hostname))) {
      throw new RootauditError(
        `${this.#host} sends ${what} to an address that only this computer can reach, which is refused`,
      );
    }
  }

  /**
   * The pieces of a body. Throws {@link BrokenConnection} when it breaks off or stalls: less than 64 KiB in the time
   * for a stall, not counting the time that the reader of the pieces takes.
   */
  async *body(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = response.body?.getReader();
    if (!reader) return;
    let waited = 0;
    let progress = 0;
    try {
      for (;;) {
        const start = performance.now();
        const { done, value } = await withTimeout(reader.read(), this.limits.stallTimeout - waited, signal);
        waited += performance.now() - start;
        if (done) return;
        const piece: unknown = value;
        if (!(piece instanceof Uint8Array)) continue;
        progress += piece.length;
        if (progress >= PROGRESS) waited = progress = 0;
        yield piece;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new BrokenConnection(`the connection to ${this.#host} broke: ${reasonOf(codeOf(error))}`);
    } finally {
      // The answer of a cancelled connection is of no interest.
      reader.cancel().catch(() => {});
    }
  }

  /** The answer with its whole body, which is read for status 200 only and may have at most `maxBytes`. */
  async sendWhole(
    request: Request,
    maxBytes: number,
    what: string,
    signal: AbortSignal,
  ): Promise<WholeResponse> {
    for (let attempt = 0; ; attempt++) {
      const response = await this.send(request, signal);
      if (response.status !== 200) {
        await discard(response);
        return { response, bytes: Buffer.alloc(0) };
      }
      try {
        return { response, bytes: await this.#whole(response, maxBytes, what, signal) };
      } catch (error) {
        if (!(error instanceof BrokenConnection)) throw error;
        if (attempt >= this.limits.retries) throw new RootauditError(error.message, error.hint);
        await this.pause(attempt, signal);
      }
    }
  }

  async #whole(response: Response, maxBytes: number, what: string, signal: AbortSignal): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of this.body(response, signal)) {
      length += piece.length;
      if (length > maxBytes) throw new RootauditError(`${what} has more than ${grouped(maxBytes)} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces, length);
  }

  async #follow(request: Request, signal: AbortSignal): Promise<Response> {
    let { url } = request;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const authorization = url.origin === request.url.origin ? request.authorization : undefined;
      const response = await this.#fetch({ ...request, url, authorization }, signal);
      const location = response.headers.get('location');
      if (!REDIRECTS.has(response.status) || location === null) return response;
      await discard(response);
      if (request.method === 'POST') break;
      const next = parseUrl(location, url);
      if (!next) throw new RootauditError(`${this.#host} sends us to an address that is none`);
      this.check(next, 'us');
      url = next;
    }
    throw new RootauditError(`${this.#host} sends us from one address to another without end`);
  }

  async #fetch(
    { url, method = 'GET', headers, authorization, body }: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    const proxy = proxyFor(url, this.#environment);
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const answer = fetchThrough(proxy, url, {
      method,
      headers: {
        ...headers,
        // What is counted and hashed is what was sent.
        'accept-encoding': 'identity',
        'user-agent': 'rootaudit',
        ...(authorization !== undefined && { authorization }),
      },
      ...(body && { body }),
      signal: controller.signal,
    });
    try {
      signal.throwIfAborted();
      return await withTimeout(answer, this.limits.headTimeout, signal);
    } catch (error) {
      controller.abort();
      answer.catch(() => {});
      signal.throwIfAborted();
      const environment = this.#environment;
      const failure = explainFailure(error, { url, proxy, environment, plainHttp: this.#plainHttp });
      const { message, hint, mayPass } = failure;
      throw mayPass ? new BrokenConnection(message, hint) : new RootauditError(message, hint);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #delay(attempt: number): number {
    return this.limits.retryDelay * 2 ** Math.min(attempt, 6) * (1 + Math.random() / 4);
  }

  /** Seconds or a date (RFC 9110, section 10.2.3). */
  #waitFor(response: Response, attempt: number): number {
    const header = response.headers.get('retry-after') ?? '';
    const asked = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
    if (!(asked > 0)) return this.#delay(attempt);
    if (asked <= this.limits.maxRetryAfter) return asked;
    const minutes = grouped(Math.ceil(asked / 60_000));
    throw new RootauditError(
      `${this.#host} answers ${statusText(response)}, and asks to wait for ${minutes} minutes`,
      response.status === 429
        ? 'Try again then; with `docker login` a registry often allows more.'
        : 'Try again then.',
    );
  }
}

export function statusText({ status }: Response): string {
  return `with status ${status}${status === 429 ? ' (too many requests)' : ''}`;
}

/** So that the connection can serve the next request. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function isLinkLocal(hostname: string): boolean {
  return /^169\.254\.|^\[fe[89ab][0-9a-f]:|^0\.0\.0\.0$|^\[::\]$|^\[::ffff:/.test(hostname);
}
