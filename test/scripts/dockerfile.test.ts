import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { certificateFrom } from '../../src/core/certificate.ts';
import type { Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { instructionsIn, shellCommand } from '../support/dockerfile.ts';
import { a, b, REMOVAL_CASES } from '../support/removal-cases.ts';
import { makeRoot, type TestRoot } from '../support/root.ts';
import { scriptFor } from '../support/scripts.ts';

/** What the store trusts, by its names. */
function trustedIn(target: Target, store: string): string[] {
  return STORE_TYPES.filter(({ id }) => id === store).flatMap((type) =>
    type.locate(target).flatMap((location) =>
      readWhole(type, target, location, { storePasswords: [] })
        .anchors.filter(({ trust }) => trustStatus(trust) === 'trusted')
        .map(({ certificate }) => certificateFrom(certificate.der).sha256),
    ),
  );
}

/** What the root would be as an image. The commands are run outside of it, with its paths in them. */
function asImage(root: TestRoot): Target {
  return { ...root.target, kind: 'image', hostPath: (path) => path };
}

describe('the lines of a Dockerfile', () => {
  it.each(REMOVAL_CASES.filter(({ needs = true }) => needs))(
    'take certificates out of $store',
    async ({ store, files, prepare }) => {
      const root = makeRoot(files());
      prepare?.(root);
      const before = trustedIn(root.target, store);
      const text = await scriptFor('dockerfile', asImage(root), [a.sha256, b.sha256]);
      const commands = instructionsIn(text)
        .filter(({ word }) => word === 'RUN')
        .map(shellCommand)
        .filter((command) => !command.startsWith('update-ca-'));
      // An Android is no image.
      if (commands.length === 0) {
        expect(text).toContain('# By hand: ');
        return;
      }
      const inRoot = commands
        .join('\n')
        .replaceAll(/(?<![\w/.])\/(?=(?:etc|home|usr|srv|data|opt|[ab]\.pem)\b)/g, `${root.path}/`);
      const { status, stderr } = spawnSync('sh', ['-e', '-c', inRoot], { encoding: 'utf8' });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      const others = before.filter((fingerprint) => fingerprint !== a.sha256 && fingerprint !== b.sha256);
      expect(others.length).toBeLessThan(before.length);
      expect(trustedIn(root.target, store)).toEqual(others);
    },
  );
});
