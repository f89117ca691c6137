/** Why a proxy does not let us through, in words: of what it says, the status only. */

import { codeOf, isPassing, isUntrusted, reasonOf } from './connection-errors.ts';
import type { ProxyServer } from './proxy.ts';

export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** What it answered; undefined when there was no connection with it. */
  readonly status: number | undefined;
  /** Worth another try. */
  readonly mayPass: boolean;
  /** What the user can do about it. */
  readonly hint: string;

  constructor(message: string, hint: string, mayPass: boolean, status?: number) {
    super(message);
    this.hint = hint;
    this.mayPass = mayPass;
    this.status = status;
  }
}

/** What fetch rejected with, when it was the proxy. */
export function proxyErrorIn(error: unknown): ProxyError | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++) {
    if (each instanceof ProxyError) return each;
  }
  return undefined;
}

/** `error`: of the connection to it. */
export function cannotReachProxy({ variable, name, origin }: ProxyServer, error: unknown): ProxyError {
  const code = codeOf(error);
  const hint = isUntrusted(code)
    ? 'Name the root of the proxy in NODE_EXTRA_CA_CERTS=/path/of/root.pem.'
    : origin.startsWith('https:') && /ERR_SSL/.test(code)
      ? `Without TLS it is ${variable}=http://${name}.`
      : `Is ${variable} right? A host that needs no proxy belongs in NO_PROXY.`;
  return new ProxyError(`the proxy itself cannot be reached (${reasonOf(code)})`, hint, isPassing(code));
}

/** `methods`: its header Proxy-Authenticate. */
export function proxyRefuses(proxy: ProxyServer, status: number, methods: string): ProxyError {
  const [why, hint] =
    status === 407
      ? loginRefused(proxy, methods)
      : status === 403
        ? [
            'does not allow it',
            'Who runs the proxy can allow it; a host that needs no proxy belongs in NO_PROXY.',
          ]
        : [
            'does not connect us',
            'Does the proxy know that host? One that needs no proxy belongs in NO_PROXY.',
          ];
  const mayPass = status === 408 || status === 429 || status >= 500;
  return new ProxyError(`the proxy ${why} (status ${status})`, hint, mayPass, status);
}

function loginRefused(
  { variable, name, origin, authorization }: ProxyServer,
  methods: string,
): readonly [why: string, hint: string] {
  if (methods !== '' && !/\bbasic\b/i.test(methods)) {
    return [
      'wants another login than a user and a password',
      `Name a proxy in ${variable} that needs no such login, as some programs on this computer can be one.`,
    ];
  }
  if (authorization === undefined) {
    const example = `${new URL(origin).protocol}//USER:PASSWORD@${name}`;
    return ['wants a user and a password', `Name them in ${variable}: ${example}`];
  }
  return [
    'does not accept the user and the password',
    `Check them in ${variable}; special characters have to be escaped there, such as %40 for @.`,
  ];
}
