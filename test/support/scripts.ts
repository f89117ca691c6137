/** Plans on roots of a test, and the scripts that are written from them. */

import { planRemoval, type PlannedRemoval } from '../../src/audit/plan-removal.ts';
import type { Target } from '../../src/core/target.ts';
import { writeScript, type ScriptLanguage } from '../../src/scripts/index.ts';
import type { ScriptInput } from '../../src/scripts/script.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';

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

export function scriptInput(target: Target, { plan, bytes }: PlannedRemoval): ScriptInput {
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
