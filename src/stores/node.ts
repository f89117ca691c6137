/**
 * Node.js and its relatives: NODE_EXTRA_CA_CERTS (https://nodejs.org/api/cli.html), the settings of npm, pnpm, Yarn,
 * Bun and Deno. Node's own roots are compiled into the program and follow Mozilla's.
 */

import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustFor } from '../core/trust.ts';
import { certificateFileStore, DESKTOPS, scopeOf, type CertificateFile } from './shared/certificate-files.ts';
import { EMPTY_CONTENT, exists } from './shared/content.ts';
import { expandInHome, expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import { readInline, removeInline, type InlineRule } from './shared/inline-pem.ts';
import {
  expandFilesInHome,
  filesOfSettings,
  filesOfVariables,
  namedValues,
  type SettingsRule,
} from './shared/named-files.ts';

const NPM_SYSTEM = ['/etc/npmrc', '/usr/etc/npmrc', '/usr/local/etc/npmrc', '/opt/homebrew/etc/npmrc'];
const NPM_USER = [
  '.npmrc',
  '.npm-global/etc/npmrc',
  '.config/pnpm/rc',
  '.nvm/versions/node/*/etc/npmrc',
  'AppData/Roaming/npm/etc/npmrc',
];

const NPM_ROOTS = "Node's own roots";

const SETTINGS: readonly SettingsRule[] = [
  { program: 'npm', keys: ['cafile'], system: NPM_SYSTEM, user: NPM_USER, replaces: NPM_ROOTS },
  {
    program: 'Yarn',
    keys: ['cafile', 'httpsCaFilePath', 'caFilePath'],
    system: ['/etc/yarnrc', '/usr/etc/yarnrc', '/usr/local/etc/yarnrc'],
    user: ['.yarnrc', '.yarnrc.yml', '.config/yarn/config'],
    relative: true,
    replaces: NPM_ROOTS,
  },
  { program: 'Bun', keys: ['cafile'], user: ['.bunfig.toml'], relative: true, replaces: "Bun's own roots" },
];

function* find(target: Target): Generator<CertificateFile> {
  yield* filesOfVariables(target, [
    { program: 'Node.js', names: ['NODE_EXTRA_CA_CERTS'] },
    {
      program: 'npm',
      names: ['npm_config_cafile', 'NPM_CONFIG_CAFILE', 'YARN_HTTPS_CA_FILE_PATH'],
      replaces: NPM_ROOTS,
    },
    { program: 'Deno', names: ['DENO_CERT'] },
  ]);
  yield* filesOfSettings(target, SETTINGS);
}

/** `ca="-----BEGIN CERTIFICATE-----\nMII…"` and `ca[]=…`: instead of Node's roots, for npm. */
const NPM_CA: InlineRule = {
  line: /^\s*ca(?:\[\])?\s*=(.*)$/,
  decode: (value) =>
    value.includes('-----BEGIN ')
      ? Buffer.from(
          value
            .replaceAll(/["']/g, '')
            .trim()
            .replaceAll(String.raw`\n`, '\n'),
          'utf8',
        )
      : undefined,
  trust: trustFor({ serverAuth: 'trusted' }, 'ca, for npm only'),
  entry: 'ca',
};

const npmInline: StoreType = {
  id: 'npm',
  title: 'Certificates written into the settings of npm and pnpm',
  platforms: DESKTOPS,
  locate(target) {
    const paths = [
      ...NPM_SYSTEM.flatMap((pattern) => expandPaths(target, pattern)),
      ...target.homes.flatMap((home) => expandFilesInHome(target, home, NPM_USER)),
    ];
    return paths
      .filter((path) => namedValues(target, path, ['ca', 'ca[]']).length > 0)
      .map((path) => ({
        path,
        application: `npm (ca in ${path})`,
        format: 'npm settings',
        ...scopeOf(target, path),
      }));
  },
  read: (target, { path }) => [readInline(target, path, NPM_CA)],
  planRemoval: (target, location, anchors) =>
    removeInline(target, location, anchors, NPM_CA, `When no ca is left, npm uses ${NPM_ROOTS}.`),
};

/** Programs whose roots are inside them. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['Node.js', '/usr/bin/node'],
  ['Node.js', '/usr/local/bin/node'],
  ['Node.js', '/usr/bin/nodejs'],
  ['Node.js', '/opt/homebrew/bin/node'],
  ['Node.js', '/opt/*/bin/node'],
  ['Node.js', '/snap/node/current/bin/node'],
  ['Node.js', '/Program Files/nodejs/node.exe'],
  ['Deno', '/usr/local/bin/deno'],
  ['Deno', '/usr/bin/deno'],
  ['Bun', '/usr/local/bin/bun'],
  ['Bun', '/usr/bin/bun'],
];
const USER_PROGRAMS: readonly (readonly [string, string])[] = [
  ['Node.js', '.nvm/versions/node/*/bin/node'],
  ['Node.js', '.volta/tools/image/node/*/bin/node'],
  ['Node.js', '.local/share/fnm/node-versions/*/installation/bin/node'],
  ['Node.js', '.local/share/mise/installs/node/*/bin/node'],
  ['Node.js', '.asdf/installs/nodejs/*/bin/node'],
  ['Node.js', '.nodenv/versions/*/bin/node'],
  ['Deno', '.deno/bin/deno'],
  ['Bun', '.bun/bin/bun'],
];

const NOT_OURS: StoreContent = {
  ...EMPTY_CONTENT,
  notes: [
    "The roots of this program are compiled into it, as Mozilla's were at its release; only another version changes them.",
  ],
};

const compiledIn: StoreType = {
  id: 'node-compiled-in',
  title: 'Node.js, Deno and Bun: programs with their roots inside, noted and not read',
  platforms: DESKTOPS,
  locate(target) {
    const drive = systemDrive(target);
    const system = PROGRAMS.flatMap(([name, pattern]) =>
      expandPaths(target, drive + pattern).map((path) => [name, path] as const),
    );
    const users = target.homes.flatMap(({ path: home }) =>
      USER_PROGRAMS.flatMap(([name, pattern]) =>
        expandInHome(target, home, [pattern]).map((path) => [name, path] as const),
      ),
    );
    return [...system, ...users]
      .filter(([, path]) => exists(target, path, 'file'))
      .map(([name, path]): StoreLocation => ({
        path,
        application: `${name} (compiled in)`,
        format: 'program',
        ...scopeOf(target, path),
      }));
  },
  read: () => [NOT_OURS],
  planRemoval: () => ({
    disposition: 'manual',
    shell: 'sh',
    commands: [],
    undo: [],
    elevated: false,
    note: 'Update the program.',
  }),
};

export const stores: readonly StoreType[] = [
  certificateFileStore({
    id: 'node',
    title:
      'Node.js (NODE_EXTRA_CA_CERTS), npm, pnpm, Yarn, Bun, Deno: certificate files of variables and settings',
    find,
  }),
  npmInline,
  compiledIn,
];
