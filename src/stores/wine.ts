/**
 * Wine prefixes: each is a Windows of its own, with its registry in text files. Wine's crypt32 (rootstore.c) takes the
 * host's bundle into Root of HKEY_LOCAL_MACHINE when a program first asks; what people add themselves lies there too,
 * or in user.reg. Root is the only store whose certificates end a chain there.
 */

import { manual, type Action, type Remediation } from '../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { sha256 } from '../core/certificate.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Home, Target } from '../core/target.ts';
import { heldOnly, trustStatus, type Trust } from '../core/trust.ts';
import { parseRegText } from '../formats/reg-text.ts';
import { findKey } from '../formats/registry.ts';
import { diagnosticsContent, exists, readFile, realPathOr } from './shared/content.ts';
import { expandInHome, uniqueDirectories } from './shared/directories.ts';
import { planOf, type Step } from './shared/steps.ts';
import { readSystemStores } from './shared/windows-certificates.ts';
import { Refusals } from './shared/windows-refusals.ts';

/** Prefixes that the system's own `wine` made, and those that a program manages with a Wine of its own. */
const PLAIN: readonly string[] = ['.wine', '.local/share/wineprefixes/*'];
const MANAGED: readonly (readonly [string, string])[] = [
  ['.steam/steam/steamapps/compatdata/*/pfx', 'Steam'],
  ['.local/share/Steam/steamapps/compatdata/*/pfx', 'Steam'],
  ['.var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/compatdata/*/pfx', 'Steam'],
  ['snap/steam/common/.local/share/Steam/steamapps/compatdata/*/pfx', 'Steam'],
  ['.local/share/bottles/bottles/*', 'Bottles'],
  ['.var/app/com.usebottles.bottles/data/bottles/bottles/*', 'Bottles'],
  ['Games/*', 'Lutris'],
  ['Games/Heroic/Prefixes/*', 'Heroic'],
  ['Games/Heroic/Prefixes/default/*', 'Heroic'],
  ['.PlayOnLinux/wineprefix/*', 'PlayOnLinux'],
  ['.cxoffice/*', 'CrossOver'],
  ['Library/Application Support/CrossOver/Bottles/*', 'CrossOver'],
  ['Library/Containers/com.isaacmarovitz.Whisky/Bottles/*', 'Whisky'],
];

/** The places that Wine copies from, by the types of store that make them. */
const HOST_STORES: readonly string[] = [
  'debian-ca-certificates',
  'debian-local-anchors',
  'debian-bundle',
  'rhel-anchors',
  'rhel-bundle',
  'suse',
  'suse-bundle',
  'arch',
  'arch-bundle',
  'system-bundle',
  'macos-system-roots',
  'macos-admin',
];

/** Group policies count in Wine, too, for programs that ask for them; enterprise stores do not. */
const KEYS: readonly string[] = [
  'Software\\Microsoft\\SystemCertificates',
  'Software\\Policies\\Microsoft\\SystemCertificates',
];
/** A large prefix has 20 MB. */
const MAX_BYTES = 256 << 20;

function prefixes(target: Target, { path, user }: Home): readonly StoreLocation[] {
  // The environment is that of the first home's owner.
  const own = target.homes[0]?.path === path ? target.environment['WINEPREFIX'] : undefined;
  const plain = [...(own?.startsWith('/') ? [own] : []), ...expandInHome(target, path, PLAIN)];
  const managed = MANAGED.flatMap(([pattern, manager]) =>
    expandInHome(target, path, [pattern]).map((prefix): readonly [string, string] => [prefix, manager]),
  );
  const all: readonly (readonly [string, string])[] = [
    ...plain.map((prefix): readonly [string, string] => [prefix, 'Wine']),
    ...managed,
  ];
  return all
    .filter(([prefix]) => exists(target, `${prefix}/system.reg`, 'file'))
    .map(([prefix, manager]) => ({
      path: prefix,
      application: `${manager} (${user})`,
      scope: 'user',
      format: 'Wine registry',
      user,
      generatedFrom: HOST_STORES,
    }));
}

