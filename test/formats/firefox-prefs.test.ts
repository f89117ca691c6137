import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFirefoxPolicies } from '../../src/formats/firefox-policies.ts';
import { parsePreferences } from '../../src/formats/firefox-prefs.ts';
import { hasSample, sample } from '../support/root.ts';

const lines = (text: string): string[] =>
  parsePreferences(Buffer.from(text)).map(
    ({ call, name, value, line }) => `${line} ${call} ${name}=${String(value)}`,
  );

describe('preferences of Firefox', () => {
  it.each<[string, string, readonly string[]]>([
    ['a truth value', 'user_pref("a.b", true);', ['1 user_pref a.b=true']],
    ['a number', 'pref("a", -5);', ['1 pref a=-5']],
    ['a text', `pref('a', 'it is "x"');`, ['1 pref a=it is "x"']],
    [
      'calls of AutoConfig',
      '// first line\r\nlockPref("a", false);\rdefaultPref( "b" , "c" ) ;',
      ['2 lockPref a=false', '3 defaultPref b=c'],
    ],
    ['one with a further argument', 'pref("a", true, sticky);', ['1 pref a=true']],
    [
      'none in comments',
      '// pref("a", true);\n/* pref("b", true);\npref("c", true);\n*/\npref("d", true);',
      ['5 pref d=true'],
    ],
    ['none that is computed', 'pref("a", getenv("X"));\npref(name, true);\nif (x) pref("b", true);', []],
  ])('have %s', (_, text, expected) => {
    expect(lines(text)).toEqual(expected);
  });

  it('of any text are read in time', () => {
    const pieces = fc.constantFrom(
      'pref(',
      'user_pref("',
      '"',
      "'",
      '\\',
      ',',
      ' ',
      'true',
      ')',
      ';',
      '\n',
      '/*',
      '*/',
      'x'.repeat(2000),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 100 }), (parts) => {
        parsePreferences(Buffer.from(parts.join('')));
      }),
      { numRuns: 500, interruptAfterTimeLimit: 5000 },
    );
  });

  it.skipIf(!hasSample('firefox'))('of a sample profile are read', () => {
    expect(parsePreferences(sample('firefox/prefs.js')).map(({ name }) => name)).toEqual([
      'security.enterprise_roots.enabled',
      'security.enterprise_roots.auto-enabled',
    ]);
  });
});

describe('policies of Firefox', () => {
  it('are read nested or flat', () => {
    const nested = new Map([
      [
        'Certificates',
        new Map<string, boolean | readonly string[]>([
          ['ImportEnterpriseRoots', true],
          ['Install', ['a.pem']],
        ]),
      ],
    ]);
    const flat = new Map<string, boolean | readonly string[]>([
      ['Certificates__ImportEnterpriseRoots', true],
      ['Certificates__Install', ['a.pem']],
    ]);
    const expected = { install: ['a.pem'], enterpriseRoots: true, modules: [] };
    expect(readFirefoxPolicies(nested)).toEqual(expected);
    expect(readFirefoxPolicies(flat)).toEqual(expected);
  });

  it.each<
    [string, ReadonlyMap<string, string | readonly string[] | ReadonlyMap<string, string>>, readonly string[]]
  >([
    ['in the old form', new Map([['card', '/lib/card.so']]), ['card (/lib/card.so)']],
    ['to add', new Map([['Add', new Map([['card', '/lib/card.so']])]]), ['card (/lib/card.so)']],
    ['to delete', new Map([['Delete', ['card']]]), []],
  ])('name the modules %s', (_, devices, expected) => {
    expect(readFirefoxPolicies(new Map([['SecurityDevices', devices]])).modules).toEqual(expected);
  });

  it('keep the numbers of entries that are no text', () => {
    const policies = new Map([['Certificates', new Map([['Install', [5, 'a.pem']]])]]);
    expect(readFirefoxPolicies(policies).install).toEqual(['', 'a.pem']);
  });
});
