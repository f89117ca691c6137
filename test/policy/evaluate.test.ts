import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, type TrustedRoot } from '../../src/policy/evaluate.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { interestOf } from '../../src/policy/rules.ts';
import type { Finding, Report } from '../../src/report/report.ts';
import { certificate, finding, place, reportOf, store } from '../support/report.ts';

const [a, b, c] = ['a', 'b', 'c'].map((letter) => certificate(letter));
if (!a || !b || !c) throw new Error('three certificates');

const LOCAL = 'debian-local-anchors:/usr/local/share/ca-certificates';
const BUNDLE = 'debian-bundle:/etc/ssl/certs/ca-certificates.crt';
const JAVA = 'java-cacerts:/opt/java/lib/security/cacerts';
const STORES = [store(LOCAL), store(BUNDLE), store(JAVA, { aliases: ['/usr/lib/jvm/default/cacerts'] })];

const inLocal = place(LOCAL, '/usr/local/share/ca-certificates/x.crt');
const inBundle = place(BUNDLE, '/etc/ssl/certs/ca-certificates.crt', { generatedFrom: [LOCAL] });
const inJava = place(JAVA, '/opt/java/lib/security/cacerts');

function policyOf(text: string): Policy {
  const parsed = parsePolicy(`version: 1\n${text}`, {
    file: 'p.yaml',
    storeTypes: ['debian-local-anchors', 'debian-bundle', 'java-cacerts', 'nss-user', 'embedded'],
    fingerprintsIn: () => new Set([a?.sha256 ?? '']),
  });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.policy;
}

interface Case {
  readonly policy: string;
  readonly trusted?: readonly TrustedRoot[];
  readonly findings?: readonly Finding[];
  readonly unrecognised?: readonly TrustedRoot[];
  readonly today?: string;
}

function judge({ policy, trusted = [], findings = [], unrecognised, today = '2026-11-23' }: Case): Report {
  return evaluate({
    policy: policyOf(policy),
    report: reportOf({ stores: STORES, findings }),
    trusted,
    ...(unrecognised && { unrecognised }),
    advisories: ['superfish', 'bad'],
    today: new Date(`${today}T12:00:00Z`),
  });
}

/** "forbidden a @2: /path, /path" */
function outline({ policy }: Report): string[] {
  return (policy?.violations ?? []).map(
    ({ kind, certificate: of, line, locations, missingFrom, waiver }) =>
      `${kind} ${of?.sha256[0] ?? '-'} @${line}: ${[...locations.map(({ path }) => path), ...missingFrom].join(', ')}${waiver ? ' (waived)' : ''}`,
  );
}

const everywhere = (of: typeof a): TrustedRoot => ({
  certificate: of ?? certificate('d'),
  locations: [inLocal, inBundle, inJava],
});

const ALL = `${inLocal.path}, ${inBundle.path}, ${inJava.path}`;

describe('a rule of forbid', () => {
  it.each([
    ['by fingerprint', `sha256: ${a.sha256}`, [ALL]],
    ['by key', `spki: ${a.spkiSha256}`, [ALL]],
    ['by one attribute of the subject', 'subject: cn=A', [ALL]],
    ['by attributes in another order', 'subject: "O=org  A, CN=a"', [ALL]],
    ['by organisation, whatever its case', 'organisation: ORG A', [ALL]],
    ['by key and organisation, when one does not fit', `spki: ${a.spkiSha256}\n    organisation: Other`, []],
    ['by a part of the organisation', 'organisation: Org', []],
    ['in a type of store', 'organisation: Org A\n    stores: java-cacerts', [inJava.path]],
    [
      'in types of stores',
      'organisation: Org A\n    stores: debian-*',
      [`${inLocal.path}, ${inBundle.path}`],
    ],
    ['below a path', 'paths: /opt', [inJava.path]],
    ['by another path to the store', 'paths: /usr/lib/jvm', [inJava.path]],
    ['in both', 'paths: [/opt, /etc]\n    stores: [debian-bundle, nss-user]', [inBundle.path]],
    ['somewhere else', 'paths: /nowhere', []],
  ])('%s', (_what, rule, places) => {
    const report = judge({ policy: `forbid:\n  - ${rule}`, trusted: [everywhere(a)] });
    expect(outline(report)).toEqual(places.map((paths) => `forbidden a @3: ${paths}`));
  });

  it('weighs more than allow and only', () => {
    const policy = `allow:\n  - sha256: ${a.sha256}\nonly:\n  - sha256: ${a.sha256}\nforbid:\n  - sha256: ${a.sha256}`;
    expect(outline(judge({ policy, trusted: [everywhere(a)] }))).toEqual([`forbidden a @7: ${ALL}`]);
  });

  it('speaks once of each place, and says its reason', () => {
    const policy = 'forbid:\n  - stores: java-cacerts\n    reason: why\n  - organisation: Org A';
    const report = judge({ policy, trusted: [everywhere(a)] });
    expect(outline(report)).toEqual([
      `forbidden a @5: ${inLocal.path}, ${inBundle.path}`,
      `forbidden a @3: ${inJava.path}`,
    ]);
    expect(report.policy?.violations.map(({ message, reason }) => [message, reason])).toEqual([
      ['The policy forbids it: organisation Org A.', undefined],
      ['The policy forbids it: any root, in java-cacerts.', 'why'],
    ]);
  });

  it('does not mind a root that is held without trust', () => {
    const locations = [place(JAVA, '/x', { trust: 'present' }), place(JAVA, '/x', { trust: 'mitigated' })];
    expect(
      outline(judge({ policy: 'forbid:\n  - paths: /', trusted: [{ certificate: a, locations }] })),
    ).toEqual([]);
  });
});

