/**
 * Which proxy the environment names for an address, by the rules of Go's net/http (ProxyFromEnvironment), which Docker
 * and Skopeo follow: HTTPS_PROXY, NO_PROXY, in capitals first. Without TLS only this computer is asked, which is never
 * behind a proxy: HTTP_PROXY has nothing to say.
 */

import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { RootauditError } from '../core/errors.ts';
import { isLoopback } from './loopback.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ProxyServer {
  /** The variable that names it. */
  readonly variable: string;
  /** Host, and port unless it is the usual one: for messages. */
  readonly name: string;
  /** Without user and password. */
  readonly origin: string;
  /** For its header Proxy-Authorization, and for nobody else. */
  readonly authorization: string | undefined;
}

const OTHER_VARIABLES = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];

/** Undefined: the address is asked directly. Throws RootauditError when what the variable says is no proxy. */
export function proxyFor(url: URL, environment: Environment): ProxyServer | undefined {
  const variable = firstSet(environment, ['HTTPS_PROXY', 'https_proxy']);
  if (variable === undefined || url.protocol !== 'https:' || isLoopback(url.hostname)) return undefined;
  const exceptions = firstSet(environment, ['NO_PROXY', 'no_proxy']);
  if (exceptions !== undefined && isExcepted(url, environment[exceptions] ?? '')) return undefined;
  return parseProxy(variable, environment[variable] ?? '');
}

/** What to do when an address cannot be reached without a proxy, and the environment knows one that we do not use. */
export function unusedProxyHint({ protocol, hostname }: URL, environment: Environment): string | undefined {
  if (protocol !== 'https:' || isLoopback(hostname)) return undefined;
  if (firstSet(environment, ['HTTPS_PROXY', 'https_proxy']) !== undefined) return undefined;
  const other = firstSet(environment, OTHER_VARIABLES);
  return other && `${other} is not for addresses with TLS: name the proxy in HTTPS_PROXY.`;
}

function firstSet(environment: Environment, names: readonly string[]): string | undefined {
  return names.find((name) => (environment[name] ?? '').trim() !== '');
}

/** `[http://|https://][USER:PASSWORD@]HOST[:PORT]`. The value is never quoted: it may hold a password. */
function parseProxy(variable: string, value: string): ProxyServer {
  const text = value.trim();
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw new RootauditError(`${variable} is no address of a proxy`, 'It should be as http://HOST:PORT.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RootauditError(
      `${variable} names a proxy of the kind ${url.protocol.slice(0, -1)}, which cannot be used`,
      'A proxy has to be as http://HOST:PORT or https://HOST:PORT.',
    );
  }
  const { host, origin, username, password } = url;
  const hasUser = username !== '' || password !== '';
  const user = `${decoded(username)}:${decoded(password)}`;
  const authorization = hasUser ? `Basic ${Buffer.from(user).toString('base64')}` : undefined;
  return { variable, name: host, origin, authorization };
}

/** A percent sign that nobody escaped is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether NO_PROXY names the host of `url`: by name, address, or range of addresses, perhaps with a port. */
function isExcepted({ hostname, port }: URL, exceptions: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isMeant = { host, family: familyOf(host), port: port || '443' };
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .some((exception) => exception !== '' && matches(exception, isMeant));
}

interface Host {
  readonly host: string;
  readonly family: 'ipv4' | 'ipv6' | undefined;
  readonly port: string;
}

function matches(exception: string, { host, family, port }: Host): boolean {
  if (exception === '*') return true;
  const [, network = '', prefix = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(exception) ?? [];
  const networkFamily = familyOf(network);
  if (networkFamily !== undefined) return isInRange(network, Number(prefix), networkFamily, host, family);

  const withPort = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(exception);
  if (withPort && withPort[3] !== port) return false;
  const named = withPort?.[1] ?? withPort?.[2] ?? exception.replace(/^\[(.*)\]$/, '$1');
  const namedFamily = familyOf(named);
  if (namedFamily !== undefined) {
    return isInRange(named, namedFamily === 'ipv4' ? 32 : 128, namedFamily, host, family);
  }
  // Only names below it: ".example.com", "*.example.com".
  const [, below, domain = ''] = /^(\*?\.)?(.*)$/.exec(named) ?? [];
  const ascii = domainToASCII(domain);
  if (ascii === '') return false;
  return host.endsWith(`.${ascii}`) || (below === undefined && host === ascii);
}

function isInRange(
  network: string,
  prefix: number,
  networkFamily: 'ipv4' | 'ipv6',
  host: string,
  family: Host['family'],
): boolean {
  if (family === undefined || prefix > (networkFamily === 'ipv4' ? 32 : 128)) return false;
  const range = new BlockList();
  range.addSubnet(network, prefix, networkFamily);
  return range.check(host, family);
}

function familyOf(text: string): Host['family'] {
  const version = isIP(text);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}
