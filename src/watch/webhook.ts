/** Posts each event as JSON. Failures that may pass are tried again, ever more slowly. */

import { setTimeout as sleep } from 'node:timers/promises';
import { RootauditError } from '../core/errors.ts';
import { codeOf } from '../network/connection-errors.ts';
import { throughText } from '../network/failure.ts';
import { fetchThrough } from '../network/fetch.ts';
import { isLoopback } from '../network/loopback.ts';
import { proxyErrorIn } from '../network/proxy-error.ts';
import type { ProxyServer } from '../network/proxy.ts';

export interface WebhookOptions {
  readonly url: URL;
  /** Through which it is reached. */
  readonly proxy?: ProxyServer | undefined;
  /** Goes into the header Authorization, as a bearer token. */
  readonly token?: string;
  readonly userAgent: string;
  /** Before the first repetition, in milliseconds; doubled before each other. */
  readonly delay?: number;
  readonly attempts?: number;
  /** Why it did not work out, in a sentence. */
  readonly tell: (message: string) => void;
}

const DELAY = 1000;
const MAX_DELAY = 60_000;
/** Some six minutes in all. */
const ATTEMPTS = 12;
const TIMEOUT = 10_000;

/** Where events may be sent to: with TLS, or to this very machine. Throws RootauditError. */
export function parseWebhookUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new RootauditError('--webhook needs an address: https://…');
  }
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  if (!isSafe) {
    throw new RootauditError(
      '--webhook needs an address with https',
      'Plain http is for this machine only: http://localhost:…',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new RootauditError(
      '--webhook takes no user and password in the address',
      'Put a token into a file, and name it with --webhook-token-file.',
    );
  }
  return url;
}

/** A token as a file or the environment has it. Throws RootauditError for one that no header can carry. */
export function parseToken(text: string, from: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new RootauditError(`${from} holds no token: one line without spaces is expected`);
}

/** Does not reject: in the end the event is delivered or given up. `body`: the event as JSON. */
export async function postEvent(body: string, options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { url, delay = DELAY, attempts = ATTEMPTS, tell } = options;
  // The path of such an address is often a secret.
  const name = `the webhook on ${url.host}`;
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptPost(body, options, signal);
    if (outcome === 'done') return;
    if (signal.aborted) return tell(`${name} did not get an event: it came too late`);
    if (!outcome.mayPass || attempt >= attempts) return tell(`${name} did not take an event: ${outcome.why}`);
    if (attempt === 1) tell(`${name} did not take an event, trying again: ${outcome.why}`);
    const pause = Math.min(MAX_DELAY, Math.max(delay * 2 ** (attempt - 1), outcome.wait ?? 0));
    await sleep(pause, undefined, { signal }).catch(() => {});
    if (signal.aborted) return tell(`${name} did not get an event: it came too late`);
  }
}

interface Failure {
  readonly why: string;
  readonly mayPass: boolean;
  /** Milliseconds that the server asks for. */
  readonly wait?: number;
}

async function attemptPost(
  body: string,
  { url, proxy, token, userAgent }: WebhookOptions,
  signal: AbortSignal,
): Promise<'done' | Failure> {
  try {
    // It follows no redirect: the token is for this address and no other.
    const response = await fetchThrough(proxy, url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': userAgent,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
    });
    // What it says is of no interest.
    await response.body?.cancel().catch(() => {});
    if (response.ok) return 'done';
    const { status } = response;
    const seconds = Number(response.headers.get('retry-after') ?? '');
    return {
      why: `it answers ${status}`,
      mayPass: status === 408 || status === 429 || status >= 500,
      ...(seconds > 0 && { wait: seconds * 1000 }),
    };
  } catch (error) {
    return failureOf(error, proxy);
  }
}

function failureOf(error: unknown, proxy: ProxyServer | undefined): Failure {
  const way = throughText(proxy);
  if (error instanceof Error && error.name === 'TimeoutError') {
    return { why: `no answer within ${TIMEOUT / 1000} s${way}`, mayPass: true };
  }
  const proxyError = proxyErrorIn(error);
  if (proxyError) {
    const { message, mayPass, status } = proxyError;
    return { why: `no connection${way}: ${message}`, mayPass: mayPass || status === undefined };
  }
  const code = codeOf(error);
  return { why: `no connection${way}${code === '' ? '' : ` (${code})`}`, mayPass: true };
}
