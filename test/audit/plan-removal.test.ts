import { describe, expect, it } from 'vitest';
import { objectionTo, verifyRemoval } from '../../src/audit/check-removal.ts';
import { choose, type RemovalChoice } from '../../src/audit/choose-removals.ts';
import { orderSteps, type StoreActions } from '../../src/audit/order-steps.ts';
import { OverlayFs } from '../../src/audit/overlay-fs.ts';
import type { PlannedRemoval } from '../../src/audit/plan-removal.ts';
import { openBlocklist } from '../../src/blocklist/load.ts';
import { parseSha256 } from '../../src/core/certificate.ts';
import type { Action } from '../../src/core/remediation.ts';
import type { Target } from '../../src/core/target.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { planBy } from '../support/removal-plans.ts';
import { makeRoot } from '../support/root.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const mild = makeCertificate({ subject: { CN: 'Mild Root' } });
const shipped = makeCertificate({ subject: { CN: 'Shipped Root' } });
const free = makeCertificate({ subject: { CN: 'Free Root' } });
const absent = makeCertificate({ subject: { CN: 'Absent Root' } });

const list = openBlocklist(
  writeBlocklist(makeTemporaryDirectory(), {
    advisories: [
      advisory({ id: 'planted', severity: 'critical', certificates: [blocked(bad)] }),
      advisory({ id: 'mild', severity: 'low', certificates: [blocked(mild)] }),
      advisory({
        id: 'shipped',
        severity: 'high',
        certificates: [blocked(shipped, { stillShippedBy: ['mozilla'] })],
      }),
      advisory({ id: 'absent', severity: 'high', certificates: [blocked(absent)] }),
    ],
    certificates: [bad.der, mild.der, shipped.der, absent.der],
  }),
);

const LOCAL = '/usr/local/share/ca-certificates';
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const all = [bad, mild, shipped, free];

const debian = makeRoot({
  '/etc/ca-certificates.conf': '',
  ...Object.fromEntries(all.map(({ pem }, index) => [`${LOCAL}/${index}.crt`, pem])),
  [BUNDLE]: all.map(({ pem }) => pem).join(''),
});

function plan(target: Target, choice: Partial<RemovalChoice> = {}, distrust = false): PlannedRemoval {
  return planBy(list, target, choice, distrust);
}

const chosen = ({ plan }: PlannedRemoval): readonly string[] =>
  plan.certificates.map(({ certificate }) => certificate.subject);

