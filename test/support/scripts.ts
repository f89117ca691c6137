/** Plans on roots of a test, and the scripts that are written from them. */

import { planRemoval, type PlannedRemoval } from '../../src/audit/plan-removal.ts';
import type { Action } from '../../src/core/remediation.ts';
import type { Target } from '../../src/core/target.ts';
import type { RemovalPlan } from '../../src/report/removal-plan.ts';
import type { TargetSummary } from '../../src/report/report.ts';
import { writeScript } from '../../src/scripts/index.ts';
import type { ScriptLanguage } from '../../src/scripts/languages.ts';
import type { ScriptInput } from '../../src/scripts/script.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { makeRoot } from './root.ts';
import type { Node } from './tree.ts';

interface Choice {
  readonly distrust?: boolean;
  readonly stores?: typeof STORE_TYPES;
}

/** The plan for certificates that are named by their SHA-256. */
export function planOn(target: Target, certificates: readonly string[], choice: Choice = {}): PlannedRemoval {
  return planRemoval({
    target,
    stores: choice.stores ?? STORE_TYPES,
    matcher: () => [],
    blocklist: { version: 'test', digest: '' },
    advisoryIds: [],
    tool: { name: 'rootaudit', version: '0.0.0' },
    read: { storePasswords: [] },
    choice: { targets: certificates, severity: 'medium', removeShipped: false, suspected: false },
    distrust: choice.distrust ?? false,
  });
}

function scriptInput(target: Target, { plan, bytes }: PlannedRemoval): ScriptInput {
  return {
    plan,
    root: target.kind === 'live' ? '' : target.hostPath('/').replace(/\/+$/, ''),
    read: (path) => target.fs.read(path),
    certificate: (fingerprint) => bytes.get(fingerprint),
    ...(target.kind === 'image' && {
      image: { layerOf: (path) => target.layerOf?.(path), has: () => true },
    }),
  };
}

export function scriptFor(
  language: ScriptLanguage,
  target: Target,
  certificates: readonly string[],
  choice: Choice = {},
): Promise<string> {
  return writeScript(language, scriptInput(target, planOn(target, certificates, choice)));
}

/** Values by the full name of their key. */
type Values = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

interface WindowsMachine {
  readonly keys?: Values;
  readonly files?: Readonly<Record<string, Node>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const USUAL_ENVIRONMENT = {
  SystemRoot: String.raw`C:\Windows`,
  ProgramData: String.raw`C:\ProgramData`,
  LOCALAPPDATA: String.raw`C:\Users\ann lee\AppData\Local`,
};
const LONG: Readonly<Record<string, string>> = { HKLM: 'HKEY_LOCAL_MACHINE', HKCU: 'HKEY_CURRENT_USER' };

/** A running Windows, whose reg.exe is a table. */
export function windowsMachine({
  keys = {},
  files = {},
  environment = USUAL_ENVIRONMENT,
}: WindowsMachine): Target {
  const below = (key: string): string[] =>
    Object.keys(keys).filter((each) => `${each}\\`.toLowerCase().startsWith(`${key}\\`.toLowerCase()));
  return {
    kind: 'live',
    reference: '/',
    platform: 'win32',
    fs: makeRoot({ '/C:/Windows/System32/x': '', ...files }).target.fs,
    environment,
    homes: [{ user: 'ann lee', path: '/C:/Users/ann lee' }],
    notes: [],
    hostPath: (path) => path.slice(1).replaceAll('/', '\\'),
    registry: {
      list: (key) => [
        ...new Set(below(key).flatMap((each) => each.slice(key.length + 1).split('\\')[0] || [])),
      ],
      export(key) {
        const names = below(key);
        if (names.length === 0) return undefined;
        const sections = names.map((name) => {
          const lines = Object.entries(keys[name] ?? {}).map(
            ([value, data]) =>
              `"${value}"=hex:${Buffer.from(data)
                .toString('hex')
                .replaceAll(/..(?!$)/g, '$&,')}`,
          );
          return [`[${name.replace(/^\w+/, (short) => LONG[short] ?? short)}]`, ...lines, ''].join('\r\n');
        });
        const text = `\ufeffWindows Registry Editor Version 5.00\r\n\r\n${sections.join('\r\n')}`;
        return Buffer.from(text, 'utf16le');
      },
    },
  };
}

/** A plan of nothing but these actions; `text` stands wherever a name of the target may be shown. */
export function planOfActions(actions: readonly Action[], text: string, target: TargetSummary): RemovalPlan {
  const fingerprint = '00'.repeat(32);
  return {
    schemaVersion: 1,
    tool: { name: 'rootaudit', version: '0.0.0' },
    blocklist: { version: 'test', digest: '' },
    target,
    complete: true,
    certificates: [
      {
        certificate: {
          sha256: fingerprint,
          sha1: '00'.repeat(20),
          spkiSha256: null,
          subject: text,
          issuer: text,
          serialNumber: '',
          notBefore: null,
          notAfter: null,
        },
        reasons: [],
        stillShippedBy: [],
        isKeyPublic: false,
        places: [
          { store: 's', application: text, path: '/x', entry: text, expressed: text, generatedFrom: [] },
        ],
      },
    ],
    comesBack: [],
    stores: (['remove', 'hand', 'later'] as const).map((method) => ({
      id: method,
      store: 's',
      type: 't',
      application: text,
      scope: 'system',
      path: `/${text}`,
      certificates: [fingerprint],
      method,
      disposition: 'safe',
      elevated: false,
      note: text,
      shell: 'sh',
      commands: [],
      undo: [],
      actions: [],
    })),
    steps: actions.map((action) => ({
      stores: ['s'],
      certificates: [fingerprint],
      elevated: false,
      action,
    })),
    leftOut: [],
    problems: [],
    notes: [text],
  };
}

export function inputOf(
  plan: RemovalPlan,
  root: string,
  read: ScriptInput['read'] = () => undefined,
): ScriptInput {
  return { plan, root, read, certificate: () => undefined };
}
