import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/core/errors.ts';
import { PURPOSES } from '../../src/core/trust.ts';
import { compareStates, initialChanges } from '../../src/watch/compare.ts';
import type { Change, Root, RootFinding } from '../../src/watch/event.ts';
import type { State } from '../../src/watch/state.ts';

const TRUSTS = ['trusted', 'mitigated', 'present'] as const;
const TOOL = { name: 'rootaudit', version: '0' };

/** "store certificate trust", such as "a one trusted". */
function state(lines: readonly string[], { stores, problems = [] }: Made = {}): State {
  const entries = lines.map((line) => {
    const [store = '', name = '', trust = 'trusted', purposes = 'serverAuth'] = line.split(' ');
    return {
      store,
      path: `/${store}/${name}`,
      trust: TRUSTS.find((each) => each === trust) ?? 'present',
      purposes: PURPOSES.filter((each) => trust === 'trusted' && purposes === each),
      certificate: { sha256: name.padEnd(64, '0'), subject: `CN=${name}` },
    };
  });
  const ids = stores ?? [...new Set(entries.map(({ store }) => store))];
  const all = ids.map((id) => ({ id, type: 'test', application: id, path: `/${id}`, trusted: 0 }));
  return {
    inventory: { kind: 'live', reference: '/', complete: problems.length === 0, stores: all, entries },
    stores: new Map(all.map((store) => [store.id, store])),
    roots: new Map(entries.map(({ certificate }) => [certificate.sha256, rootOf(certificate)])),
    problems,
    assumed: new Set(),
  };
}

interface Made {
  readonly stores?: readonly string[];
  readonly problems?: readonly Problem[];
}

function finding(severity: RootFinding['severity']): RootFinding {
  return { advisory: severity, title: '', severity, match: 'certificate', stillShippedBy: [] };
}

function rootOf(certificate: Root['certificate']): Root {
  const { subject } = certificate;
  return {
    certificate,
    findings: subject === 'CN=bad' ? [finding('low'), finding('critical'), finding('medium')] : [],
    unrecognised: subject === 'CN=added',
  };
}

function outline(changes: readonly Change[]): string[] {
  return changes.map((change) => {
    if ('problem' in change) return `problem ${change.problem.path}`;
    const name = 'certificate' in change ? ` ${change.certificate.subject.slice(3)}` : '';
    return `${change.type} ${change.store.id}${name}`;
  });
}

const problem = (store: string, code: Problem['code'] = 'malformed'): Problem => ({
  code,
  path: `/${store}`,
  message: '',
  store,
});

