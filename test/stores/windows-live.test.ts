import { beforeAll, describe, expect, it } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import { FsError, type Home, type Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { stores } from '../../src/stores/windows.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { locate, makeRoot } from '../support/root.ts';
import type { Node } from '../support/tree.ts';
import { certificateBlob, makeHive, sha1, trustList, tree, utf16 } from '../support/windows.ts';

const SYSTEM = 'Microsoft\\SystemCertificates';
const MACHINE = `HKLM\\SOFTWARE\\${SYSTEM}`;
const USER = `HKCU\\Software\\${SYSTEM}`;
const PROFILES = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList';
const OPTIONS = { storePasswords: [] };
const ENVIRONMENT = {
  SystemRoot: 'C:\\Windows',
  ProgramData: 'C:\\ProgramData',
  LOCALAPPDATA: 'C:\\Users\\ann lee\\AppData\\Local',
};
const HOMES: readonly Home[] = [
  { user: 'ann lee', path: '/C:/Users/ann lee' },
  { user: 'bob', path: '/C:/Users/bob' },
  { user: 'carl', path: '/C:/Users/carl' },
];
const [ANN, BOB] = ['S-1-5-21-1-2-3-1001', 'S-1-5-21-1-2-3-1002'];
const LONG: Readonly<Record<string, string>> = {
  HKLM: 'HKEY_LOCAL_MACHINE',
  HKCU: 'HKEY_CURRENT_USER',
  HKU: 'HKEY_USERS',
};

/** Values by the full name of their key. */
type Values = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

interface Machine {
  readonly keys?: Values;
  readonly files?: Readonly<Record<string, Node>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Keys that may not be read. */
  readonly denied?: readonly string[];
}

/** A running Windows, whose reg.exe is a table. */
function machine({ keys = {}, files = {}, environment = ENVIRONMENT, denied = [] }: Machine): Target {
  const profile = (path: string): Values[string] => ({ ProfileImagePath: utf16(path) });
  const all: Values = {
    [`${PROFILES}\\${ANN}`]: profile('C:\\Users\\ann lee'),
    [`${PROFILES}\\${BOB}`]: profile('%SystemDrive%\\Users\\bob'),
    [`HKU\\${ANN}`]: {},
    [`HKU\\${BOB}`]: {},
    [`HKU\\${BOB}_Classes`]: {},
    'HKU\\.DEFAULT': {},
    ...keys,
  };
  const below = (key: string): string[] =>
    Object.keys(all).filter((each) => `${each}\\`.toLowerCase().startsWith(`${key}\\`.toLowerCase()));
  return {
    kind: 'live',
    reference: '/',
    platform: 'win32',
    fs: makeRoot({ '/C:/Windows/System32/x': '', ...files }).target.fs,
    environment,
    homes: HOMES,
    notes: [],
    hostPath: (path) => path.slice(1).replaceAll('/', '\\'),
    registry: {
      list: (key) => [
        ...new Set(below(key).flatMap((each) => each.slice(key.length + 1).split('\\')[0] || [])),
      ],
      export(key) {
        if (denied.includes(key)) throw new FsError('denied', key, 'reg.exe may not read this key');
        const names = below(key);
        if (names.length === 0) return undefined;
        const sections = names.map((name) => {
          const lines = Object.entries(all[name] ?? {}).map(
            ([value, data]) => `"${value}"=hex:${octets(data)}`,
          );
          return [`[${name.replace(/^\w+/, (short) => LONG[short] ?? short)}]`, ...lines, ''].join('\r\n');
        });
        return Buffer.from(
          `\ufeffWindows Registry Editor Version 5.00\r\n\r\n${sections.join('\r\n')}`,
          'utf16le',
        );
      },
    },
  };
}

const octets = (data: Uint8Array): string =>
  Array.from(data, (octet) => octet.toString(16).padStart(2, '0')).join(',');

let a: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
});
const held = (store: string): Values => ({
  [`${store}\\Certificates\\${sha1(a.der)}`]: { Blob: certificateBlob(a.der) },
});

function planFor(target: Target, path: string): Remediation {
  const [type, location] = locate(stores, target).get(path) ?? [];
  if (!type || !location) throw new Error(`no ${path}`);
  const { anchors } = readWhole(type, target, location, OPTIONS);
  const trusted = anchors.filter(({ trust }) => trustStatus(trust) === 'trusted');
  expect(trusted).toHaveLength(1);
  return type.planRemoval(target, location, trusted);
}

const protectedRoots = (): Values => ({
  [`${USER}\\Root\\ProtectedRoots`]: {
    Certificates: Buffer.concat([
      Buffer.from('1800000001000000000000000000000000000000', 'hex'),
      Buffer.from('18000000', 'hex'),
      Buffer.from(sha1(a.der), 'hex'),
    ]),
  },
});

