/**
 * Requests through a proxy, with undici: a tunnel (CONNECT, RFC 9110, section 9.3.6) in which TLS is spoken with the
 * server, so that the proxy sees its name and nothing more. Loaded where a proxy is to be used, and not before.
 */

import { Dispatcher, fetch, Pool, ProxyAgent } from 'undici';
import type { FetchOptions } from './fetch.ts';
import type { ProxyServer } from './proxy.ts';

/**
 * The errors of a tunnel that is not made. They are the caller's, because this file is built apart from the command: a
 * class that both had would be two.
 */
export interface TunnelErrors {
  readonly cannotReachProxy: (proxy: ProxyServer, error: unknown) => Error;
  /** `methods`: the header Proxy-Authenticate. */
  readonly proxyRefuses: (proxy: ProxyServer, status: number, methods: string) => Error;
}

/** In milliseconds: until the proxy has made a tunnel, or says why not. */
const TIMEOUT = 30_000;

/** Kept, so that connections are used again: a process knows one proxy, perhaps two. */
const agents = new Map<string, ProxyAgent>();

export async function fetchThroughProxy(
  proxy: ProxyServer,
  url: URL,
  options: FetchOptions & { readonly redirect: 'manual' },
  errors: TunnelErrors,
): Promise<Response> {
  const key = `${proxy.origin} ${proxy.authorization ?? ''}`;
  const dispatcher = agents.get(key) ?? makeAgent(proxy, errors);
  agents.set(key, dispatcher);
  return fetch(url, { ...options, dispatcher });
}

function makeAgent(proxy: ProxyServer, errors: TunnelErrors): ProxyAgent {
  const { origin, authorization } = proxy;
  return new ProxyAgent({
    uri: origin,
    ...(authorization !== undefined && { token: authorization }),
    clientFactory: (address, options) =>
      makeTunnels(new Pool(address, { ...options, headersTimeout: TIMEOUT }), proxy, errors),
  });
}

/** What goes wrong in making a tunnel is told apart from what goes wrong in it, which is about the server. */
function makeTunnels(pool: Pool, proxy: ProxyServer, errors: TunnelErrors): Dispatcher {
  const connect = async (request: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> => {
    const answer = await pool.connect(request).catch((error: unknown) => {
      throw errors.cannotReachProxy(proxy, error);
    });
    const { statusCode, headers, socket } = answer;
    if (statusCode === 200) return answer;
    socket.on('error', () => {}).destroy();
    throw errors.proxyRefuses(proxy, statusCode, String(headers['proxy-authenticate'] ?? ''));
  };
  return Object.assign(new Dispatcher(), {
    connect,
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  });
}
