/** A request that got no answer: what to say about it, and what can be done. */

import { codeOf, isPassing, isUntrusted, reasonOf } from './connection-errors.ts';
import { isLoopback } from './loopback.ts';
import { proxyErrorIn } from './proxy-error.ts';
import { unusedProxyHint, type Environment, type ProxyServer } from './proxy.ts';

export interface Attempt {
  readonly url: URL;
  /** Through which it went. */
  readonly proxy: ProxyServer | undefined;
  readonly environment: Environment;
  /** Leaving out TLS was asked for. */
  readonly plainHttp: boolean;
}

interface Failure {
  readonly message: string;
  readonly hint: string | undefined;
  /** Worth another try. */
  readonly mayPass: boolean;
}

/** `error`: what fetch rejected with. */
export function explainFailure(error: unknown, attempt: Attempt): Failure {
  const { url, proxy, environment } = attempt;
  const proxyError = proxyErrorIn(error);
  const code = codeOf(error);
  const why = proxyError?.message ?? reasonOf(code);
  return {
    message: `${url.host} cannot be reached${throughText(proxy)}: ${why}`,
    hint:
      proxyError?.hint ??
      hintFor(code, attempt) ??
      (proxy === undefined ? unusedProxyHint(url, environment) : undefined),
    mayPass: proxyError?.mayPass ?? isPassing(code),
  };
}

/** " through the proxy proxy.example:3128", or nothing. */
export function throughText(proxy: ProxyServer | undefined): string {
  return proxy === undefined ? '' : ` through the proxy ${proxy.name}`;
}

function hintFor(code: string, { url, proxy, plainHttp }: Attempt): string | undefined {
  if (isUntrusted(code)) {
    const root = proxy === undefined ? 'its root' : 'its root, or that of a proxy that looks into TLS,';
    return `Name ${root} in NODE_EXTRA_CA_CERTS=/path/of/root.pem.`;
  }
  if (/ERR_SSL/.test(code) && !plainHttp && isLoopback(url.hostname)) {
    return 'For a registry without TLS on this computer use --plain-http.';
  }
  return undefined;
}