describe('the users of a running Windows', () => {
  it.each([
    ['named where WSL is installed', { '/C:/Program Files/WSL/wslservice.exe': '' }, ['D:\\wsl\\arch']],
    ['not asked for elsewhere', {}, []],
  ])('have Linux distributions in directories of their own, which are %s', (_, files, expected) => {
    const key = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss\\{0a1b}';
    const target = machine({ files, keys: { [key]: { BasePath: utf16('D:\\wsl\\arch') } } });
    const [type, location] = locate(stores, target).get(USER) ?? [];
    const problems = type && location && readWhole(type, target, location, OPTIONS).problems;
    expect(problems?.map(({ path }) => path)).toEqual(expected);
  });

  it('are the current one, those who are logged on, and the files of those who are not', () => {
    const target = machine({
      files: { '/C:/Users/carl/NTUSER.DAT': makeHive({}), '/C:/Users/bob/NTUSER.DAT': '' },
    });
    const users = [...locate(stores, target).values()].filter(([{ id }]) => id === 'windows-user');
    expect(users.map(([, { path, user }]) => `${user}: ${path}`)).toEqual([
      `ann lee: ${USER}`,
      `bob: HKU\\${BOB}\\Software\\${SYSTEM}`,
      `carl: /C:/Users/carl/NTUSER.DAT\\Software\\${SYSTEM}`,
    ]);
  });

  it('may be one alone, whose profile nobody knows', () => {
    const target: Target = {
      ...machine({}),
      registry: { list: (key) => (key === 'HKU' ? [ANN, `${ANN}_Classes`] : []), export: () => undefined },
      homes: HOMES.slice(0, 1),
    };
    const users = [...locate(stores, target).values()].filter(([{ id }]) => id === 'windows-user');
    expect(users.map(([, { path }]) => path)).toEqual([USER]);
  });
});

