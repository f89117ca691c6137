import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import type { Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { stores } from '../../src/stores/macos.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import {
  ALWAYS,
  certsTable,
  keychain,
  plist,
  sha1,
  SMIME,
  SSL,
  trustSettings,
  type Plain,
} from '../support/apple.ts';
import { makeCertificate, toPem } from '../support/certificates.ts';
import { makeRoot, type TestRoot } from '../support/root.ts';

const bad = makeCertificate({ subject: { CN: 'Bad' }, kind: 'rsa' });
const good = makeCertificate({ subject: { CN: 'Good' } });
const HASH = sha1(bad.der);

const VAULT = '/private/var/protected/trustd/private';
const SYSTEM = '/Library/Keychains/System.keychain';
const LOGIN = '/Users/alice/Library/Keychains/login.keychain-db';
const ROOTS = '/System/Library/Keychains/SystemRootCertificates.keychain';
const UUID = 'AAAAAAAA-0000-4000-8000-000000000001';
const USER_SETTINGS = `${VAULT}/${UUID}/TrustSettings.plist`;
const BASE = {
  '/System/Library/CoreServices/': '',
  '/private/var/db/dslocal/nodes/Default/users/alice.plist': plist({ generateduid: [UUID] }),
  '/Users/alice/': '',
};

const both = keychain([{ der: bad.der, label: 'Bad' }, { der: good.der }]);
const admin = (settings: readonly Plain[]): Readonly<Record<string, string | Uint8Array>> => ({
  ...BASE,
  [SYSTEM]: both,
  [`${VAULT}/Admin.plist`]: trustSettings([[bad.der, settings]]),
});

function live(root: TestRoot): Target {
  return { ...root.target, kind: 'live' };
}

/** The remediation of the only store that trusts the bad root; `type` chooses where there are more. */
function plan(target: Target, type: string): Remediation {
  for (const store of stores.filter(({ id }) => id === type)) {
    for (const location of store.locate(target)) {
      const { anchors } = readWhole(store, target, location, { storePasswords: [] });
      const trusted = anchors.filter(
        ({ certificate, trust }) => certificate.sha256 === bad.sha256 && trustStatus(trust) === 'trusted',
      );
      if (trusted.length > 0) return store.planRemoval(target, location, trusted);
    }
  }
  throw new Error(`${type} does not trust it`);
}

/** Commands without the root's path, and with the certificate's words cut out. */
function shown(root: TestRoot, commands: readonly string[]): string[] {
  return commands.map((command) =>
    command
      .replaceAll(root.path, '')
      .replaceAll(bad.sha256, 'BAD')
      .replace(/(BEGIN CERTIFICATE-----').*('-----END)/, '$1 … $2'),
  );
}

/**
 * Runs commands with a stand-in for `security`: its find-certificate prints what the keychain holds as PEM, and all
 * else is only written down.
 */
function run(root: TestRoot, commands: readonly string[], held: string): string[] {
  const bin = join(root.path, 'bin');
  const log = join(root.path, 'log');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(root.path, 'held.pem'), held);
  writeFileSync(log, '');
  writeFileSync(
    join(bin, 'security'),
    `#!/bin/sh\nif [ "$1" = find-certificate ]; then cat '${join(root.path, 'held.pem')}'; else echo "$*" >> '${log}'; fi\n`,
  );
  chmodSync(join(bin, 'security'), 0o755);
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  for (const command of commands) execFileSync('sh', ['-euc', command], { env, stdio: 'pipe' });
  return shown(root, readFileSync(log, 'utf8').trimEnd().split('\n'));
}

const BACKUP = '/var/backups/rootaudit';

