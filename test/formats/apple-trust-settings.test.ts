import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PURPOSES, trustedForAll, trustStatus } from '../../src/core/trust.ts';
import { combineDecisions, decideTrust, type TrustDecision } from '../../src/formats/apple-trust-decision.ts';
import { parseSettingsArray, parseTrustSettings } from '../../src/formats/apple-trust-settings.ts';
import {
  ALWAYS,
  EAP,
  NEVER,
  plist,
  SMIME,
  SSL,
  trustSettings,
  UNSPECIFIED,
  type Plain,
} from '../support/apple.ts';
import { hasPython, unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';

const HASH = '187BB7535ABF09E8A91FE401A3F865B95C136EC9';

/** "+serverAuth -codeSigning | words"; every purpose is "+all" or "-all". */
function decision({ purposes, words }: TrustDecision): string {
  const trusted = PURPOSES.filter((purpose) => purposes[purpose] === 'trusted');
  const refused = PURPOSES.filter((purpose) => purposes[purpose] === 'distrusted');
  const show = (sign: string, list: readonly string[]): string =>
    list.length === PURPOSES.length ? `${sign}all` : list.map((purpose) => sign + purpose).join(' ');
  const shown = [show('+', trusted), show('-', refused)].filter((text) => text !== '').join(' ');
  return `${shown || 'nothing'} | ${words}`;
}

function decided(settings: readonly Plain[], selfIssued = true): string {
  const { entries, diagnostics } = parseTrustSettings(Buffer.from(trustSettings([[HASH, settings]])));
  expect(diagnostics).toEqual([]);
  return decision(decideTrust(entries[0]?.settings ?? [], selfIssued));
}

const setting = (
  result: number | undefined,
  policy?: Uint8Array,
  more: Record<string, Plain> = {},
): Plain => ({
  ...(result !== undefined && { kSecTrustSettingsResult: result }),
  ...(policy && { kSecTrustSettingsPolicy: policy }),
  ...more,
});
const HOST = { kSecTrustSettingsPolicyString: 'example.com\0' };

describe('trust settings of one certificate', () => {
  it.each<[string, readonly Plain[], string]>([
    ['none at all', ALWAYS, '+all | Always Trust'],
    ['deny', NEVER, '-all | Never Trust'],
    ['unspecified', UNSPECIFIED, 'nothing | no value specified'],
    ['a setting without a result', [setting(undefined)], '+all | Always Trust'],
    ['SSL', [setting(1, SSL)], '+serverAuth +clientAuth | SSL: Always Trust'],
    [
      'SSL of servers',
      [setting(1, SSL, { kSecTrustSettingsPolicyName: 'sslServer' })],
      '+serverAuth | SSL: Always Trust',
    ],
    [
      'SSL of clients, refused',
      [setting(3, SSL, { kSecTrustSettingsPolicyName: 'sslClient' })],
      '-clientAuth | SSL (client): Never Trust',
    ],
    [
      'a policy as text',
      [setting(1, undefined, { kSecTrustSettingsPolicy: '1.2.840.113635.100.1.8' })],
      '+emailProtection | S/MIME: Always Trust',
    ],
    [
      'SSL refused and e-mail trusted',
      [setting(3, SSL), setting(1, SMIME)],
      '+emailProtection -serverAuth -clientAuth | SSL: Never Trust, S/MIME: Always Trust',
    ],
    [
      'one purpose refused before all are trusted',
      [setting(3, SMIME), setting(1)],
      '+serverAuth +clientAuth +codeSigning +timeStamping -emailProtection | S/MIME: Never Trust, Always Trust',
    ],
    [
      'all trusted before one purpose is refused',
      [setting(1), setting(3, SSL)],
      '+all | Always Trust, SSL: Never Trust',
    ],
    [
      'one host, trusted',
      [setting(1, SSL, HOST)],
      '+serverAuth +clientAuth | SSL for example.com: Always Trust',
    ],
    ['one host, refused', [setting(3, SSL, HOST)], 'nothing | SSL for example.com: Never Trust'],
    [
      'everything refused but one host',
      [setting(1, SSL, HOST), setting(3)],
      '+serverAuth +clientAuth -emailProtection -codeSigning -timeStamping | SSL for example.com: Always Trust, Never Trust',
    ],
    [
      'everything refused before one host is trusted',
      [setting(3), setting(1, SSL, HOST)],
      '-all | Never Trust, SSL for example.com: Always Trust',
    ],
    [
      'one application',
      [setting(3, undefined, { kSecTrustSettingsApplication: Buffer.of(1) })],
      'nothing | in one application: Never Trust',
    ],
    [
      'a use of the key that signs no certificates',
      [setting(3, undefined, { kSecTrustSettingsKeyUsage: 1 })],
      'nothing | for some key uses: Never Trust',
    ],
    [
      'any use of the key',
      [setting(3, undefined, { kSecTrustSettingsKeyUsage: 0xffffffff })],
      '-all | Never Trust',
    ],
    ['Wi-Fi, trusted', [setting(1, EAP)], '+serverAuth | EAP: Always Trust'],
    ['Wi-Fi, refused', [setting(3, EAP)], 'nothing | EAP: Never Trust'],
    [
      'an unknown policy',
      [setting(1, Buffer.from('2a0304', 'hex'))],
      'nothing | policy 1.2.3.4: Always Trust',
    ],
    [
      'errors that are overlooked',
      [setting(4, SSL, { kSecTrustSettingsAllowedError: -2147409654 })],
      'nothing | SSL: no value specified (overlooks an error)',
    ],
  ])('%s', (_name, settings, expected) => {
    expect(decided(settings)).toBe(expected);
  });

  it('trust one that is no root only as such', () => {
    expect(decided(ALWAYS, false)).toBe('nothing | Always Trust, without effect because it is no root');
    expect(decided([setting(1)], false)).toBe('nothing | Always Trust');
    expect(decided([setting(2)], false)).toBe('+all | Always Trust');
    expect(decided([setting(3)], false)).toBe('-all | Never Trust');
  });
});

describe('the domains', () => {
  const always = decideTrust([], true);
  const never = decideTrust([{ result: 'deny', application: false, otherKeyUse: false }], true);
  const open = decideTrust([{ result: 'unspecified', application: false, otherKeyUse: false }], true);
  const base = trustedForAll('system root');

  it.each<[string, TrustDecision[], string, string]>([
    ['none', [], 'trusted', 'system root'],
    ['refused by the user', [never, always], 'mitigated', 'd0: Never Trust; d1: Always Trust'],
    ['trusted by the user', [always, never], 'trusted', 'd0: Always Trust; d1: Never Trust'],
    ['left open by the user', [open, never], 'mitigated', 'd0: no value specified; d1: Never Trust'],
    ['left open by all', [open], 'trusted', 'd0: no value specified'],
  ])('%s', (_name, decisions, status, words) => {
    const named = decisions.map((each, index) => ({ domain: `d${index}`, ...each }));
    const trust = combineDecisions(named, base);
    expect([trustStatus(trust), trust.expressed]).toEqual([status, words]);
  });
});

describe('files of trust settings', () => {
  it('have entries that name no certificate, which count for nothing', () => {
    const text = trustSettings([
      ['kSecTrustRecordDefaultRootCert', NEVER],
      [HASH, NEVER],
    ]);
    expect(parseTrustSettings(Buffer.from(text)).entries.map(({ sha1 }) => sha1)).toEqual([
      HASH.toLowerCase(),
    ]);
  });

  it.each<[string, string, string, string]>([
    ['no property list', 'x', 'malformed', 'an element is missing'],
    ['another list', plist({ a: 1 }), 'malformed', 'not a file of trust settings'],
    ['a later version', trustSettings([[HASH, []]], 2), 'unsupported', 'version 2 of trust settings'],
    ['a text for a certificate', plist({ trustVersion: 1, trustList: { [HASH]: 'x' } }), 'malformed', HASH],
    ['an unknown result', trustSettings([[HASH, [setting(9)]]]), 'malformed', `settings of ${HASH}`],
    ['a text among the settings', trustSettings([[HASH, ['x']]]), 'malformed', `settings of ${HASH}`],
    [
      'very many settings',
      trustSettings([[HASH, Array.from({ length: 1001 }, () => setting(1))]]),
      'malformed',
      `settings of ${HASH}`,
    ],
  ])('with %s are an error', (_name, text, code, message) => {
    const { entries, diagnostics } = parseTrustSettings(Buffer.from(text));
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ level: 'error', code }]);
    expect(diagnostics[0]?.message).toContain(message);
  });

  it.skipIf(!hasPython)(
    `whose certificates share their settings stop at a limit${unless(hasPython, 'python3')}`,
    () => {
      const script = [
        'import plistlib,sys',
        "s=[{'kSecTrustSettingsResult':1}]*1000; b=b'x'*(1<<20)",
        "v={'trustVersion':1,'trustList':{'%040X'%i:{'trustSettings':s,'serialNumber':b} for i in range(2000)}}",
        'sys.stdout.buffer.write(plistlib.dumps(v, fmt=plistlib.FMT_BINARY))',
      ].join('\n');
      const { stdout } = spawnSync('python3', ['-c', script], { maxBuffer: 64 << 20 });
      const { entries, diagnostics } = parseTrustSettings(stdout);
      expect(entries.length).toBe(1000);
      expect(entries[0]?.serial).toHaveLength(128);
      expect(diagnostics).toMatchObject([{ level: 'error', code: 'limit' }]);
    },
  );

  it('may be the array alone, as iOS keeps it', () => {
    expect(parseSettingsArray(Buffer.from(plist([]))).entries).toEqual([[]]);
    expect(parseSettingsArray(Buffer.from(plist(NEVER))).entries[0]).toMatchObject([{ result: 'deny' }]);
    expect(parseSettingsArray(Buffer.from(plist({}))).diagnostics).toMatchObject([{ code: 'malformed' }]);
  });

  it('never make the parser throw when they are damaged', () => {
    const good = trustSettings([
      [HASH, [setting(1, SSL, HOST), setting(3, SMIME)]],
      [HASH.replace('1', '2'), NEVER],
    ]);
    const edit = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 32, max: 126 }));
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 5 }), (edits) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        for (const { settings } of parseTrustSettings(bytes).entries) decideTrust(settings, true);
      }),
      { numRuns: 2000, interruptAfterTimeLimit: 8000 },
    );
  });
});