function* read(target: Target, { path }: StoreLocation): Generator<StoreContent> {
  for (const name of ['system.reg', 'user.reg']) {
    const file = readFile(target, `${path}/${name}`, MAX_BYTES);
    if ('failed' in file) {
      yield file.failed;
      continue;
    }
    const { root, diagnostics } = parseRegText(file.bytes, KEYS);
    for (const key of KEYS) {
      yield* readSystemStores({
        key: findKey(root, key),
        place: `${path}/${name}\\${key}`,
        // Wine does not look into Disallowed before it trusts a root.
        refusals: new Refusals(),
        adjust: onlyRoot,
      });
    }
    yield diagnosticsContent(`${path}/${name}`, diagnostics);
  }
}

function onlyRoot(trust: Trust, store: string): Trust {
  if (store.toLowerCase() === 'root' || trustStatus(trust) !== 'trusted') return trust;
  return heldOnly(`${store}: Wine looks for roots in Root only`);
}

/**
 * Wine's crypt32 reads Root from these keys and keeps nothing beside them; its certutil is an empty shell, so its
 * reg.exe does it. Another version of Wine than the prefix's own would rebuild the prefix: that is left to a person.
 */
function planRemoval(
  target: Target,
  { path: prefix, application }: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const keys = [...new Set(anchors.map(({ path }) => registryKey(prefix, path)))];
  const host = target.hostPath(prefix);
  const commands = keys.map((key) => `reg delete "${key}" /f`).join('; ');
  const byHand = `With the Wine that belongs to this prefix (${host}), run: ${commands}`;
  if (target.kind !== 'live' || !application.startsWith('Wine ')) return manual(byHand, false);
  return planOf(target, [deletionStep(realPathOr(target, prefix), host, keys)], {
    elevated: false,
    notes: ['To be run by the user whose prefix it is: Wine refuses anyone else.'],
    byHand,
  });
}

const BACKUP = 'drive_c/rootaudit';

function deletionStep(prefix: string, host: string, keys: readonly string[]): Step {
  const steps = keys.map((key) => {
    const name = `${sha256(Buffer.from(key)).slice(0, 16)}.reg`;
    return { key, backup: `C:\\rootaudit\\${name}`, file: `${prefix}/${BACKUP}/${name}` };
  });
  const words = ['env', 'WINEDEBUG=-all', `WINEPREFIX=${host}`, 'wine', 'reg'];
  const directory = `${prefix}/${BACKUP}`;
  const prepare: Action = { kind: 'run', argv: ['mkdir', '-p', `${host}/${BACKUP}`], changes: [directory] };
  const runs = steps.flatMap(({ key, backup, file }): Action[] => [
    { kind: 'run', argv: [...words, 'export', key, backup, '/y'], changes: [file] },
    {
      kind: 'run',
      argv: [...words, 'delete', key, '/f'],
      changes: [],
      undo: [[...words, 'import', backup]],
    },
  ]);
  const actions = [prepare, ...runs];
  if (!canQuoteSh(host)) return { commands: undefined, undo: [], actions };
  const wine = `WINEDEBUG=-all WINEPREFIX=${quoteSh(host)} wine reg`;
  return {
    commands: [
      `mkdir -p ${quoteSh(`${host}/${BACKUP}`)}`,
      ...steps.flatMap(({ key, backup }) => [
        `${wine} export ${quoteSh(key)} ${quoteSh(backup)} /y`,
        `${wine} delete ${quoteSh(key)} /f`,
      ]),
    ],
    undo: steps.map(({ backup }) => `${wine} import ${quoteSh(backup)}`),
    actions,
  };
}

/** `<prefix>/system.reg\Software\…` as reg.exe names it. */
function registryKey(prefix: string, path: string): string {
  const [file = '', ...key] = path.slice(prefix.length + 1).split('\\');
  return [file === 'user.reg' ? 'HKCU' : 'HKLM', ...key].join('\\');
}

export const store: StoreType = {
  id: 'wine',
  title: 'Wine prefixes',
  platforms: ['linux', 'darwin', 'freebsd'],
  locate: (target) =>
    uniqueDirectories(
      target,
      target.homes.flatMap((home) => prefixes(target, home)),
    ),
  read,
  planRemoval,
};