describe('the removal of a root that the administrator trusts', () => {
  it('takes its settings and then itself away', () => {
    const root = makeRoot(admin(ALWAYS));
    const { commands, undo, elevated, disposition } = plan(live(root), 'macos-admin');
    expect([elevated, disposition]).toEqual([true, 'safe']);
    expect(shown(root, commands)).toEqual([
      `mkdir -p ${BACKUP}`,
      String.raw`printf '%s\n' '-----BEGIN CERTIFICATE-----' … '-----END CERTIFICATE-----' > ${BACKUP}/BAD.pem`,
      String.raw`security find-certificate -a -p ${SYSTEM} | tr -d '\n' | grep -qF -e "$(sed -e '/-----/d' ${BACKUP}/BAD.pem | tr -d '\n')"`,
      `security remove-trusted-cert -d ${BACKUP}/BAD.pem`,
      `security delete-certificate -Z ${HASH} ${SYSTEM}`,
    ]);
    expect(shown(root, undo)).toEqual([
      `security add-trusted-cert -d -r trustRoot -k ${SYSTEM} ${BACKUP}/BAD.pem`,
    ]);
  });

  it('runs where the keychain holds exactly this certificate, however its lines are cut', () => {
    const root = makeRoot(admin(ALWAYS));
    const { commands } = plan(live(root), 'macos-admin');
    const cut = good.pem + bad.pem.replaceAll(/\n(?!-)/g, '').replace('-----BEGIN CERTIFICATE-----', '$&\n');
    expect(run(root, commands, cut)).toEqual([
      `remove-trusted-cert -d ${BACKUP}/BAD.pem`,
      `delete-certificate -Z ${HASH} ${SYSTEM}`,
    ]);
    const saved = new X509Certificate(readFileSync(root.at(`${BACKUP}/${bad.sha256}.pem`)));
    expect(saved.raw.equals(bad.der)).toBe(true);
  });

  it('stops before it changes anything where the keychain holds another', () => {
    const root = makeRoot(admin(ALWAYS));
    const { commands } = plan(live(root), 'macos-admin');
    const almost = Buffer.from(bad.der);
    almost[almost.length - 1] = (almost.at(-1) ?? 0) ^ 1;
    expect(() => run(root, commands, good.pem + toPem(almost))).toThrow();
    expect(readFileSync(root.at('/log'), 'utf8')).toBe('');
  });

  it.each<[string, readonly Plain[], readonly string[]]>([
    [
      'purposes',
      [
        { kSecTrustSettingsPolicy: SSL, kSecTrustSettingsResult: 1 },
        { kSecTrustSettingsPolicy: SMIME, kSecTrustSettingsResult: 1 },
      ],
      [`security add-trusted-cert -d -r trustRoot -p ssl -p smime -k ${SYSTEM} ${BACKUP}/BAD.pem`],
    ],
    [
      'a host, by an export of all settings',
      [{ kSecTrustSettingsPolicy: SSL, kSecTrustSettingsPolicyString: 'example.com' }],
      [
        `security add-certificates -k ${SYSTEM} ${BACKUP}/BAD.pem`,
        `security trust-settings-import -d ${BACKUP}/BAD.plist`,
      ],
    ],
  ])('is undone with its %s', (_name, settings, expected) => {
    const root = makeRoot(admin(settings));
    const { commands, undo } = plan(live(root), 'macos-admin');
    expect(shown(root, undo)).toEqual(expected);
    expect(commands.some((command) => command.includes('trust-settings-export -d'))).toBe(
      expected.length > 1,
    );
  });

  it('on a mounted disk is for that system to run', () => {
    const { disposition, commands, note } = plan(makeRoot(admin(ALWAYS)).target, 'macos-admin');
    expect([disposition, commands]).toEqual(['manual', []]);
    expect(note).toBe(
      `Start that system and run there, with the certificate saved as root.pem: sudo security remove-trusted-cert -d root.pem && sudo security delete-certificate -Z ${HASH} ${SYSTEM}`,
    );
  });
});

describe('the removal of a root that a user trusts', () => {
  it('needs no administrator, and keeps its copy in the home', () => {
    const root = makeRoot({ ...BASE, [LOGIN]: both, [USER_SETTINGS]: trustSettings([[bad.der, ALWAYS]]) });
    const { commands, undo, elevated, note } = plan(live(root), 'macos-user');
    const copy = '/Users/alice/.local/state/rootaudit/backup/BAD.pem';
    expect(elevated).toBe(false);
    expect(shown(root, commands).slice(3)).toEqual([
      `security remove-trusted-cert ${copy}`,
      `security delete-certificate -Z ${HASH} ${LOGIN}`,
    ]);
    expect(shown(root, undo)).toEqual([`security add-trusted-cert -r trustRoot -k ${LOGIN} ${copy}`]);
    expect(note).toContain('Run it without sudo.');
  });

  it('leaves the certificate where another keychain holds it', () => {
    const root = makeRoot({ ...BASE, [SYSTEM]: both, [USER_SETTINGS]: trustSettings([[bad.der, ALWAYS]]) });
    const { commands, undo } = plan(live(root), 'macos-user');
    const directory = '/Users/alice/.local/state/rootaudit/backup';
    expect(shown(root, commands).slice(2)).toEqual([
      `security trust-settings-export ${directory}/BAD.plist`,
      `security remove-trusted-cert ${directory}/BAD.pem`,
    ]);
    expect(shown(root, undo)).toEqual([`security trust-settings-import ${directory}/BAD.plist`]);
  });

  it('says so when it is the administrator who trusts it', () => {
    const root = makeRoot({ ...admin(ALWAYS), [LOGIN]: both });
    const { commands, undo, note } = plan(live(root), 'macos-user');
    expect(shown(root, commands).at(-1)).toBe(`security delete-certificate -Z ${HASH} ${LOGIN}`);
    expect(shown(root, undo)[0]).toMatch(`security add-certificates -k ${LOGIN} `);
    expect(note).toContain('those of the administrator or of the system');
  });
});

