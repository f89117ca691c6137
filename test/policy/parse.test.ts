import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parsePolicy, type ParsedPolicy } from '../../src/policy/parse.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { POLICY_TEMPLATE } from '../../src/policy/template.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { PROJECT } from '../support/rootaudit.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const WAIVER = '    reason: r\n    owner: o\n    expires: 2027-06-30\n';

function parseText(text: string): ParsedPolicy {
  return parsePolicy(text, {
    file: 'rootaudit.yaml',
    storeTypes: [...STORE_TYPES.map(({ id }) => id), 'embedded'],
    fingerprintsIn: (path) => (path === 'roots.pem' ? new Set([A]) : { problem: `${path} does not exist` }),
  });
}

function policyOf(text: string): Policy {
  const parsed = parseText(text);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.policy;
}

function messagesOf(text: string): string[] {
  const parsed = parseText(text);
  return 'problems' in parsed
    ? parsed.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)
    : [];
}

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compiling it is the check
const schema = JSON.parse(readFileSync(join(PROJECT, 'docs/policy.schema.json'), 'utf8')) as object;
const fitsSchema = ajv.compile(schema);

const GOOD: readonly (readonly [what: string, text: string])[] = [
  ['nothing but the version', 'version: 1'],
  ['a byte order mark, CRLF and comments', '\ufeff# policy\r\nversion: 1 # one\r\nallow: []\r\n'],
  ['JSON, which is YAML', '{"version": 1, "fail-on": "low", "forbid": [{"organisation": "X"}]}'],
  ['a severity and unrecognised', 'version: 1\nfail-on: [high, unrecognised]'],
  ['unrecognised alone', 'version: 1\nfail-on: unrecognised'],
  ['a fingerprint with colons in capitals', `version: 1\nallow:\n  - sha256: ${'AB:'.repeat(31)}AB`],
  [
    'every key of a rule',
    `version: 1\nforbid:\n  - sha256: ${A}\n    spki: ${B}\n    subject: CN=X,O=Y\n    organisation: Y\n    stores: [java-*, nss-user]\n    paths: ["/opt/**", "**/cacerts", 'C:\\x', HKLM\\SOFTWARE]\n    reason: why`,
  ],
  ['a rule for a place alone', 'version: 1\nforbid:\n  - paths: /home'],
  ['only, from a file', 'version: 1\nonly:\n  - file: roots.pem\n    stores: java-cacerts'],
  ['only that nothing is trusted', 'version: 1\nonly: []'],
  ['a root required in a store', `version: 1\nrequire:\n  - spki: ${A}\n    stores: debian-bundle`],
  [
    'waivers by advisory, certificate and key',
    `version: 1\nwaivers:\n  - advisory: a\n${WAIVER}  - sha256: ${A}\n${WAIVER}  - spki: ${A}\n    advisory: a\n${WAIVER}`,
  ],
  [
    'a list that is used twice',
    'version: 1\nforbid:\n  - organisation: X\n    paths: &p [/a, /b]\n  - organisation: Y\n    paths: *p',
  ],
  [
    'a text in folded lines',
    'version: 1\nforbid:\n  - organisation: X\n    reason: >\n      two\n      lines',
  ],
  ['the store type of programs', 'version: 1\nwaivers:\n  - advisory: a\n    stores: embedded\n' + WAIVER],
  [
    '29 February of a leap year',
    'version: 1\nwaivers:\n  - advisory: a\n    reason: r\n    owner: o\n    expires: 2028-02-29',
  ],
];

