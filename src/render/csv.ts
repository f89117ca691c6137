/**
 * Comma-separated values (RFC 4180), a row for each place. Spreadsheets run what looks like a formula, so a cell that
 * begins like one gets an apostrophe in front (OWASP, "CSV Injection"), and every cell is quoted.
 */

import { visible } from '../core/text.ts';
import type { Problem } from '../core/errors.ts';
import type { CertificateSummary, Location, Report, StoreSummary, Violation } from '../report/report.ts';
import type { Renderer } from './renderer.ts';
import { commandLine } from './shared/commands.ts';
import { placesOf, type Place } from './shared/places.ts';
import { acceptance, targetNamer } from './shared/words.ts';

type Cells = Readonly<Record<string, string | readonly string[] | null | undefined>>;

const STORE = ['storeType', 'application', 'scope', 'user', 'storePath'];
const PLACE = ['path', 'entry', 'trust', 'purposes', 'expressed'];
const CERTIFICATE = [
  'subject',
  'issuer',
  'serialNumber',
  'notBefore',
  'notAfter',
  'sha256',
  'sha1',
  'spkiSha256',
];
const FINDING = ['severity', 'status', 'advisory', 'title', 'category', 'match', 'confidence', 'accepted'];
const REMEDY = ['generatedFrom', 'removal', 'commands', 'note'];

const SCAN_COLUMNS = ['record', 'target', ...FINDING, ...CERTIFICATE, ...STORE, ...PLACE, ...REMEDY];
const LIST_COLUMNS = ['record', 'target', ...STORE, ...PLACE, ...CERTIFICATE, 'note'];

export const renderer: Renderer<'reports' | 'inventory'> = {
  *reports(reports) {
    const nameOf = targetNamer('live');
    yield line(SCAN_COLUMNS);
    for (const report of reports) {
      const target = nameOf(report);
      const rows = [
        ...placesOf(report).map((place) => ({ target, ...findingCells(place) })),
        ...violationRows(report).map((row) => ({ target, ...row })),
        ...report.problems.map((problem) => ({ target, ...problemCells(problem) })),
      ];
      yield rowLines(SCAN_COLUMNS, rows);
    }
  },
  inventory(inventory) {
    const target = targetNamer('live')(inventory);
    const anchors = inventory.stores.flatMap((store) =>
      store.entries.map(({ certificate, ...place }) => ({
        record: 'anchor',
        target,
        ...storeCells(store),
        ...place,
        ...certificateCells(certificate),
      })),
    );
    const problems = inventory.problems.map((problem) => ({ target, ...problemCells(problem) }));
    return line(LIST_COLUMNS) + rowLines(LIST_COLUMNS, [...anchors, ...problems]);
  },
};

function findingCells({ finding, location, store, remediation }: Place): Cells {
  const { severity, status, advisory, title, category, match, confidence, certificate } = finding;
  return {
    record: 'finding',
    severity,
    status,
    advisory,
    title,
    category,
    match,
    confidence,
    accepted: acceptance(finding, location),
    ...certificateCells(certificate),
    ...(store && storeCells(store)),
    ...placeCells(location),
    removal: remediation?.disposition,
    commands: remediation && commandLine(remediation),
    note: remediation?.note,
  };
}

/** What the policy does not accept, a row for each place; one row for what is missing. */
function violationRows({ policy, stores }: Report): readonly Cells[] {
  const storeById = new Map(stores.map((store) => [store.id, store]));
  return (policy?.violations ?? []).flatMap((violation) => {
    if (violation.locations.length === 0) return [violationCells(violation)];
    return violation.locations.map((location) => {
      const store = storeById.get(location.store);
      return { ...violationCells(violation), ...(store && storeCells(store)), ...placeCells(location) };
    });
  });
}

function violationCells(violation: Violation): Cells {
  const { kind, message, certificate, missingFrom } = violation;
  return {
    record: 'violation',
    category: kind,
    accepted: acceptance(violation),
    ...(certificate && certificateCells(certificate)),
    storePath: missingFrom,
    note: message,
  };
}

function placeCells({ path, entry, trust, purposes, expressed, generatedFrom }: Location): Cells {
  return { path, entry, trust, purposes, expressed, generatedFrom };
}

function storeCells({ type, application, scope, user, path }: StoreSummary): Cells {
  return { storeType: type, application, scope, user, storePath: path };
}

function certificateCells(certificate: CertificateSummary): Cells {
  return { ...certificate };
}

/** Without them a table of an unreadable machine would look like one of a clean machine. */
function problemCells({ code, path, message, store }: Problem): Cells {
  return { record: 'problem', path, storePath: store, note: `${code}: ${message}` };
}

function rowLines(columns: readonly string[], rows: readonly Cells[]): string {
  return rows.map((row) => line(columns.map((column) => row[column]))).join('');
}

function line(values: readonly Cells[string][]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

/** What a spreadsheet takes for the beginning of a formula, also in the wide forms of East Asian keyboards. */
const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;

/** No spreadsheet holds more than 32,767 characters in a cell. */
const MAX_CELL = 32_000;

function cell(value: Cells[string]): string {
  const text = typeof value === 'string' ? value : (value ?? []).join('; ');
  const shown = visible(text, MAX_CELL);
  return `"${FORMULA.test(shown) ? "'" : ''}${shown.replaceAll('"', '""')}"`;
}
