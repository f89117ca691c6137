import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSqlite, type SqliteFiles, type SqliteValue } from '../../src/formats/sqlite.ts';
import { parseCreateTable } from '../../src/formats/sqlite-schema.ts';
import { hasPython, python, unless } from '../support/nss.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

/** The form in which the Python side prints a value: its type and its text. */
function show(value: SqliteValue | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (value instanceof Uint8Array) return `blob ${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'string') return `text ${value}`;
  return `number ${String(value)}`;
}

const SHOW = `
def show(v):
    if v is None: return 'null'
    if isinstance(v, bytes): return 'blob ' + v.hex()
    if isinstance(v, str): return 'text ' + v
    return 'number ' + (str(int(v)) if float(v).is_integer() else repr(v))
def dump(c, t='t'):
    return [[show(v) for v in row] for row in c.execute('select * from ' + t)]
`;

function rowsOf(files: SqliteFiles, table = 't'): { rows: string[][]; errors: string[] } {
  const database = openSqlite(files);
  const names = database.tables().find(({ name }) => name === table)?.columns ?? [];
  const { entries, diagnostics } = database.rows(table);
  const errors = [...database.diagnostics, ...diagnostics].filter(({ level }) => level === 'error');
  return {
    rows: entries.map((row) => names.map((name) => show(row[name]))),
    errors: errors.map(({ code, message }) => `${code}: ${message}`),
  };
}

function notesOf(files: SqliteFiles): string[] {
  return openSqlite(files)
    .diagnostics.filter(({ level }) => level === 'note')
    .map(({ message }) => message);
}

const file = (directory: string, name: string): Buffer => readFileSync(join(directory, name));

const FILL = `
def fill(c, n=300):
    for i in range(n):
        c.execute('insert into t values(?,?,?,?,?)', (
            (i - 150) ** (i % 9), None if i % 7 == 0 else i * 0.5, 'n\\u00e4me \\u4e2d %d' % i,
            bytes([i % 256]) * ((i * 37) % 700), bytes([7]) * (70000 if i == 11 else i % 5)))
`;

describe.skipIf(!hasPython)(`a database made by SQLite${unless(hasPython, 'python3 with sqlite3')}`, () => {
  it.each([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])(
    'is read whole with pages of %d bytes',
    (size) => {
      const directory = makeTemporaryDirectory();
      const expected: unknown = JSON.parse(
        python(
          directory,
          `${SHOW}${FILL}
c = sqlite3.connect('a.db'); c.execute('pragma page_size=${size}')
c.execute('create table t(a, b, c, d, e)'); fill(c); c.execute('delete from t where rowid % 10 = 3'); c.commit()
print(json.dumps(dump(c)))`,
        ),
      );
      const main = file(directory, 'a.db');
      expect(main.readUInt16BE(16)).toBe(size === 65536 ? 1 : size);
      expect(rowsOf({ main })).toEqual({ rows: expected, errors: [] });
    },
  );

  it.each(['UTF-8', 'UTF-16le', 'UTF-16be'])('is read with text in %s', (encoding) => {
    const directory = makeTemporaryDirectory();
    python(
      directory,
      `c = sqlite3.connect('a.db'); c.execute('pragma encoding="${encoding}"')
c.execute('create table "t\\u00e4"("n\\u00e4me" text)'); c.execute('insert into "t\\u00e4" values(?)', ('\\U0001f600 \\u4e2d',)); c.commit()`,
    );
    expect(rowsOf({ main: file(directory, 'a.db') }, 'tä')).toEqual({
      rows: [['text \u{1f600} 中']],
      errors: [],
    });
  });

  it('is read with bytes reserved at the end of every page', () => {
    const directory = makeTemporaryDirectory();
    const expected: unknown = JSON.parse(
      python(
        directory,
        `${SHOW}${FILL}
c = sqlite3.connect('a.db'); c.execute('pragma page_size=1024'); c.execute('pragma user_version=1'); c.commit(); c.close()
f = open('a.db', 'r+b'); f.seek(20); f.write(bytes([64])); f.seek(105); f.write((960).to_bytes(2, 'big')); f.close()
c = sqlite3.connect('a.db'); c.execute('create table t(a, b, c, d, e)'); fill(c); c.commit()
assert c.execute('pragma integrity_check').fetchone()[0] == 'ok'
print(json.dumps(dump(c)))`,
      ),
    );
    const main = file(directory, 'a.db');
    expect(main[20]).toBe(64);
    expect(rowsOf({ main })).toEqual({ rows: expected, errors: [] });
  });

  it('gives the rowid for an integer key, nothing for columns added later, and skips virtual columns', () => {
    const directory = makeTemporaryDirectory();
    python(
      directory,
      `c = sqlite3.connect('a.db')
c.execute('create table t(v as (x || 1) virtual, id INTEGER PRIMARY KEY, x)')
c.execute("insert into t(id, x) values(-5, 'a'), (9223372036854775807, 'b')"); c.execute('alter table t add column y'); c.commit()`,
    );
    const { entries } = openSqlite({ main: file(directory, 'a.db') }).rows('T');
    expect(entries.map((row) => ({ ...row }))).toEqual([
      { id: -5, x: 'a' },
      { id: 9223372036854775807n, x: 'b' },
    ]);
  });

  it('says so when a table has no rowid or is virtual', () => {
    const directory = makeTemporaryDirectory();
    python(
      directory,
      `c = sqlite3.connect('a.db'); c.execute('create table t(a primary key) without rowid'); c.commit()`,
    );
    expect(rowsOf({ main: file(directory, 'a.db') }).errors).toEqual([
      'unsupported: table t: a table without rowid',
    ]);
  });
});

describe.skipIf(!hasPython)(`a write-ahead log${unless(hasPython, 'python3 with sqlite3')}`, () => {
  let directory = '';
  let main: Buffer = Buffer.alloc(0);
  let wal: Buffer = Buffer.alloc(0);
  beforeAll(() => {
    directory = makeTemporaryDirectory();
    python(
      directory,
      `c = sqlite3.connect('a.db', isolation_level=None); c.execute('pragma page_size=1024'); c.execute('pragma journal_mode=wal')
c.execute('create table t(a)'); c.execute("insert into t values('checkpointed')"); c.execute('pragma wal_checkpoint(truncate)')
c.execute('pragma wal_autocheckpoint=0'); c.execute('pragma cache_size=2')
c.execute("insert into t values('first')"); c.execute("insert into t values('second')")
c.execute('begin')
for i in range(200): c.execute("insert into t values('uncommitted ' || hex(zeroblob(100)))")
shutil.copy('a.db', 'b.db'); shutil.copy('a.db-wal', 'b.db-wal')`,
    );
    main = file(directory, 'b.db');
    wal = file(directory, 'b.db-wal');
  });
  const values = (files: SqliteFiles): string[] => rowsOf(files).rows.map(([value = '']) => value.slice(5));

  it('is applied up to the last commit, and what was not committed is left out', () => {
    expect(values({ main })).toEqual(['checkpointed']);
    expect(values({ main, wal })).toEqual(['checkpointed', 'first', 'second']);
    expect(wal.length).toBeGreaterThan(20 * 1048);
    expect(notesOf({ main, wal })[0]).toMatch(/newer pages taken from the -wal file/);
  });

  it('ends at the first frame with a wrong checksum or with other salts', () => {
    const damaged = Buffer.from(wal);
    const second = 32 + 1048;
    damaged[second + 24 + 1000] = (damaged[second + 24 + 1000] ?? 0) ^ 1;
    expect(values({ main, wal: damaged })).toEqual(['checkpointed', 'first']);
    const salted = Buffer.from(wal);
    salted[second + 8] = (salted[second + 8] ?? 0) ^ 1;
    expect(values({ main, wal: salted })).toEqual(['checkpointed', 'first']);
  });

  it('is read with big-endian checksums too', () => {
    const other = withBigEndianChecksums(wal, 1024);
    expect(other.readUInt32BE(0)).toBe(0x377f0683);
    expect(values({ main, wal: other })).toEqual(['checkpointed', 'first', 'second']);
  });

  it.each([
    ['with a wrong header checksum', (bytes: Buffer) => bytes.writeUInt32BE(1, 24)],
    ['with an impossible page size', (bytes: Buffer) => bytes.writeUInt32BE(1000, 8)],
    ['that is none', (bytes: Buffer) => bytes.fill(1)],
  ])('%s is ignored with a note, as SQLite does', (_, change) => {
    const bad = Buffer.from(wal);
    change(bad);
    expect(values({ main, wal: bad })).toEqual(['checkpointed']);
    expect(notesOf({ main, wal: bad })).toHaveLength(1);
    expect(rowsOf({ main, wal: bad }).errors).toEqual([]);
  });

  it('of an unknown version makes the reading incomplete', () => {
    const bad = Buffer.from(wal);
    bad.writeUInt32BE(3007001, 4);
    expect(rowsOf({ main, wal: bad }).errors[0]).toMatch(/^unsupported: write-ahead log of version 3007001/);
  });
});

function withBigEndianChecksums(wal: Buffer, pageSize: number): Buffer {
  const bytes = Buffer.from(wal);
  bytes.writeUInt32BE(0x377f0683, 0);
  let a = 0;
  let b = 0;
  const add = (from: number, length: number): void => {
    for (let i = from; i < from + length; i += 8) {
      a = (a + bytes.readUInt32BE(i) + b) >>> 0;
      b = (b + bytes.readUInt32BE(i + 4) + a) >>> 0;
    }
  };
  const store = (at: number): void => {
    bytes.writeUInt32BE(a, at);
    bytes.writeUInt32BE(b, at + 4);
  };
  add(0, 24);
  store(24);
  for (let at = 32; at + 24 + pageSize <= bytes.length; at += 24 + pageSize) {
    add(at, 8);
    add(at + 24, pageSize);
    store(at + 16);
  }
  return bytes;
}

describe.skipIf(!hasPython)(`a rollback journal${unless(hasPython, 'python3 with sqlite3')}`, () => {
  /** A database whose transaction was cut off after some of its pages were written. */
  function crashed(synchronous: 'full' | 'off'): {
    main: Buffer;
    journal: Buffer;
    before: unknown;
    dir: string;
  } {
    const dir = makeTemporaryDirectory();
    const printed = python(
      dir,
      `${SHOW}
c = sqlite3.connect('a.db', isolation_level=None); c.execute('pragma page_size=1024'); c.execute('pragma synchronous=${synchronous}')
c.execute('create table t(a, b)')
c.execute('begin')
for i in range(100): c.execute('insert into t values(?, ?)', (i, 'x' * 200))
c.execute('commit'); before = dump(c)
c.execute('pragma cache_size=2'); c.execute('begin')
c.execute("update t set b = 'forged' || b"); c.execute('delete from t where a < 50')
for i in range(300): c.execute('insert into t values(?, ?)', (1000 + i, 'y' * 300))
shutil.copy('a.db', 'b.db'); shutil.copy('a.db-journal', 'b.db-journal')
shutil.copy('b.db', 'c.db'); shutil.copy('b.db-journal', 'c.db-journal')
d = sqlite3.connect('c.db'); assert dump(d) == before
print(json.dumps(before))`,
    );
    return { main: file(dir, 'b.db'), journal: file(dir, 'b.db-journal'), before: JSON.parse(printed), dir };
  }

  it.each(['full', 'off'] as const)(
    'that is hot is undone, as SQLite does (synchronous %s)',
    (synchronous) => {
      const { main, journal, before } = crashed(synchronous);
      expect(rowsOf({ main }).rows).not.toEqual(before);
      expect(rowsOf({ main, journal })).toEqual({ rows: before, errors: [] });
      expect(notesOf({ main, journal })[0]).toMatch(/^unfinished transaction undone in memory/);
    },
  );

  it('with a zeroed header, or without bytes, is finished and changes nothing', () => {
    const { main, journal } = crashed('full');
    const zeroed = Buffer.from(journal).fill(0, 0, 28);
    for (const finished of [zeroed, Buffer.alloc(0)]) {
      expect(rowsOf({ main, journal: finished })).toEqual(rowsOf({ main }));
      expect(notesOf({ main, journal: finished })).toEqual(notesOf({ main }));
    }
  });

  it('with a damaged record makes the content uncertain', () => {
    const { main, journal } = crashed('full');
    const damaged = Buffer.from(journal);
    const at = 512 + 4 + 1024 - 200;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(rowsOf({ main, journal: damaged }).errors.join()).toMatch(
      /stale: an unfinished transaction cannot be undone/,
    );
  });

  it('that belongs to a transaction over several databases makes the content uncertain', () => {
    const { main, journal } = crashed('full');
    const name = Buffer.from('/tmp/x-mj');
    const tail = Buffer.alloc(8);
    tail.writeUInt32BE(name.length, 0);
    tail.writeUInt32BE(
      name.reduce((sum, byte) => sum + byte, 0),
      4,
    );
    const named = Buffer.concat([
      journal,
      Buffer.alloc(4),
      name,
      tail,
      Buffer.from('d9d505f920a163d7', 'hex'),
    ]);
    expect(rowsOf({ main, journal: named }).errors[0]).toMatch(/^stale: .*several databases/);
  });

  it('that is garbage is ignored with a note', () => {
    const { main } = crashed('full');
    const journal = Buffer.alloc(2000, 1);
    expect(rowsOf({ main, journal })).toEqual(rowsOf({ main }));
    expect(notesOf({ main, journal }).at(-1)).toMatch(/no valid header/);
  });
});

describe.skipIf(!hasPython)(`a damaged database${unless(hasPython, 'python3 with sqlite3')}`, () => {
  let main: Buffer = Buffer.alloc(0);
  /** Root page of the table, an interior page. */
  const ROOT = 1024;
  beforeAll(() => {
    const directory = makeTemporaryDirectory();
    python(
      directory,
      `c = sqlite3.connect('a.db'); c.execute('pragma page_size=1024'); c.execute('create table t(a, b)')
for i in range(60): c.execute('insert into t values(?, ?)', (i, bytes(5000 if i == 30 else 60)))
c.commit()`,
    );
    main = file(directory, 'a.db');
  });
  const total = 60;

  it('with pages that link in a circle is read once, with one error that has its offset', () => {
    const bad = Buffer.from(main);
    expect(bad[ROOT]).toBe(5);
    bad.writeUInt32BE(2, ROOT + 8);
    const { entries, diagnostics } = openSqlite({ main: bad }).rows('t');
    expect(diagnostics).toEqual([
      { level: 'error', code: 'malformed', message: 'page 2 is linked twice', offset: ROOT },
    ]);
    expect(entries.length).toBeGreaterThan(total / 2);
    expect(entries.length).toBeLessThan(total);
  });

  it('with a link outside the file keeps the other pages', () => {
    const bad = Buffer.from(main);
    bad.writeUInt32BE(99_999, ROOT + 8);
    const { entries, diagnostics } = openSqlite({ main: bad }).rows('t');
    const message = 'page 99999, to which page 2 refers, lies outside the database';
    expect(diagnostics).toEqual([{ level: 'error', code: 'truncated', message, offset: ROOT }]);
    expect(entries.length).toBeGreaterThan(total / 2);
  });

  it('with a bad cell pointer loses that row only', () => {
    const bad = Buffer.from(main);
    const leaf = (bad.readUInt32BE(ROOT + bad.readUInt16BE(ROOT + 12)) - 1) * 1024;
    bad.writeUInt16BE(0xfff0, leaf + 8);
    const { entries, diagnostics } = openSqlite({ main: bad }).rows('t');
    expect(entries).toHaveLength(total - 1);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.offset).toBeGreaterThanOrEqual(leaf);
  });

  it('with an overflow chain in a circle loses that row only', () => {
    const bad = Buffer.from(main);
    const big = openSqlite({ main })
      .rows('t')
      .entries.find(({ a }) => a === 30);
    expect(big?.['b']).toHaveLength(5000);
    const interior = new Set([1, 2]);
    for (let page = 3; page <= bad.length / 1024; page++) {
      const start = (page - 1) * 1024;
      const next = bad.readUInt32BE(start);
      if (bad[start] === 0 && next > 2 && next <= bad.length / 1024 && !interior.has(page)) {
        bad.writeUInt32BE(page, start);
        break;
      }
    }
    const { entries, diagnostics } = openSqlite({ main: bad }).rows('t');
    expect(entries).toHaveLength(total - 1);
    expect(diagnostics.map(({ message }) => message).join()).toMatch(/^overflow page \d+ is linked twice$/);
  });

  it('that is cut off anywhere, or changed anywhere, never throws and never runs on', () => {
    const read = (files: SqliteFiles): void => {
      const database = openSqlite(files);
      for (const { name } of database.tables()) database.rows(name);
    };
    const edit = fc.tuple(fc.nat(main.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(main.length), fc.array(edit, { maxLength: 20 }), (length, edits) => {
        const bytes = Buffer.from(main);
        for (const [at, value] of edits) bytes[at] = value;
        read({ main: bytes });
        read({ main: bytes.subarray(0, length) });
        read({ main, wal: bytes, journal: bytes.subarray(length) });
      }),
      { numRuns: 300, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('that is cut off has an error', () => {
    for (const length of [5, 99, 1024, 1500, main.length - 1]) {
      expect(rowsOf({ main: main.subarray(0, length) }).errors).not.toEqual([]);
    }
  });
});

describe('bytes that are no database', () => {
  it.each([
    ['text', Buffer.from('hello world, this is no database at all')],
    ['zeros', Buffer.alloc(4096)],
    ['the magic alone', Buffer.from('SQLite format 3\0')],
  ])('such as %s give one error and no tables', (_, main) => {
    const database = openSqlite({ main });
    expect(database.tables()).toEqual([]);
    expect(database.diagnostics.map(({ level }) => level)).toEqual(['error']);
  });

  it('but an empty file is a database without tables', () => {
    expect(openSqlite({ main: new Uint8Array() }).diagnostics).toEqual([]);
  });
});

describe('a CREATE TABLE statement', () => {
  it.each([
    ['CREATE TABLE nssPublic (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a1)', ['id', 'a0', 'a1']],
    ['create table "x"("a, b" text, [c)] int, `d``e`, \'f\')', ['a, b', 'c)', 'd`e', 'f']],
    ['CREATE TABLE t(a decimal(10,2) default (1,2), -- b, c\n /* d, */ e)', ['a', 'e']],
    [
      'CREATE TABLE t(a, b, PRIMARY KEY(a), UNIQUE (a, b), CHECK (a > 0), FOREIGN KEY(b) REFERENCES u(x))',
      ['a', 'b'],
    ],
  ])('%s has the right columns', (sql, expected) => {
    expect(parseCreateTable(sql)?.columns.map(({ name }) => name)).toEqual(expected);
  });

  it.each([
    ['CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, b)', true],
    ['CREATE TABLE t(id INTEGER, b, PRIMARY KEY(id))', true],
    ['CREATE TABLE t(id integer not null primary key)', true],
    ['CREATE TABLE t(id INT PRIMARY KEY)', false],
    ['CREATE TABLE t(id INTEGER PRIMARY KEY DESC)', false],
    ['CREATE TABLE t(id PRIMARY KEY)', false],
    ['CREATE TABLE t(id INTEGER, b, PRIMARY KEY(id, b))', false],
  ])('%s: first column is the rowid: %s', (sql, isRowid) => {
    expect(parseCreateTable(sql)?.columns[0]?.isRowid).toBe(isRowid);
  });

  it('that never ends is no statement, quickly', () => {
    const hostile = ['(', '"', "'", '/*', 'a,'].map((part) => `CREATE TABLE t(${part.repeat(200_000)}`);
    for (const sql of hostile) parseCreateTable(sql);
    expect(parseCreateTable('CREATE VIRTUAL TABLE t USING fts5')).toBeUndefined();
  });
});
