/** The WWW-Authenticate header of an answer 401 (RFC 9110, section 11.6.1): several challenges in one line. */

export interface Challenge {
  /** In lower case: "bearer", "basic". */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_HEADER = 16 << 10;
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const SPACE = String.raw`[ \t]*`;
const PARAMETER = new RegExp(
  String.raw`${SPACE}(${TOKEN})${SPACE}=${SPACE}(?:"((?:[^"\\]|\\.)*)"|(${TOKEN}))`,
  'y',
);
const SCHEME = new RegExp(String.raw`[ \t,]*(${TOKEN})(?=[ \t,]|$)`, 'y');
const COMMA = /[ \t]*,/y;

/** What stands before something unreadable. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, MAX_HEADER);
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (let scheme = take(SCHEME); scheme; scheme = take(SCHEME)) {
    const parameters = new Map<string, string>();
    for (let parameter = take(PARAMETER); parameter; parameter = take(PARAMETER)) {
      const [, name = '', quoted, plain = ''] = parameter;
      parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain);
      const end = at;
      if (!take(COMMA)) break;
      // A comma also stands before the next challenge.
      PARAMETER.lastIndex = at;
      if (!PARAMETER.test(text)) at = end;
    }
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters });
  }
  return challenges;
}
