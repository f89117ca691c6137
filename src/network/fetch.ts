/** fetch, through a proxy where the environment names one. */

import { cannotReachProxy, proxyRefuses } from './proxy-error.ts';
import type { ProxyServer } from './proxy.ts';

/** Of the requests that we make. */
export interface FetchOptions {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
  readonly signal: AbortSignal;
}

/** Redirects are the caller's: he has to say what may go where. Rejects as fetch does, see connection-errors.ts. */
export async function fetchThrough(
  proxy: ProxyServer | undefined,
  url: URL,
  options: FetchOptions,
): Promise<Response> {
  const all = { ...options, redirect: 'manual' } as const;
  if (!proxy) return fetch(url, all);
  // Node's own fetch knows proxies from 22.21 and 24.5 on only. What can do it takes long to load.
  const { fetchThroughProxy } = await import('./through-proxy.ts');
  return fetchThroughProxy(proxy, url, all, { cannotReachProxy, proxyRefuses });
}
