/** Why a connection failed, in words: of what Node.js and undici say, the code only. Their messages quote too much. */

/** Of Node.js and undici: the connection was there and broke, or the way to the server is disturbed. */
const PASSING: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ROOTAUDIT_TIMEOUT',
]);

/** Worth another try. */
export function isPassing(code: string): boolean {
  return PASSING.has(code);
}

/** fetch hides the reason in `cause`, sometimes twice. */
export function codeOf(error: unknown): string {
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++) {
    if (each.name === 'HTTPParserError') return 'HPE_INVALID';
    if ('code' in each && typeof each.code === 'string') return each.code;
  }
  return '';
}

export function reasonOf(code: string): string {
  return WORDS[code] ?? (/^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'the connection failed');
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name server does not answer',
  ROOTAUDIT_TIMEOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  HPE_INVALID: 'it does not speak HTTP',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from a root that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from a root that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from a root that is not trusted',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

/** The certificate of the other side comes from no root that we trust. */
export function isUntrusted(code: string): boolean {
  return /SELF_SIGNED|UNABLE_TO/.test(code);
}