const samples = hasSample('macos');

describe.skipIf(!samples)(`sample settings${unless(samples, 'the directory of samples')}`, () => {
  it.each(['Admin.xml.plist', 'Admin.bin.plist'])('%s reads as expected', (name) => {
    const { entries, diagnostics } = parseTrustSettings(sample(`macos/${name}`));
    expect(diagnostics).toEqual([]);
    const lines = entries.map(
      ({ sha1, settings }) => `${sha1.slice(0, 8)} ${decision(decideTrust(settings, true))}`,
    );
    expect(lines.toSorted()).toEqual([
      '0563b863 +all | Always Trust',
      '187bb753 +all | Always Trust',
      '1f4914f7 nothing | no value specified',
      '86f28f14 -all | Never Trust',
      'a8985d3a +serverAuth | SSL for example.com: Always Trust',
      'b31eb1b7 -serverAuth | SSL: Never Trust',
      'ca3afbcf +emailProtection | S/MIME: Always Trust',
    ]);
  });

  it('without certificates are read, and those of the future refused', () => {
    expect(parseTrustSettings(sample('macos/empty.plist'))).toEqual({ entries: [], diagnostics: [] });
    expect(parseTrustSettings(sample('macos/future-version.plist')).diagnostics).toMatchObject([
      { level: 'error', code: 'unsupported' },
    ]);
  });
});
