import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTrustSettings } from '../../src/targets/trust-settings.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

/** A program in the place of `security`. */
function program(body: string): string {
  const path = join(makeTemporaryDirectory(), 'security');
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(process.platform === 'win32')('trust settings of a running Mac', () => {
  it('are exported for one domain, and the file is gone afterwards', () => {
    const before = readdirSync(tmpdir()).filter((name) => /^rootaudit-(?!test)/.test(name));
    const settings = openTrustSettings(program('for last; do :; done; echo "$1 $2" > "$last"'));
    const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
    expect(text(settings.export('administrator'))).toBe('trust-settings-export -d\n');
    expect(text(settings.export('user'))).toMatch(/^trust-settings-export \/.*settings\.plist\n$/);
    expect(readdirSync(tmpdir()).filter((name) => /^rootaudit-(?!test)/.test(name))).toEqual(before);
  });

  it('may not exist', () => {
    const message = 'SecTrustSettingsCreateExternalRepresentation: No Trust Settings were found.';
    expect(openTrustSettings(program(`echo "${message}" >&2; exit 1`)).export('user')).toBeUndefined();
  });

  it.each([
    ['that cannot be exported', 'echo "not allowed" >&2; exit 1', 'failed: not allowed'],
    ['of a program that kills itself', 'kill -9 $$', 'failed'],
  ])('%s are an error', (_name, body, message) => {
    expect(() => openTrustSettings(program(body)).export('user')).toThrow(message);
  });

  it('of a program that is not there are an error', () => {
    expect(() => openTrustSettings('/nowhere/security').export('user')).toThrow('cannot be run');
  });
});