describe('only', () => {
  it.each([
    ['permits what it names', `only:\n  - sha256: ${a.sha256}`, ['b']],
    ['permits what its file names', 'only:\n  - file: roots.pem', ['b']],
    ['permits what allow names', `only: []\nallow:\n  - organisation: Org A`, ['b']],
    ['permits what require names', `only: []\nrequire:\n  - organisation: Org A`, ['b']],
    ['permits all of a place', 'only:\n  - paths: /', []],
    ['permits nothing when it is empty', 'only: []', ['a', 'b']],
  ])('%s', (_what, policy, others) => {
    const report = judge({ policy, trusted: [everywhere(a), everywhere(b)] });
    expect(outline(report)).toEqual(others.map((letter) => `not-allowed ${letter} @0: ${ALL}`));
  });

  it('permits in places, with the copies that come from them', () => {
    const policy = 'only:\n  - organisation: Org A\n    stores: debian-local-anchors';
    expect(outline(judge({ policy, trusted: [everywhere(a)] }))).toEqual([
      `not-allowed a @0: ${inJava.path}`,
    ]);
  });
});

describe('require', () => {
  it.each([
    ['is met by any store', `sha256: ${a.sha256}`, [inJava], []],
    ['is not met by none', `sha256: ${b.sha256}`, [inJava], ['missing - @3: ']],
    [
      'is met in each store of its types',
      'organisation: Org A\n    stores: debian-*',
      [inLocal, inBundle],
      [],
    ],
    [
      'names each store without',
      'organisation: Org A\n    stores: [debian-*, java-cacerts]',
      [inLocal],
      [`missing - @3: ${BUNDLE}, ${JAVA}`],
    ],
    ['asks nothing of stores that are not there', 'organisation: Org A\n    stores: nss-user', [inJava], []],
    ['is met by a store at a path', 'organisation: Org A\n    paths: /opt', [inJava], []],
    [
      'is not met by another path',
      'organisation: Org A\n    paths: /opt',
      [inLocal],
      [`missing - @3: ${JAVA}`],
    ],
    ['can name the file', `organisation: Org A\n    paths: ${inLocal.path}`, [inLocal], []],
    [
      'misses the file',
      'organisation: Org A\n    paths: /usr/local/share/ca-certificates/other.crt',
      [inLocal],
      [`missing - @3: ${LOCAL}`],
    ],
    [
      'is not met without trust',
      'organisation: Org A',
      [{ ...inJava, trust: 'present' as const }],
      ['missing - @3: '],
    ],
  ])('%s', (_what, rule, locations, expected) => {
    const report = judge({ policy: `require:\n  - ${rule}`, trusted: [{ certificate: a, locations }] });
    expect(outline(report)).toEqual(expected);
  });

  it('means the store at a path, not the one around it', () => {
    const report = reportOf({ stores: [...STORES, store('debian-bundle:/etc/ssl/certs')] });
    const policy = policyOf(`require:\n  - organisation: Org A\n    paths: ${inBundle.path}`);
    const trusted = [{ certificate: a, locations: [inBundle] }];
    expect(outline(evaluate({ policy, report, trusted, today: new Date() }))).toEqual([]);
  });

  it('notes a rule that means no store, and says how many miss it', () => {
    const none = judge({ policy: 'require:\n  - organisation: X\n    stores: nss-user' });
    expect(none.policy?.notes).toEqual(['p.yaml:3: no store here is meant by this rule of require']);
    const two = judge({ policy: 'require:\n  - organisation: X\n    stores: debian-*' });
    expect(two.policy?.violations[0]?.message).toBe('2 stores that must trust it do not.');
  });
});

