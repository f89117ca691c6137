/**
 * TrustStore.sqlite3 of iOS, iPadOS and the simulators: the roots that a person or a management server has switched
 * on. Source: trustd's SecTrustStoreServer.c. Before 2022 the table names certificates by SHA-1.
 */

import type { Diagnostic, Parsed } from '../core/errors.ts';
import { parseSettingsArray, type TrustSetting } from './apple-trust-settings.ts';
import { openSqlite, type SqliteFiles } from './sqlite.ts';

export interface TrustStoreEntry {
  readonly der: Uint8Array;
  readonly settings: readonly TrustSetting[];
}

const TABLE = 'tsettings';
const MAX_ROWS = 100_000;
const MAX_DIAGNOSTICS = 100;

export function parseTrustStore(files: SqliteFiles): Parsed<TrustStoreEntry> {
  const database = openSqlite(files);
  const { entries: rows, diagnostics: damage } = database.rows(TABLE, ['data', 'tset']);
  const diagnostics: Diagnostic[] = [...database.diagnostics, ...damage];
  const broken = diagnostics.some(({ level }) => level === 'error');
  if (files.main.length > 0 && !broken && !database.tables().some(({ name }) => name === TABLE)) {
    diagnostics.push(failure('malformed', `no trust store: it has no table ${TABLE}`));
  }
  if (rows.length > MAX_ROWS) diagnostics.push(failure('limit', `more than ${MAX_ROWS} certificates`));
  const entries: TrustStoreEntry[] = [];
  const refused: Diagnostic[] = [];
  for (const [index, { data, tset }] of rows.slice(0, MAX_ROWS).entries()) {
    if (!(data instanceof Uint8Array)) {
      refused.push(failure('malformed', `row ${index + 1}: no certificate`));
      continue;
    }
    // No settings at all: nothing limits the trust.
    const parsed = tset instanceof Uint8Array ? parseSettingsArray(tset) : { entries: [[]], diagnostics: [] };
    for (const diagnostic of parsed.diagnostics) {
      refused.push({ ...diagnostic, message: `row ${index + 1}: ${diagnostic.message}` });
    }
    entries.push({ der: data, settings: parsed.entries[0] ?? UNREADABLE });
  }
  return { entries, diagnostics: [...diagnostics, ...refused.slice(0, MAX_DIAGNOSTICS)] };
}

/** The certificate is shown with no decision, beside the problem that says why. */
const UNREADABLE: readonly TrustSetting[] = [
  { result: 'unspecified', application: false, otherKeyUse: false },
];

function failure(code: 'malformed' | 'limit', message: string): Diagnostic {
  return { level: 'error', code, message };
}
