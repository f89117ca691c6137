/**
 * How a registry learns who asks: Basic (RFC 7617), or a token from the service that the registry names
 * (distribution.github.io/distribution/spec/auth/token and /oauth). A token is asked for reading one repository only.
 */

import { RootauditError } from '../core/errors.ts';
import type { Credentials, FoundCredentials } from './docker-credentials.ts';
import { fullName, type ImageReference } from './reference.ts';
import { discard, parseUrl, statusText, type RegistryHttp, type Request } from './registry-http.ts';
import { parseChallenges, type Challenge } from './www-authenticate.ts';

const MAX_TOKEN_ANSWER = 1 << 20;
const MAX_TOKEN = 64 << 10;
/** What may stand in a header. */
const TOKEN = /^[\x21-\x7e]+$/;
/** More than reading is never asked for, whatever the registry would like. */
const READING = /^repository:[A-Za-z0-9._/:-]{1,300}:pull$/;

export class RegistryAuth {
  readonly #http: RegistryHttp;
  readonly #reference: ImageReference;
  readonly #find: () => Promise<FoundCredentials>;
  #found: Promise<FoundCredentials> | undefined;
  #authorization: string | undefined;
  #pending: Promise<void> | undefined;

  /** Credentials are looked for when the registry asks for them, and not before. */
  constructor(http: RegistryHttp, reference: ImageReference, find: () => Promise<FoundCredentials>) {
    this.#http = http;
    this.#reference = reference;
    this.#find = find;
  }

  /** For the Authorization header; undefined until a registry asked for one. */
  get authorization(): string | undefined {
    return this.#authorization;
  }

  /** Answers the challenge of a request that was sent with `used`. Throws RootauditError when that cannot be done. */
  async answer(response: Response, used: string | undefined, signal: AbortSignal): Promise<void> {
    await discard(response);
    // Another request has brought a new one meanwhile.
    if (this.#authorization !== used) return;
    const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
    this.#pending ??= this.#authorize(challenges, used, signal).finally(() => (this.#pending = undefined));
    await this.#pending;
  }

  /** What to say when the registry refuses in spite of all. */
  async refusal(status: 401 | 403): Promise<RootauditError> {
    const { credentials, problems } = await this.#credentials();
    const name = fullName(this.#reference);
    const because = problems.length === 0 ? '' : ` (${problems.slice(0, 3).join('; ')})`;
    if (!credentials) {
      return new RootauditError(
        `${this.#reference.registry} does not hand out ${name} without credentials, or does not have it${because}`,
        this.#login(),
      );
    }
    return status === 401
      ? new RootauditError(
          `${this.#reference.registry} does not accept the credentials for it, or does not have ${name}`,
          this.#login(),
        )
      : new RootauditError(
          `the credentials for ${this.#reference.registry} do not allow to read ${name}`,
          this.#login(),
        );
  }

  #login(): string {
    const { registry } = this.#reference;
    return `Log in with an account that may read it: docker login${registry === 'docker.io' ? '' : ` ${registry}`}`;
  }

  #credentials(): Promise<FoundCredentials> {
    this.#found ??= this.#find();
    return this.#found;
  }

  async #authorize(
    challenges: readonly Challenge[],
    used: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { credentials } = await this.#credentials();
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) {
      this.#authorization = `Bearer ${await this.#token(bearer, credentials, signal)}`;
      return;
    }
    const basic = credentials?.basic();
    if (!challenges.some(({ scheme }) => scheme === 'basic') || basic === undefined || used === basic) {
      throw await this.refusal(401);
    }
    this.#authorization = basic;
  }

  async #token(
    { parameters }: Challenge,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const { registry, repository } = this.#reference;
    const url = parseUrl(parameters.get('realm') ?? '');
    if (!url) throw new RootauditError(`${registry} does not say where to get a token`);
    this.#http.check(url, 'credentials');
    const service = parameters.get('service');
    const wanted = parameters.get('scope') ?? '';
    const query = new URLSearchParams({
      ...(service !== undefined && { service }),
      scope: READING.test(wanted) ? wanted : `repository:${repository}:pull`,
    });
    const request = tokenRequest(url, query, credentials);
    const { response, bytes } = await this.#http.sendWhole(
      request,
      MAX_TOKEN_ANSWER,
      `the token of ${registry}`,
      signal,
    );
    const { status } = response;
    // OAuth 2 says 400 for a refresh token that is no longer good.
    if (status === 400 || status === 401 || status === 403)
      throw await this.refusal(status === 403 ? 403 : 401);
    if (status !== 200)
      throw new RootauditError(`the token service of ${registry} answers ${statusText(response)}`);
    const token = tokenIn(bytes.toString('utf8'));
    if (token === undefined) throw new RootauditError(`the token service of ${registry} gives no token`);
    return token;
  }
}

/** The realm's host is the registry's choice: credentials that are kept for a registry are its to send on. */
function tokenRequest(url: URL, query: URLSearchParams, credentials: Credentials | undefined): Request {
  const refreshToken = credentials?.identityToken();
  if (refreshToken !== undefined) {
    const body = new URLSearchParams(query);
    body.set('grant_type', 'refresh_token');
    body.set('client_id', 'rootaudit');
    body.set('refresh_token', refreshToken);
    return { url, method: 'POST', body };
  }
  const asked = new URL(url);
  for (const [name, value] of query) asked.searchParams.append(name, value);
  return { url: asked, authorization: credentials?.basic() };
}

/** The text of a broken answer never becomes a message: it may hold a token. */
function tokenIn(text: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null) return undefined;
  const token =
    'token' in answer && answer.token ? answer.token : 'access_token' in answer && answer.access_token;
  return typeof token === 'string' && token.length <= MAX_TOKEN && TOKEN.test(token) ? token : undefined;
}