describe('a waiver', () => {
  const bad = finding('bad', a, [inLocal, inBundle, inJava]);
  const waiver = (rule: string, expires = '2027-01-31'): string =>
    `  - ${rule}\n    reason: r\n    owner: o\n    expires: ${expires}\n`;

  it.each([
    ['covers a finding by advisory', 'advisory: bad', true],
    ['covers a finding by fingerprint', `sha256: ${a.sha256}`, true],
    ['covers a finding by key', `spki: ${a.spkiSha256}`, true],
    ['does not cover another advisory', 'advisory: superfish', false],
    [
      'does not cover another advisory of the same root',
      `sha256: ${a.sha256}\n    advisory: superfish`,
      false,
    ],
    ['does not cover another root', `sha256: ${b.sha256}`, false],
    ['does not cover a place that it leaves out', 'advisory: bad\n    stores: debian-local-anchors', false],
    [
      'covers copies with their source',
      'advisory: bad\n    stores: [debian-local-anchors, java-cacerts]',
      true,
    ],
    [
      'does not cover a source with its copy',
      'advisory: bad\n    stores: [debian-bundle, java-cacerts]',
      false,
    ],
  ])('%s', (_what, rule, covered) => {
    const { findings, policy } = judge({ policy: `waivers:\n${waiver(rule)}`, findings: [bad] });
    expect(findings[0]?.waiver).toEqual(
      covered ? { reason: 'r', owner: 'o', expires: '2027-01-31' } : undefined,
    );
    expect(policy?.violations).toEqual([]);
  });

  it('holds through its last day, in UTC, and fails from the next on', () => {
    const policy = `waivers:\n${waiver('advisory: bad')}`;
    const last = evaluate({
      policy: policyOf(policy),
      report: reportOf({ stores: STORES, findings: [bad] }),
      trusted: [],
      today: new Date('2027-01-31T23:59:59Z'),
    });
    expect(last.findings[0]?.waiver).toBeDefined();
    const next = judge({ policy, findings: [bad], today: '2027-02-01' });
    expect(next.findings[0]?.waiver).toBeUndefined();
    expect(next.policy?.violations).toMatchObject([
      {
        kind: 'expired-waiver',
        message: 'It was waived until 2027-01-31, which is past.',
        rule: 'advisory bad',
        line: 3,
        advisory: 'bad',
        reason: 'r',
        owner: 'o',
        expires: '2027-01-31',
        certificate: { sha256: a.sha256 },
      },
    ]);
    expect(next.policy?.notes).toEqual([]);
  });

  it('can be renewed by another one', () => {
    const policy = `waivers:\n${waiver('advisory: bad', '2026-01-01')}${waiver('advisory: bad')}`;
    const report = judge({ policy, findings: [bad] });
    expect(report.findings[0]?.waiver?.expires).toBe('2027-01-31');
    expect(report.policy).toMatchObject({
      violations: [],
      notes: ['p.yaml:3: this waiver covers nothing that is trusted here, and has ended: it can go'],
    });
  });

  it('shares a finding with others, and the first end counts', () => {
    const policy = `waivers:\n${waiver('advisory: bad\n    stores: debian-*')}${waiver('advisory: bad\n    paths: /opt', '2026-12-01')}`;
    const report = judge({ policy, findings: [bad] });
    expect(report.findings[0]?.waiver?.expires).toBe('2026-12-01');
  });

  it('marks the places that it covers when others are left', () => {
    const policy = `waivers:\n${waiver('advisory: bad\n    stores: debian-local-anchors')}`;
    const { findings } = judge({ policy, findings: [bad] });
    expect(findings[0]?.locations.map(({ waived }) => waived)).toEqual([true, true, undefined]);
  });

  it('is noted when nothing needs it', () => {
    const present = finding('bad', a, [{ ...inJava, trust: 'present' }], { status: 'present' });
    const policy = `waivers:\n${waiver('advisory: bad')}${waiver('advisory: supefish')}${waiver('advisory: zzzzzz')}`;
    const report = judge({ policy, findings: [present] });
    expect(report.findings[0]?.waiver).toBeUndefined();
    expect(report.policy?.notes).toEqual([
      'p.yaml:3: this waiver covers nothing that is trusted here: it can go',
      'p.yaml:7: there is no advisory "supefish" on the blocklist; did you mean "superfish"?',
      'p.yaml:11: there is no advisory "zzzzzz" on the blocklist',
    ]);
  });

  it('covers what is built into a program', () => {
    const embedded = finding('bad', a, [place('embedded:/opt/x', '/opt/x', { trust: 'embedded' })], {
      status: 'embedded',
    });
    const report = judge({
      policy: `waivers:\n${waiver('advisory: bad\n    paths: /opt/x')}`,
      findings: [embedded],
    });
    expect(report.findings[0]?.waiver).toBeDefined();
  });

  it('covers violations too, unless it is about an advisory', () => {
    const forbid = 'forbid:\n  - organisation: Org A\nwaivers:\n';
    const trusted = [everywhere(a)];
    expect(outline(judge({ policy: forbid + waiver(`sha256: ${a.sha256}`), trusted }))).toEqual([
      `forbidden a @3: ${ALL} (waived)`,
    ]);
    expect(outline(judge({ policy: forbid + waiver('advisory: bad'), trusted }))).toEqual([
      `forbidden a @3: ${ALL}`,
    ]);
    expect(outline(judge({ policy: forbid + waiver(`sha256: ${a.sha256}`, '2026-01-01'), trusted }))).toEqual(
      [`expired-waiver a @5: ${ALL}`, `forbidden a @3: ${ALL}`],
    );
  });
});