describe('several roots, and roots that are to be refused', () => {
  const two = keychain([{ der: bad.der }, { der: good.der }]);
  const settings = trustSettings([
    [bad.der, ALWAYS],
    [good.der, [{ kSecTrustSettingsPolicy: SSL, kSecTrustSettingsPolicyString: 'example.com' }]],
  ]);
  const root = makeRoot({ ...BASE, [SYSTEM]: two, [`${VAULT}/Admin.plist`]: settings });
  const plans = (): { readonly removal: Remediation; readonly distrust: Remediation | undefined } => {
    const target = live(root);
    const store = stores.find(({ id }) => id === 'macos-admin');
    const [location] = store?.locate(target) ?? [];
    if (!store || !location) throw new Error('no store');
    const { anchors } = readWhole(store, target, location, { storePasswords: [] });
    return {
      removal: store.planRemoval(target, location, anchors),
      distrust: store.planDistrust?.(target, location, anchors),
    };
  };
  const GOOD = sha1(good.der);
  const named = (lines: readonly string[]): string[] =>
    shown(root, lines).map((line) =>
      line.replaceAll(good.sha256, 'GOOD').replaceAll(HASH, 'H1').replaceAll(GOOD, 'H2'),
    );

  it('go with one plan, which saves all settings first and brings them back last', () => {
    const { commands, undo } = plans().removal;
    const kept = named(commands).filter((line) => /^security (?!find)/.test(line));
    expect(kept[0]).toBe(`security trust-settings-export -d ${BACKUP}/BAD.plist`);
    expect(kept.slice(1).toSorted()).toEqual([
      `security delete-certificate -Z H1 ${SYSTEM}`,
      `security delete-certificate -Z H2 ${SYSTEM}`,
      `security remove-trusted-cert -d ${BACKUP}/BAD.pem`,
      `security remove-trusted-cert -d ${BACKUP}/GOOD.pem`,
    ]);
    const back = named(undo);
    expect(back.toSorted()).toEqual([
      `security add-certificates -k ${SYSTEM} ${BACKUP}/GOOD.pem`,
      `security add-trusted-cert -d -r trustRoot -k ${SYSTEM} ${BACKUP}/BAD.pem`,
      `security trust-settings-import -d ${BACKUP}/BAD.plist`,
    ]);
    const held = bad.pem + good.pem;
    const done = run(root, commands, held);
    expect(done).toHaveLength(5);
  });

  it('are told as data, with the files that `security` reads and checks that stop it', () => {
    const { actions = [] } = plans().removal;
    expect(
      actions.map((action) => (action.kind === 'run' ? action.argv.slice(0, 2).join(' ') : action.kind)),
    ).toEqual([
      'write',
      'write',
      'sh -c',
      'sh -c',
      'security trust-settings-export',
      'security remove-trusted-cert',
      'security delete-certificate',
      'security remove-trusted-cert',
      'security delete-certificate',
    ]);
  });

  it('are refused by settings of the administrator, who had others', () => {
    const { commands = [], undo = [] } = plans().distrust ?? {};
    expect(named(commands).filter((line) => line.startsWith('security'))).toEqual([
      `security trust-settings-export -d ${BACKUP}/BAD.plist`,
      `security add-trusted-cert -d -r deny -k ${SYSTEM} ${BACKUP}/BAD.pem`,
      `security add-trusted-cert -d -r deny -k ${SYSTEM} ${BACKUP}/GOOD.pem`,
    ]);
    expect(named(undo)).toEqual([`security trust-settings-import -d ${BACKUP}/BAD.plist`]);
  });
});

describe('a root of the system', () => {
  const files = { ...BASE, [ROOTS]: both };

  it('is refused, because it cannot be removed', () => {
    const root = makeRoot(files);
    const { commands, undo } = plan(live(root), 'macos-system-roots');
    expect(run(root, commands, '')).toEqual([`add-trusted-cert -d -r deny -k ${SYSTEM} ${BACKUP}/BAD.pem`]);
    expect(run(root, undo, '')).toEqual([
      `remove-trusted-cert -d ${BACKUP}/BAD.pem`,
      `delete-certificate -Z ${HASH} ${SYSTEM}`,
    ]);
    expect(existsSync(root.at(`${BACKUP}/${bad.sha256}.pem`))).toBe(true);
  });

  it('that had settings and a copy before gets them back', () => {
    const root = makeRoot({ ...admin(ALWAYS), ...files });
    const { commands, undo } = plan(live(root), 'macos-system-roots');
    expect(shown(root, commands).slice(2)).toEqual([
      `security trust-settings-export -d ${BACKUP}/BAD.plist`,
      `security add-trusted-cert -d -r deny -k ${SYSTEM} ${BACKUP}/BAD.pem`,
    ]);
    expect(shown(root, undo)).toEqual([`security trust-settings-import -d ${BACKUP}/BAD.plist`]);
  });

  it('on a mounted disk is for that system to refuse', () => {
    const { disposition, note } = plan(makeRoot(files).target, 'macos-system-roots');
    expect(disposition).toBe('manual');
    expect(note).toContain(`sudo security add-trusted-cert -d -r deny -k ${SYSTEM} root.pem`);
  });

  it('of iOS can only be taken out by Apple', () => {
    const { note } = plan(
      makeRoot({
        '/private/var/mobile/': '',
        '/System/Library/Security/Certificates.bundle/certsTable.data': certsTable([bad.der]),
      }).target,
      'macos-system-roots',
    );
    expect(note).toContain('only an update from Apple');
  });
});