/** `schema: false` where a JSON Schema cannot tell. */
const BAD: readonly (readonly [what: string, text: string, messages: readonly string[], schema?: false])[] = [
  ['an empty file', '', ['1:1: the policy must be made of keys and values, and is empty']],
  ['a list', '- version: 1', ['1:1: the policy must be made of keys and values, and is a list']],
  ['no version', 'allow: []', ['1:1: the key "version" is missing: write version: 1']],
  ['another version', 'version: 2', ['1:10: this version of rootaudit reads policies of version: 1']],
  ['a version in quotes', 'version: "1"', ['1:10: this version of rootaudit reads policies of version: 1']],
  [
    'an unknown key',
    'version: 1\nallows: []',
    ['2:1: unknown key "allows" in the policy: did you mean "allow"?'],
  ],
  [
    'a key of another tool',
    'version: 1\nignore: []',
    ['2:1: unknown key "ignore" in the policy: did you mean "waivers"?'],
  ],
  ['a key like nothing', 'version: 1\nxyzzy: []', ['2:1: unknown key "xyzzy" in the policy']],
  ['a key of a prototype', 'version: 1\n__proto__: []', ['2:1: unknown key "__proto__" in the policy']],
  ['a key twice', 'version: 1\nallow: []\nallow: []', ['3:1: the key "allow" is there twice'], false],
  ['a key that is a list', 'version: 1\n[a]: 1', ['2:1: a key in the policy is not a word'], false],
  ['a merged key', 'version: 1\n<<: {allow: []}', ['2:1: unknown key "<<" in the policy']],
  [
    'a severity that does not exist',
    'version: 1\nfail-on: hihg',
    [
      '2:10: fail-on is one of info, low, medium, high, critical, unrecognised, not "hihg": did you mean "high"?',
    ],
  ],
  [
    'the American spelling',
    'version: 1\nfail-on: unrecognized',
    [
      '2:10: fail-on is one of info, low, medium, high, critical, unrecognised, not "unrecognized": did you mean "unrecognised"?',
    ],
  ],
  ['two severities', 'version: 1\nfail-on: [low, high]', ['2:10: fail-on takes one severity']],
  ['no severity', 'version: 1\nfail-on:', ['2:9: fail-on must be text, and is empty']],
  ['an empty list of severities', 'version: 1\nfail-on: []', ['2:10: fail-on must not be an empty list']],
  ['a section without a list', 'version: 1\nonly:', ['2:6: only must be a list, and is empty']],
  [
    'one rule without a list',
    'version: 1\nforbid:\n  organisation: X',
    ['3:3: forbid must be a list, and has keys of its own'],
  ],
  [
    'a rule that is text',
    `version: 1\nallow:\n  - ${A}`,
    ['3:5: a rule of allow must be made of keys and values, and is a single value'],
  ],
  [
    'a rule about nothing',
    'version: 1\nforbid:\n  - reason: because',
    ['3:5: a rule of forbid says neither which root nor where'],
  ],
  [
    'an unknown key in a rule',
    'version: 1\nforbid:\n  - organization: X',
    ['3:5: unknown key "organization" in a rule of forbid: did you mean "organisation"?'],
  ],
  [
    'a file outside of only',
    'version: 1\nallow:\n  - file: roots.pem',
    ['3:5: unknown key "file" in a rule of allow'],
  ],
  [
    'a short fingerprint',
    'version: 1\nallow:\n  - sha256: abcd',
    ['3:13: sha256 needs the 64 hex digits of a SHA-256 hash, this has 4'],
  ],
  [
    'a SHA-1 fingerprint',
    `version: 1\nallow:\n  - sha256: ${'ab'.repeat(20)}`,
    ['3:13: sha256 needs the 64 hex digits of a SHA-256 hash, this is a SHA-1 fingerprint'],
  ],
  [
    'a fingerprint of digits without quotes',
    `version: 1\nallow:\n  - sha256: ${'1'.repeat(64)}`,
    [`3:13: sha256 must be text: write "${'1'.repeat(64)}" in quotes`],
  ],
  [
    'a subject that is none',
    'version: 1\nallow:\n  - subject: Example Root',
    ['3:14: subject is written as in a report: CN=Example Root,O=Example,C=NL'],
    false,
  ],
  [
    'a yes that is no text',
    'version: 1\nallow:\n  - organisation: true',
    ['3:19: organisation must be text: write "true" in quotes'],
  ],
  [
    'an empty name',
    'version: 1\nallow:\n  - organisation: " "',
    ['3:19: organisation must be text, and is empty'],
  ],
  [
    'a name that is a list',
    'version: 1\nallow:\n  - organisation: [a]',
    ['3:19: organisation must be text, and is a list'],
  ],
  [
    'a text that never ends',
    `version: 1\nallow:\n  - organisation: ${'x'.repeat(4001)}`,
    ['3:19: organisation is longer than 4000 characters'],
  ],
  [
    'an unknown store type',
    'version: 1\nallow:\n  - stores: java-cacert',
    ['3:13: there is no store type "java-cacert": did you mean "java-cacerts"?'],
  ],
  [
    'a pattern that no store type fits',
    'version: 1\nallow:\n  - stores: [nothing-*]',
    ['3:13: there is no store type "nothing-*"'],
    false,
  ],
  ['no store type', 'version: 1\nallow:\n  - stores: []', ['3:13: stores must not be an empty list']],
  [
    'a path from nowhere',
    'version: 1\nallow:\n  - paths: [/a, etc/ssl]',
    ['3:12: a path begins with / or **/, unlike "etc/ssl"'],
  ],
  [
    'a path that begins with a star',
    'version: 1\nallow:\n  - paths: **/x',
    ['3:12: nothing is named &*/x; a text that begins with * needs quotes'],
    false,
  ],
  [
    'a path that is too long',
    `version: 1\nallow:\n  - paths: /${'x'.repeat(1000)}`,
    ['3:12: a path is longer than 1000 characters'],
  ],
  [
    'a requirement of nothing',
    'version: 1\nrequire:\n  - stores: debian-bundle',
    ['3:5: a rule of require needs sha256, spki, subject or organisation'],
  ],
  [
    'a file that is missing',
    'version: 1\nonly:\n  - file: nothing.pem',
    ['3:11: nothing.pem does not exist'],
    false,
  ],
  [
    'a file and a name',
    'version: 1\nonly:\n  - file: roots.pem\n    organisation: X',
    ['3:5: a rule of only takes file, or sha256, spki, subject and organisation'],
  ],
  [
    'a waiver of nobody',
    'version: 1\nwaivers:\n  - advisory: a',
    ['3:5: a waiver needs "reason"', '3:5: a waiver needs "owner"', '3:5: a waiver needs "expires"'],
  ],
  [
    'a waiver of nothing',
    `version: 1\nwaivers:\n  - stores: java-cacerts\n${WAIVER}`,
    ['3:5: a waiver needs advisory, sha256 or spki: a name is not enough, anybody can use it'],
  ],
  [
    'a waiver by name',
    `version: 1\nwaivers:\n  - subject: CN=X\n${WAIVER}`,
    ['3:5: unknown key "subject" in a waiver'],
  ],
  [
    'an old key in a waiver',
    `version: 1\nwaivers:\n  - fingerprint: ${A}\n${WAIVER}`,
    ['3:5: unknown key "fingerprint" in a waiver: did you mean "sha256"?'],
  ],
  [
    'a day that does not exist',
    'version: 1\nwaivers:\n  - advisory: a\n    reason: r\n    owner: o\n    expires: 2027-02-29',
    ['6:14: expires is a day such as 2027-06-30, not "2027-02-29"'],
  ],
  [
    'a day in another order',
    'version: 1\nwaivers:\n  - advisory: a\n    reason: r\n    owner: o\n    expires: 30.06.2027',
    ['6:14: expires is a day such as 2027-06-30, not "30.06.2027"'],
  ],
  [
    'a time',
    'version: 1\nwaivers:\n  - advisory: a\n    reason: r\n    owner: o\n    expires: 2027-06-30T00:00:00Z',
    ['6:14: expires is a day such as 2027-06-30, not "2027-06-30T00:00:00Z"'],
  ],
  [
    'two documents',
    'version: 1\n---\nversion: 1',
    ['2:1: a second document begins here: only one is read'],
    false,
  ],
  [
    'no YAML',
    'version: [1',
    [
      '1:12: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    false,
  ],
  [
    'tabs as indentation',
    'version: 1\nallow:\n\t- organisation: x',
    ['3:1: not valid YAML: Tabs are not allowed as indentation'],
    false,
  ],
  ['a tag', 'version: 1\nallow: !!js/function x', ['2:8: unknown tag: tag:yaml.org,2002:js/function'], false],
  ['YAML 1.1', '%YAML 1.1\n---\nversion: 1', ['1:1: YAML 1.1 is not understood: write YAML 1.2'], false],
];

describe('a policy', () => {
  it.each(GOOD)('is read with %s', (_what, text) => {
    expect(messagesOf(text)).toEqual([]);
    const data: unknown = parse(text);
    expect(fitsSchema(data), JSON.stringify(fitsSchema.errors)).toBe(true);
  });

  const bad = BAD.map(([what, text, messages, bySchema = true]) => [what, text, messages, bySchema] as const);

  it.each(bad)('is refused for %s', (_what, text, messages, bySchema) => {
    expect(messagesOf(text)).toEqual(messages);
    if (bySchema) expect(fitsSchema(parse(text))).toBe(false);
  });

  it('has many mistakes told at once', () => {
    const text = `version: 1\nallow:\n${'  - {}\n'.repeat(50)}`;
    expect(messagesOf(text)).toHaveLength(20);
  });

  it('keeps what was written', () => {
    const policy = policyOf(
      `version: 1\nfail-on: [high, unrecognised]\nonly:\n  - file: roots.pem\nforbid:\n  - subject: CN=A\\, B,O=C\n    paths: /x\n    reason: why\nwaivers:\n  - sha256: ${A.toUpperCase()}\n${WAIVER}`,
    );
    expect(policy).toEqual({
      file: 'rootaudit.yaml',
      failOn: { severity: 'high', unrecognised: true },
      allow: [],
      forbid: [
        {
          subject: [
            { type: 'CN', value: 'A, B' },
            { type: 'O', value: 'C' },
          ],
          stores: [],
          paths: ['/x'],
          reason: 'why',
          words: String.raw`subject CN=A\, B,O=C`,
          line: 6,
        },
      ],
      require: [],
      only: [{ sha256: new Set([A]), stores: [], paths: [], words: 'file roots.pem', line: 4 }],
      waivers: [
        { sha256: A, stores: [], paths: [], reason: 'r', owner: 'o', expires: '2027-06-30', line: 10 },
      ],
    });
  });

  it('reads what rootaudit init writes, as it is and with every example in force', () => {
    expect(policyOf(POLICY_TEMPLATE)).toMatchObject({ allow: [], forbid: [], waivers: [] });
    const examples = POLICY_TEMPLATE.replaceAll(
      /^# ((?:allow|forbid|require|only|waivers):| {2,})/gm,
      '$1',
    ).replaceAll(/^ {2,}(?:sha256|spki|subject|organisation|stores|paths) {2,}.*\n/gm, '');
    const policy = policyOf(examples.replaceAll('0'.repeat(64), A));
    expect(policy.forbid).toHaveLength(2);
    expect(policy.only).toHaveLength(2);
    expect(policy.waivers).toHaveLength(1);
    expect(fitsSchema(parse(examples.replaceAll('0'.repeat(64), A)))).toBe(true);
  });

  it('has a schema that lists the store types', () => {
    expect(schema).toMatchObject({
      $defs: { storeType: { anyOf: [{ enum: [...STORE_TYPES.map(({ id }) => id), 'embedded'] }, {}] } },
    });
  });
});

describe('a hostile policy', () => {
  const lines = (n: number, line: (i: number) => string): string =>
    Array.from({ length: n }, (_, i) => line(i)).join('\n');
  const laughs = `version: 1\nallow: &a0 [{organisation: x}]\n${lines(30, (i) => `k${i}: &a${i + 1} [*a${i}, *a${i}]`)}`;

  it.each([
    ['a billion laughs', laughs],
    [
      'many aliases of one list',
      `version: 1\nforbid:\n  - organisation: x\n    paths: &p [${'/a,'.repeat(10_000)} /b]\n${lines(5000, () => '  - {organisation: x, paths: *p}')}`,
    ],
    ['an alias of itself', 'version: 1\nallow: &a [*a, *a]'],
    ['a key that is an alias of itself', '&a {*a : 1}'],
    ['lists in lists', '['.repeat(60_000)],
    ['keys in keys', '{a: '.repeat(60_000)],
    ['dashes', '- '.repeat(40_000)],
    ['question marks', '? '.repeat(40_000)],
    ['closed brackets', '[]'.repeat(40_000)],
    ['thousands of keys', `version: 1\n${lines(20_000, (i) => `k${i}: 1`)}`],
    ['thousands of the same key', `version: 1\n${lines(20_000, () => 'allow: []')}`],
    ['thousands of anchors', lines(20_000, (i) => `k${i}: &a${i} 1`)],
    ['thousands of quotes', '"'.repeat(60_000)],
    ['tens of thousands of rules', `version: 1\nallow:\n${lines(12_000, () => '  - paths: [/a, /b, /c]')}`],
  ])('ends soon and with a place: %s', (_what, text) => {
    const start = performance.now();
    expect(messagesOf(text)).not.toEqual([]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('never throws, whatever it is made of', () => {
    const word = fc.constantFrom(
      'version: 1',
      'allow:',
      '  - ',
      'sha256: ',
      A,
      '*a',
      '&a ',
      '\n',
      '[',
      ']',
      '{',
      '}',
      ': ',
      '"',
      "'",
      '|',
      '>',
      '!!x ',
      '---',
      '%YAML',
      '# ',
      '\t',
      '<<: ',
      'only:',
      'waivers:',
      'expires: 2027-01-01',
      'paths: /x',
      'stores: [java-*]',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
        ),
        (text) => {
          const parsed = parseText(text);
          if ('problems' in parsed) {
            expect(parsed.problems.length).toBeGreaterThan(0);
            for (const { line, column } of parsed.problems) expect(Math.min(line, column)).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