describe('allow', () => {
  it('says that it does not silence the blocklist', () => {
    const report = judge({
      policy: `only: []\nallow:\n  - sha256: ${a.sha256}`,
      findings: [finding('bad', a, [inJava])],
    });
    expect(report.findings[0]?.waiver).toBeUndefined();
    expect(report.policy?.notes).toEqual([
      'p.yaml:4: this root is on the blocklist (bad): allow does not accept that, a waiver does',
    ]);
  });

  it('says when it changes nothing', () => {
    expect(judge({ policy: 'allow:\n  - organisation: X' }).policy?.notes).toEqual([
      'p.yaml:3: allow changes nothing without "only" or "fail-on: unrecognised"',
    ]);
  });
});

describe('an unrecognised root', () => {
  it.each([
    ['is a violation', '', [`unrecognised a @0: ${ALL}`]],
    ['is known by allow', 'allow:\n  - organisation: Org A', []],
    ['is known by require', 'require:\n  - organisation: Org A', []],
    [
      'is known in the places of the rule',
      'allow:\n  - organisation: Org A\n    stores: debian-local-anchors',
      [`unrecognised a @0: ${inJava.path}`],
    ],
    [
      'can be waived',
      `waivers:\n  - sha256: ${a.sha256}\n    reason: r\n    owner: o\n    expires: 2027-01-01`,
      [`unrecognised a @0: ${ALL} (waived)`],
    ],
  ])('%s', (_what, policy, expected) => {
    const trusted = policy.includes('require') ? [everywhere(a)] : [];
    expect(outline(judge({ policy, unrecognised: [everywhere(a)], trusted }))).toEqual(expected);
  });
});

describe('evaluation', () => {
  const rules = fc.constantFrom(
    'organisation: Org A',
    `sha256: ${b.sha256}`,
    `spki: ${c.spkiSha256}`,
    'paths: /opt',
    'subject: CN=c\n    stores: debian-*',
  );
  const section = (name: string, all: readonly string[]): string =>
    all.length === 0 ? '' : `${name}:\n${all.map((rule) => `  - ${rule}\n`).join('')}`;
  const identified = rules.filter((rule) => !rule.startsWith('paths'));

  it('is the same when it sees only what is of interest', () => {
    const list = fc.array(rules, { maxLength: 3 });
    const places = fc.subarray([inLocal, inBundle, inJava], { minLength: 1 });
    fc.assert(
      fc.property(
        list,
        list,
        fc.array(identified, { maxLength: 2 }),
        fc.option(list),
        places,
        places,
        places,
        (forbid, allow, require, only, x, y, z) => {
          const text = [
            section('forbid', forbid),
            section('allow', allow),
            section('require', require),
            only === null ? '' : section('only', only) || 'only: []\n',
          ].join('');
          const trusted = [
            { certificate: a, locations: x },
            { certificate: b, locations: y },
            { certificate: c, locations: z },
          ];
          const interesting = interestOf(policyOf(text));
          const filtered = trusted.filter((root) => interesting(root.certificate));
          expect(judge({ policy: text, trusted: filtered })).toEqual(judge({ policy: text, trusted }));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the remedies of whoever knows them, but for what is waived', () => {
    const remedy = {
      store: JAVA,
      disposition: 'safe',
      shell: 'sh',
      commands: ['x'],
      undo: [],
      elevated: true,
    } as const;
    const input = {
      report: reportOf({ stores: STORES }),
      trusted: [everywhere(a)],
      remedies: () => [remedy],
      today: new Date('2026-11-23'),
    };
    const forbid = 'forbid:\n  - organisation: Org A\n';
    expect(evaluate({ ...input, policy: policyOf(forbid) }).policy?.violations[0]?.remediations).toEqual([
      remedy,
    ]);
    const waived = `${forbid}waivers:\n  - sha256: ${a.sha256}\n    reason: r\n    owner: o\n    expires: 2027-01-01`;
    expect(evaluate({ ...input, policy: policyOf(waived) }).policy?.violations[0]?.remediations).toEqual([]);
  });
});