describe('what goes', () => {
  const colons = (bad.sha256.toUpperCase().match(/../g) ?? []).join(':');
  it.each<readonly [string, Partial<RemovalChoice>, readonly string[]]>([
    ['without a name: what is bad enough', {}, ['CN=Planted Root']],
    ['from another severity on', { severity: 'low' }, ['CN=Planted Root', 'CN=Mild Root']],
    ['with what clean systems ship', { removeShipped: true }, ['CN=Planted Root', 'CN=Shipped Root']],
    ['by the first digits', { targets: [bad.sha256.slice(0, 8)] }, ['CN=Planted Root']],
    ['by the whole fingerprint as people write it', { targets: [colons] }, ['CN=Planted Root']],
    ['by an advisory, however mild', { targets: ['mild'] }, ['CN=Mild Root']],
    ['by an advisory, but not what clean systems ship', { targets: ['shipped'] }, []],
    ['by fingerprint also what clean systems ship', { targets: [shipped.sha256] }, ['CN=Shipped Root']],
    ['by the whole fingerprint also what is on no blocklist', { targets: [free.sha256] }, ['CN=Free Root']],
    ['of several names each', { targets: ['mild', free.sha256] }, ['CN=Mild Root', 'CN=Free Root']],
    ['nothing for what is not here', { targets: [absent.sha256] }, []],
  ])('%s', (_how, choice, subjects) => {
    expect(chosen(plan(debian.target, choice))).toEqual(subjects);
  });

  it.each<readonly [string, string, RegExp]>([
    ['a word', 'nonsense', /no advisory and no fingerprint/],
    ['too few digits', 'abcdef0', /no advisory and no fingerprint/],
    ['a SHA-1', 'a'.repeat(40), /SHA-1/],
    ['the first digits of one that is on no blocklist', free.sha256.slice(0, 12), /on no blocklist/],
  ])('is not told by %s', (_what, target, message) => {
    expect(() => plan(debian.target, { targets: [target] })).toThrow(message);
  });

  it('is not told by digits that two certificates begin with', () => {
    const candidates = ['00', '11'].flatMap((end) => {
      const sha256 = parseSha256('aabbccdd'.padEnd(62, '0') + end);
      return sha256 === undefined ? [] : [{ sha256, held: [], matches: [] }];
    });
    const choice = { targets: [], severity: 'medium', removeShipped: false, suspected: false } as const;
    expect(() => choose(candidates, [{ kind: 'beginning', digits: 'aabbccdd' }], choice)).toThrow(
      /beginning of 2 certificates/,
    );
  });

  it('is said of what was named and is not trusted', () => {
    expect(plan(debian.target, { targets: [absent.sha256] }).plan.notes).toEqual([
      `Nothing on this target is ${absent.sha256}.`,
    ]);
    expect(plan(debian.target).plan.leftOut).toMatchObject([
      { certificate: { subject: 'CN=Shipped Root' }, reason: 'shipped' },
    ]);
  });

  it('is planned at the source, and the copy is made anew once for all', () => {
    const { plan: found } = plan(debian.target, { severity: 'low' });
    expect(found.stores.map(({ store, certificates }) => [store, certificates.length])).toEqual([
      [`debian-local-anchors:${LOCAL}`, 2],
    ]);
    expect(found.steps.map(({ action }) => action.kind)).toEqual(['delete', 'delete', 'run']);
    expect(found.certificates[0]?.places.map(({ generatedFrom }) => generatedFrom)).toEqual([
      [],
      [`debian-local-anchors:${LOCAL}`],
    ]);
  });

  it('is called incomplete when something could not be read', () => {
    const broken = '-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n';
    const { target } = makeRoot({ [`${LOCAL}/bad.crt`]: bad.pem, [`${LOCAL}/broken.crt`]: broken });
    const { plan: found } = plan(target);
    expect([found.complete, found.problems.length, found.certificates.length]).toEqual([false, 1, 1]);
  });
});

describe('the order of steps', () => {
  const drop = (path: string): Action => ({ kind: 'delete', path, sha256: 'x' });
  const write = (path: string, content: string): Action => ({
    kind: 'write',
    path,
    sha256: null,
    content: Buffer.from(content),
    mode: 0o644,
  });
  const update = (...changes: readonly string[]): Action => ({ kind: 'run', argv: ['update'], changes });
  const check: Action = { kind: 'run', argv: ['check'], changes: [] };
  const registry: Action = { kind: 'run', argv: ['reg'], changes: [], undo: [['unreg']] };
  const store = (name: string, ...actions: readonly Action[]): StoreActions => ({
    id: name,
    store: name,
    certificates: [name],
    elevated: name === 'a',
    actions,
  });

  it.each<readonly [string, readonly StoreActions[], readonly Action[], readonly string[]]>([
    [
      'makes copies anew once, at the end, in all the places that either may change',
      [store('a', drop('/1'), update('/x')), store('b', drop('/2'), update('/x', '/y'))],
      [drop('/1'), drop('/2'), update('/x', '/y')],
      [],
    ],
    [
      'leaves commands that check, or have an undo of their own, where they are',
      [store('a', check, drop('/1'), registry), store('b', check, drop('/2'))],
      [check, drop('/1'), registry, check, drop('/2')],
      [],
    ],
    [
      'does the same thing only once',
      [store('a', write('/w', 'w')), store('b', write('/w', 'w'), drop('/2'))],
      [write('/w', 'w'), drop('/2')],
      [],
    ],
    [
      'leaves a store for later that changes the same file in another way',
      [store('a', write('/w', 'w')), store('b', write('/w', 'v'), drop('/2')), store('c', drop('/3'))],
      [write('/w', 'w'), drop('/3')],
      ['b'],
    ],
  ])('%s', (_what, stores, actions, later) => {
    const ordered = orderSteps(stores);
    expect(ordered.steps.map(({ action }) => action)).toEqual(actions);
    expect([...ordered.later]).toEqual(later);
  });

  it('names all whom a step serves, and asks for root when one of them does', () => {
    const { steps } = orderSteps([
      store('b', drop('/2'), update('/x')),
      store('a', drop('/1'), update('/x')),
    ]);
    expect(steps.at(-1)).toMatchObject({
      stores: ['b', 'a'],
      certificates: ['b', 'a'],
      elevated: true,
    });
  });
});

