/**
 * A reader for SQLite databases that works on bytes alone: it locks nothing, changes nothing, and needs no library.
 * Specification: https://www.sqlite.org/fileformat2.html
 */

import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { readRecord, walkTable, type Cell, type SqliteValue } from './sqlite-btree.ts';
import { PageSource, type SqliteFiles } from './sqlite-pages.ts';
import { parseCreateTable, type Column } from './sqlite-schema.ts';

export type { SqliteFiles } from './sqlite-pages.ts';
export type { SqliteValue } from './sqlite-btree.ts';

interface SqliteTable {
  readonly name: string;
  /** Names of the stored columns, in order. */
  readonly columns: readonly string[];
}

/** Values by column name. A column that the record does not reach (added to the table later) is missing. */
export type SqliteRow = Readonly<Record<string, SqliteValue | undefined>>;

export interface SqliteDatabase {
  /** What was found wrong while opening. */
  readonly diagnostics: readonly Diagnostic[];
  tables(): readonly SqliteTable[];
  /**
   * The rows of a table, none if there is no such table. With `columns`, the others are left out, which saves
   * time and memory in wide tables.
   */
  rows(table: string, columns?: readonly string[]): Parsed<SqliteRow>;
}

interface StoredTable extends SqliteTable {
  readonly root: number;
  readonly stored: readonly Column[];
  /** Why its rows cannot be read. */
  readonly unsupported: string | undefined;
}

/** Opens a database from its files. Never throws: bytes that are no database give one without tables. */
export function openSqlite(files: SqliteFiles): SqliteDatabase {
  // SQLite takes a file of no bytes for a database without tables.
  if (files.main.length === 0) return emptyDatabase([]);
  try {
    return new Database(new PageSource(files));
  } catch (error) {
    return emptyDatabase([toDiagnostic(error)]);
  }
}

function emptyDatabase(diagnostics: readonly Diagnostic[]): SqliteDatabase {
  return { diagnostics, tables: () => [], rows: () => ({ entries: [], diagnostics: [] }) };
}

const SCHEMA_ROOT = 1;
const SCHEMA: readonly Column[] = ['type', 'name', 'tbl_name', 'rootpage', 'sql'].map((name) => ({
  name,
  isRowid: false,
}));

class Database implements SqliteDatabase {
  readonly diagnostics: readonly Diagnostic[];
  readonly #pages: PageSource;
  readonly #tables: ReadonlyMap<string, StoredTable>;

  constructor(pages: PageSource) {
    this.#pages = pages;
    const schema = readTable(pages, SCHEMA_ROOT, SCHEMA);
    const tables = new Map<string, StoredTable>();
    for (const row of schema.entries) {
      const table = storedTable(row);
      // Names are unique; in a hostile file the first one stands.
      if (table && !tables.has(table.name.toLowerCase())) tables.set(table.name.toLowerCase(), table);
    }
    this.#tables = tables;
    this.diagnostics = [...pages.diagnostics, ...schema.diagnostics];
  }

  tables(): readonly SqliteTable[] {
    return Array.from(this.#tables.values(), ({ name, columns }) => ({ name, columns }));
  }

  rows(table: string, columns?: readonly string[]): Parsed<SqliteRow> {
    const found = this.#tables.get(table.toLowerCase());
    if (!found) return { entries: [], diagnostics: [] };
    if (found.unsupported !== undefined) {
      const message = `table ${found.name}: ${found.unsupported}`;
      return { entries: [], diagnostics: [{ level: 'error', code: 'unsupported', message }] };
    }
    return readTable(this.#pages, found.root, found.stored, columns);
  }
}

function storedTable(row: SqliteRow): StoredTable | undefined {
  const { type, name, rootpage: root, sql } = row;
  if (type !== 'table' || typeof name !== 'string') return undefined;
  const definition = typeof sql === 'string' ? parseCreateTable(sql) : undefined;
  const stored = definition?.columns ?? [];
  return {
    name,
    columns: stored.map((column) => column.name),
    stored,
    root: typeof root === 'number' ? root : 0,
    unsupported: whyUnsupported(typeof root === 'number' && root > 0, definition?.withoutRowid),
  };
}

function whyUnsupported(hasPages: boolean, withoutRowid: boolean | undefined): string | undefined {
  if (!hasPages) return 'a virtual table';
  if (withoutRowid === undefined) return 'its CREATE TABLE statement cannot be read';
  return withoutRowid ? 'a table without rowid' : undefined;
}

function readTable(
  pages: PageSource,
  root: number,
  columns: readonly Column[],
  only?: readonly string[],
): Parsed<SqliteRow> {
  const names = only && new Set(only);
  const wanted = columns.map(({ name }) => !names || names.has(name));
  const walk = walkTable(pages, root);
  const entries: SqliteRow[] = [];
  for (const cell of walk.cells) {
    try {
      entries.push(toRow(pages, cell, columns, wanted));
    } catch (error) {
      walk.report(inRow(error, cell));
    }
  }
  return { entries, diagnostics: walk.diagnostics };
}

function toRow(
  pages: PageSource,
  cell: Cell,
  columns: readonly Column[],
  wanted: readonly boolean[],
): SqliteRow {
  // No prototype: a hostile table may have a column called "__proto__".
  const row: Record<string, SqliteValue> = { __proto__: null };
  const values = readRecord(cell.payload, pages.encoding, (index) => wanted[index] === true);
  for (const [index, value] of values) {
    const column = columns[index];
    if (column) row[column.name] = column.isRowid && value === null ? cell.rowid : value;
  }
  return row;
}

/** Offsets inside a record say nothing to a reader of the file; the row number does. */
function inRow(error: unknown, cell: Cell): Diagnostic {
  if (!(error instanceof FormatError)) throw error;
  return { level: 'error', code: error.code, message: `row ${cell.rowid}: ${error.message}` };
}
