/**
 * The trust settings of a running Mac through its own `security`, for when their files may not be read. It exports
 * into files only, so each domain goes through a file that is gone afterwards.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FsError, type TrustSettingsExport } from '../core/target.ts';

/** By its path: whatever lies in PATH under this name is not asked. */
const PROGRAM = '/usr/bin/security';
const TIMEOUT = 30_000;
const MAX_OUTPUT = 1 << 20;
/** errSecNoTrustSettings. */
const NONE = /no trust settings were found|-25263/i;

export function openTrustSettings(program = PROGRAM): TrustSettingsExport {
  return {
    export: (domain) => exportDomain(program, domain === 'administrator' ? ['-d'] : []),
  };
}

function exportDomain(program: string, options: readonly string[]): Uint8Array | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'rootaudit-'));
  const file = join(directory, 'settings.plist');
  try {
    const { error, status, stderr } = spawnSync(program, ['trust-settings-export', ...options, file], {
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TIMEOUT,
    });
    if (error) throw new FsError('io', program, `security cannot be run (${error.message})`);
    if (status === 0) return readFileSync(file);
    if (NONE.test(stderr)) return undefined;
    throw new FsError(
      'denied',
      program,
      `security trust-settings-export failed: ${stderr.trim().slice(0, 200)}`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