describe('the contents that files would get', () => {
  const path = '/etc/ssl/cert.pem';
  const single = makeRoot({ [path]: bad.pem + free.pem });
  const read = { storePasswords: [] };

  it.each<readonly [string, Uint8Array | null, RegExp | undefined]>([
    ['are right when exactly the certificate is gone', Buffer.from(free.pem), undefined],
    ['are wrong when it is still trusted', Buffer.from(bad.pem + free.pem), /would still trust/],
    ['are wrong when another is lost', Buffer.from('# nothing\n'), /would lose .* not asked for/],
    [
      'are wrong when they cannot be read',
      Buffer.from(`${free.pem}-----BEGIN CERTIFICATE-----\n`),
      /no longer be read/,
    ],
  ])('%s', (_what, content, objection) => {
    const { target } = single;
    const planned = plan(target);
    const found = objectionTo(planned, new Map([[path, content]]), target, read);
    if (objection) expect(found?.message).toMatch(objection);
    else expect(found).toBe(undefined);
  });

  it('are read as if they were there', () => {
    const base = makeRoot({ '/a/x': 'x', '/a/y': 'y', '/l': { link: 'a' }, '/a/to-x': { link: 'x' } }).target
      .fs;
    const fs = new OverlayFs(
      base,
      new Map<string, Uint8Array | null>([
        ['/a/x', null],
        ['/a/y', Buffer.from('why')],
        ['/a/n/z', Buffer.from('zed')],
      ]),
    );
    const text = (path: string): string | undefined => {
      const bytes = fs.read(path);
      return bytes && Buffer.from(bytes).toString();
    };
    expect([text('/l/x'), text('/l/y'), text('/l/n/z'), text('/a/to-x')]).toEqual([
      undefined,
      'why',
      'zed',
      undefined,
    ]);
    expect(fs.list('/l').map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'n directory',
      'to-x link',
      'y file',
    ]);
    expect(fs.list('/a/n')).toEqual([{ name: 'z', kind: 'file' }]);
    expect([fs.kind('/a/x'), fs.kind('/a/n'), fs.realPath('/l/n/z'), fs.stat('/l/y')?.size]).toEqual([
      undefined,
      'directory',
      '/a/n/z',
      3,
    ]);
    expect(() => fs.read('/a/y', 2)).toThrow(/3 bytes/);
    const file = fs.open('/a/y');
    const into = Buffer.alloc(8);
    expect([file?.read(into, 1), into.toString('latin1', 0, 2)]).toEqual([2, 'hy']);
  });
});

describe('reading every store again', () => {
  it('names the places that still trust it, and what else was lost', () => {
    const { plan: found, trusted } = plan(debian.target);
    const after = makeRoot({ '/etc/ca-certificates.conf': '', [BUNDLE]: bad.pem + mild.pem + shipped.pem });
    const { left, alsoLost } = verifyRemoval(
      after.target,
      STORE_TYPES,
      { storePasswords: [] },
      found.certificates,
      trusted,
    );
    expect(left.map(({ path }) => path)).toEqual([BUNDLE]);
    expect(alsoLost.map(({ sha256 }) => sha256)).toContain(free.sha256);
    expect(alsoLost.some(({ sha256 }) => sha256 === bad.sha256)).toBe(false);
  });
});