describe('removal on a running Windows', () => {
  it('takes a key of the machine away, and imports it again', () => {
    const plan = planFor(machine({ keys: held(`${MACHINE}\\ROOT`) }), MACHINE);
    const key = `${MACHINE}\\ROOT\\Certificates\\${sha1(a.der)}`;
    const [file = ''] = /C:\\ProgramData\S+\.reg/.exec(plan.commands[1] ?? '') ?? [];
    expect(plan).toEqual({
      disposition: 'safe',
      shell: 'cmd',
      elevated: true,
      actions: [
        expect.objectContaining({ kind: 'run', changes: [] }),
        {
          kind: 'run',
          argv: ['reg', 'export', key, file, '/y'],
          changes: [`/${file.replaceAll('\\', '/')}`],
        },
        { kind: 'run', argv: ['reg', 'delete', key, '/f'], changes: [], undo: [['reg', 'import', file]] },
      ],
      commands: [
        String.raw`if not exist C:\ProgramData\rootaudit\backup mkdir C:\ProgramData\rootaudit\backup`,
        `reg export ${key} ${file} /y`,
        `reg delete ${key} /f`,
      ],
      undo: [`reg import ${file}`],
    });
  });

  it.each<[string, () => Values]>([
    ['lies in AuthRoot', () => held(`${MACHINE}\\AuthRoot`)],
    [
      "is on Microsoft's list",
      () => ({
        ...held(`${MACHINE}\\ROOT`),
        [`${MACHINE}\\AuthRoot\\AutoUpdate`]: { EncodedCtl: trustList([[sha1(a.der), {}]]) },
      }),
    ],
  ])('refuses a root that %s', (_what, keys) => {
    const { commands, undo, disposition } = planFor(machine({ keys: keys() }), MACHINE);
    expect(disposition).toBe('safe');
    expect(commands.at(-1)).toMatch(/^certutil -addstore Disallowed C:\S+\.cer$/);
    expect(undo).toEqual([`certutil -delstore Disallowed ${sha1(a.der)}`]);
  });

  it('takes some away and refuses those that come back, with one plan', () => {
    const b = makeCertificate({ subject: { CN: 'B' } });
    const keys = {
      ...held(`${MACHINE}\\AuthRoot`),
      [`${MACHINE}\\ROOT\\Certificates\\${sha1(b.der)}`]: { Blob: certificateBlob(b.der) },
    };
    const target = machine({ keys });
    const [type, location] = locate(stores, target).get(MACHINE) ?? [];
    if (!type || !location) throw new Error('no store');
    const { anchors } = readWhole(type, target, location, OPTIONS);
    expect(anchors).toHaveLength(2);
    const { commands, undo, actions } = type.planRemoval(target, location, anchors);
    expect(commands.map((command) => command.split(' ', 2).join(' '))).toEqual([
      'if not',
      'certutil -f',
      'certutil -addstore',
      'reg export',
      'reg delete',
    ]);
    expect(undo.map((command) => command.split(' ', 2).join(' '))).toEqual([
      'certutil -delstore',
      'reg import',
    ]);
    expect(actions).toHaveLength(5);
  });

  it.each([
    [`${MACHINE}\\ROOT`, MACHINE, `${MACHINE}\\Disallowed`, true],
    [`${USER}\\Root`, USER, `${USER}\\Disallowed`, false],
    [
      'HKLM\\SOFTWARE\\Policies\\Microsoft\\SystemCertificates\\Root',
      'HKLM\\SOFTWARE\\Policies\\Microsoft\\SystemCertificates',
      `${MACHINE}\\Disallowed`,
      true,
    ],
  ])('refuses a root in %s by a copy in Disallowed', (store, place, disallowed, elevated) => {
    const target = machine({ keys: { ...held(store), ...protectedRoots() } });
    const [type, location] = locate(stores, target).get(place) ?? [];
    if (!type || !location) throw new Error('no store');
    const { anchors } = readWhole(type, target, location, OPTIONS);
    const key = `Certificates\\${sha1(a.der)}`;
    const plan = type.planDistrust?.(target, location, anchors);
    expect(plan).toMatchObject({
      disposition: 'safe',
      elevated,
      undo: [`reg delete ${disallowed}\\${key} /f`],
    });
    expect(plan?.commands).toEqual([`reg copy ${store}\\${key} ${disallowed}\\${key} /s /f`]);
  });

  it('asks the user about a root of that user, in a directory with a space in its name', () => {
    const plan = planFor(machine({ keys: { ...held(`${USER}\\Root`), ...protectedRoots() } }), USER);
    expect([plan.disposition, plan.elevated]).toEqual(['safe', false]);
    expect(plan.commands.slice(1)).toEqual([
      expect.stringMatching(/^certutil -user -f -store Root [0-9A-F]{40} "C:\\Users\\ann lee\\[^"]+\.cer"$/),
      `certutil -user -delstore Root ${sha1(a.der)}`,
    ]);
    expect(plan.undo).toEqual([expect.stringMatching(/^certutil -user -addstore Root "C:\\Users\\ann lee/)]);
  });

  it('is for PowerShell where cmd.exe would change a name', () => {
    const environment = { ...ENVIRONMENT, LOCALAPPDATA: "C:\\Users\\100%'s\\AppData\\Local" };
    const keys = { ...held(`${USER}\\Root`), ...protectedRoots() };
    const { shell, commands } = planFor(machine({ keys, environment }), USER);
    expect(shell).toBe('powershell');
    expect(commands[0]).toBe(
      String.raw`New-Item -ItemType Directory -Force -Path 'C:\Users\100%''s\AppData\Local\rootaudit\backup' | Out-Null`,
    );
  });

  it.each([
    ['HKLM\\SOFTWARE\\Policies\\Microsoft\\SystemCertificates', 'gpupdate'],
    ['HKLM\\SOFTWARE\\Microsoft\\EnterpriseCertificates', 'Active Directory'],
  ])('from %s says that it comes back', (place, word) => {
    const plan = planFor(machine({ keys: held(`${place}\\Root`) }), place);
    expect(plan.disposition).toBe('unsafe');
    expect(plan.note).toContain(word);
    expect(plan.commands.at(-1)).toMatch(/^reg delete /);
  });
});

describe('a key that may not be read', () => {
  it('is a refusal of its own, and leaves the others', () => {
    const policies = 'HKLM\\SOFTWARE\\Policies\\Microsoft\\SystemCertificates';
    const target = machine({ keys: held(`${MACHINE}\\ROOT`), denied: [policies] });
    expect(planFor(target, MACHINE).disposition).toBe('safe');
    const [type, location] = locate(stores, target).get(policies) ?? [];
    expect(() => type && location && readWhole(type, target, location, OPTIONS)).toThrow(FsError);
  });
});

it('a file of a user who is not logged on is read like on a mounted drive', () => {
  const hive = makeHive(
    tree({
      [`Software\\${SYSTEM}\\Disallowed\\Certificates\\${sha1(a.der)}`]: { Blob: certificateBlob(a.der) },
    }),
  );
  const target = machine({ files: { '/C:/Users/carl/NTUSER.DAT': hive } });
  const [type, location] = locate(stores, target).get(`/C:/Users/carl/NTUSER.DAT\\Software\\${SYSTEM}`) ?? [];
  if (!type || !location) throw new Error('no store');
  const { anchors, problems } = readWhole(type, target, location, OPTIONS);
  expect(anchors.map(({ trust }) => trustStatus(trust))).toEqual(['mitigated']);
  expect(problems).toEqual([]);
});
