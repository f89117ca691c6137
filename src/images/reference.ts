/**
 * The name of an image in a registry, after the grammar of github.com/distribution/reference and with Docker's short
 * forms: `registry:debian:12` is `docker.io/library/debian:12`. Nothing that breaks the grammar becomes part of a URL.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';

const REGISTRY_PREFIX = 'registry:';

export interface ImageReference {
  /** As people write it: "docker.io", "localhost:5000". */
  readonly registry: string;
  /** Where the protocol is spoken, host and perhaps port: "registry-1.docker.io", "localhost:5000". */
  readonly host: string;
  /** "library/debian" */
  readonly repository: string;
  /** "latest" when neither a tag nor a digest was named. */
  readonly tag?: string;
  /** `sha256:…` or `sha512:…` */
  readonly digest?: string;
}

const MAX_NAME = 255;
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_HOST = 'registry-1.docker.io';
const DOCKER_HUB_ALIASES: ReadonlySet<string> = new Set([DOCKER_HUB, DOCKER_HUB_HOST, 'index.docker.io']);

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?';
const DOMAIN = new RegExp(String.raw`^(?:${LABEL}(?:\.${LABEL})*|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?$`);
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Only such a digest may become part of a URL; others cannot be verified. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** "docker.io/library/debian:12": complete, and understood by every tool. */
export function fullName({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** `registry:[HOST[:PORT]/]NAME[:TAG][@DIGEST]`. Throws RootauditError when it is something else. */
export function parseReference(text: string): ImageReference {
  const fail = (reason: string): never => {
    throw new RootauditError(
      `${visible(text, 400)} names no image in a registry: ${reason}`,
      'Write registry:HOST/NAME:TAG or registry:HOST/NAME@sha256:…, such as registry:debian:12.',
    );
  };
  if (!text.startsWith(REGISTRY_PREFIX)) return fail(`it does not begin with ${REGISTRY_PREFIX}`);
  const rest = text.slice(REGISTRY_PREFIX.length);
  if (rest.length > 1000) return fail('it is too long');
  if (rest.includes('://')) return fail('it is no URL: leave out everything up to ://');

  const [named = '', digest, ...more] = rest.split('@');
  if (more.length > 0) return fail('there is more than one @');
  if (digest !== undefined && !isDigest(digest)) {
    return fail('after @ there has to be sha256: with 64 digits from 0-9a-f, or sha512: with 128');
  }
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) {
    return fail('the tag has to be 1 to 128 of A-Z a-z 0-9 _ . - and not begin with . or -');
  }
  const { domain, path } = splitDomain(colon === -1 ? named : named.slice(0, colon));
  const host = hostOf(domain);
  if (host === undefined) return fail('the host is not valid');
  if (!path.split('/').every((part) => COMPONENT.test(part))) {
    return fail('the name has to be of a-z and 0-9, in parts with / . _ or - between them');
  }
  const isHub = DOCKER_HUB_ALIASES.has(host);
  const registry = isHub ? DOCKER_HUB : host;
  const repository = isHub && !path.includes('/') ? `library/${path}` : path;
  if (registry.length + 1 + repository.length > MAX_NAME) return fail('the name is too long');
  return {
    registry,
    host: isHub ? DOCKER_HUB_HOST : host,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** The first part is a host when it cannot be part of a name on Docker Hub, as Docker decides it. */
function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isDomain = /[.:A-Z]/.test(first) || first === 'localhost';
  return isDomain ? { domain: first, path: name.slice(slash + 1) } : { domain: DOCKER_HUB, path: name };
}

/** In the form in which a URL has it: lower case, and 127.1 as 127.0.0.1. */
function hostOf(domain: string): string | undefined {
  if (!DOMAIN.test(domain)) return undefined;
  try {
    const { hostname, port } = new URL(`https://${domain}`);
    const named = /:(\d+)$/.exec(domain.replace(/^\[.*\]/, ''))?.[1];
    // A URL leaves out the port that is usual for https, which is unusual for http.
    return named === undefined ? hostname : `${hostname}:${port || Number(named)}`;
  } catch {
    return undefined;
  }
}
