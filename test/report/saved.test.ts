import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { parseSaved } from '../../src/report/saved.ts';
import { certificate, finding, place, reportOf, store } from '../support/report.ts';

const report = reportOf({
  stores: [store('java-cacerts:/x')],
  findings: [finding('bad', certificate('a'), [place('java-cacerts:/x', '/x')])],
  policy: {
    file: 'rootaudit.yaml',
    violations: [
      {
        kind: 'forbidden',
        message: '',
        rule: '',
        line: 1,
        certificate: certificate('b'),
        locations: [place('java-cacerts:/x', '/x')],
        missingFrom: [],
        remediations: [],
      },
    ],
    notes: [],
  },
});

/** The report with one field set otherwise. */
function changed(path: string, value: unknown): string {
  const copy: unknown = structuredClone(report);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at: unknown = copy;
  for (const key of keys) at = Reflect.get(Object(at), key);
  Reflect.set(Object(at), last, value);
  return JSON.stringify(copy);
}

function messageOf(text: string): string {
  try {
    parseSaved(text, 'x.json');
  } catch (error) {
    if (error instanceof RootauditError) return error.message;
    throw error;
  }
  return '';
}

describe('a saved report', () => {
  it('is read as far as it is used', () => {
    expect(parseSaved(JSON.stringify(report), 'x')).toMatchObject({
      is: 'reports',
      reports: [
        {
          reference: '/mnt',
          complete: true,
          findings: [{ advisory: 'bad' }],
          violations: [{ kind: 'forbidden' }],
        },
      ],
    });
  });

  const wrong = (what: string): string => `x.json is no report or snapshot: ${what}`;

  it.each([
    ['', 'x.json is not JSON'],
    ['{"secret', 'x.json is not JSON'],
    ['[]', 'x.json is no report or snapshot must be an object'],
    ['{}', wrong('schemaVersion must be 1; it may come from another version of rootaudit')],
    [
      changed('schemaVersion', 2),
      wrong('schemaVersion must be 1; it may come from another version of rootaudit'),
    ],
    ['{"schemaVersion":1}', wrong('stores must be a list')],
    ['{"schemaVersion":1,"reports":[3]}', wrong('reports[0] must be an object')],
    [changed('target', 3), wrong('target must be an object')],
    [changed('complete', 'yes'), wrong('complete must be true or false')],
    [changed('stores.0.trusted', -1), wrong('stores[0].trusted must be a count')],
    [changed('stores.0.path', null), wrong('stores[0].path must be a text')],
    [changed('findings', {}), wrong('stores[0].entries must be a list')],
    [
      changed('findings.0.certificate.sha256', 'AB'),
      wrong('findings[0].certificate.sha256 must be 64 hex digits in lower case'),
    ],
    [changed('findings.0.locations', 'x'), wrong('findings[0].locations must be a list')],
    [
      changed('findings.0.locations.0.trust', 'yes'),
      wrong('findings[0].locations[0].trust must be one of trusted, embedded, present, deleted, mitigated'),
    ],
    [
      changed('findings.0.locations.0.purposes', [1]),
      wrong('findings[0].locations[0].purposes must be a list of texts'),
    ],
    [
      changed('policy.violations.0.kind', 'x'),
      wrong(
        'policy.violations[0].kind must be one of forbidden, not-allowed, missing, expired-waiver, unrecognised',
      ),
    ],
  ])('%#: is refused with its place', (text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  it('may know purposes that we do not', () => {
    expect(messageOf(changed('findings.0.locations.0.purposes', ['serverAuth', 'newKind']))).toBe('');
  });

  it('is refused or read, whatever it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(messageOf(text)).not.toBe('');
      }),
    );
    const text = JSON.stringify(report);
    fc.assert(
      fc.property(fc.nat(text.length), fc.string(), (at, junk) => {
        messageOf(text.slice(0, at) + junk + text.slice(at + junk.length));
      }),
    );
    messageOf('['.repeat(1_000_000));
    messageOf(`{"schemaVersion":1,"reports":${'['.repeat(5000)}${']'.repeat(5000)}}`);
  });
});