describe('compareStates', () => {
  it.each<[string, State, State, string[]]>([
    ['nothing', state(['a one']), state(['a one']), []],
    ['a root that is trusted now', state(['a one']), state(['a one', 'a two']), ['root-trusted a two']],
    ['a root held before', state(['a one present']), state(['a one']), ['root-trusted a one']],
    ['a root that is gone', state(['a one', 'a two']), state(['a one']), ['root-removed a two']],
    ['a root that is refused now', state(['a one']), state(['a one mitigated']), ['root-removed a one']],
    ['a refusal that came', state(['a one present']), state(['a one mitigated']), ['trust-changed a one']],
    ['another purpose', state(['a one']), state(['a one trusted codeSigning']), ['trust-changed a one']],
    ['what is merely held', state(['a one']), state(['a one', 'a two present']), []],
    ['a store with known roots', state(['a one']), state(['a one', 'b one']), ['store-appeared b']],
    [
      'a store with a root that is new, one that is listed and one that somebody added',
      state(['a one', 'a bad', 'a added']),
      state(['a one', 'a bad', 'a added', 'b one', 'b two', 'b bad', 'b added']),
      ['store-appeared b', 'root-trusted b two', 'root-trusted b bad', 'root-trusted b added'],
    ],
    [
      'a store that is gone',
      state(['a one', 'a bad', 'b one', 'b two', 'b bad']),
      state(['a one', 'a bad']),
      ['root-removed b two', 'root-removed b bad', 'store-vanished b'],
    ],
    ['an empty store', state([]), state([], { stores: ['b'] }), ['store-appeared b']],
    ['a problem', state(['a one']), state(['a one'], { problems: [problem('a')] }), ['problem /a']],
    [
      'an old problem',
      state(['a one'], { problems: [problem('a')] }),
      state(['a one'], { problems: [problem('a')] }),
      [],
    ],
    [
      'a problem in place of a root',
      state(['a one', 'b two']),
      state(['b two'], { stores: ['a', 'b'], problems: [problem('a')] }),
      ['problem /a'],
    ],
    [
      'a root that left a store with an old problem',
      state(['a one', 'a two'], { problems: [problem('a')] }),
      state(['a one'], { problems: [problem('a')] }),
      ['root-removed a two'],
    ],
  ])('tells of %s', (_what, before, after, expected) => {
    expect(outline(compareStates(TOOL, before, after).changes)).toEqual(expected);
  });

  it('takes what cannot be read to be there until it can be read again', () => {
    const start = state(['a one', 'a two']);
    const broken = state(['a one'], { problems: [problem('a')] });
    const first = compareStates(TOOL, start, broken);
    const second = compareStates(TOOL, first.state, broken);
    const worse = compareStates(
      TOOL,
      second.state,
      state([], { stores: ['a'], problems: [problem('a', 'unreadable')] }),
    );
    const healed = compareStates(TOOL, worse.state, state(['a one', 'a two']));
    const gone = compareStates(TOOL, worse.state, state(['a one']));
    expect([first, second, worse, healed, gone].map(({ changes }) => outline(changes))).toEqual([
      ['problem /a'],
      [],
      ['problem /a'],
      [],
      ['root-removed a two'],
    ]);
  });

  it('tells of gains only while files are being written, and of the rest once they are', () => {
    const before = state(['a one', 'b two', 'c three']);
    const half = state(['b three', 'b four'], { stores: ['a', 'b'], problems: [problem('a')] });
    const first = compareStates(TOOL, before, half, { settled: false });
    expect(outline(first.changes)).toEqual(['root-trusted b four', 'root-trusted b three']);
    const second = compareStates(TOOL, first.state, state(['a one', 'b four'], { stores: ['a', 'b'] }));
    expect(outline(second.changes)).toEqual([
      'root-removed b three',
      'root-removed c three',
      'root-removed b two',
      'store-vanished c',
    ]);
  });

  it('gives the worst severity, and whether nobody else trusts it', () => {
    const { changes } = compareStates(
      TOOL,
      state(['a one', 'b bad']),
      state(['a one', 'a bad', 'b bad', 'a added']),
    );
    expect(changes).toMatchObject([
      { certificate: { subject: 'CN=added' }, severity: 'info', unrecognised: true, everywhere: true },
      { certificate: { subject: 'CN=bad' }, severity: 'critical', everywhere: false },
    ]);
    expect(changes[1]).not.toHaveProperty('unrecognised');
  });

  it('forgets roots that are nowhere any more', () => {
    const broken = { problems: [problem('a')] };
    let now = state(['a one'], broken);
    for (const name of ['two', 'three', 'four'])
      now = compareStates(TOOL, now, state([`a ${name}`], broken)).state;
    expect([...now.roots.values()].map(({ certificate }) => certificate.subject)).toEqual(['CN=four']);
  });
});

describe('initialChanges', () => {
  it('tells of stores, problems and the roots that are worth a word', () => {
    const start = state(['a one', 'a bad', 'b added', 'b bad mitigated'], { problems: [problem('b')] });
    expect(outline(initialChanges(TOOL, start))).toEqual([
      'store-appeared a',
      'store-appeared b',
      'root-trusted b added',
      'root-trusted a bad',
      'problem /b',
    ]);
  });
});
