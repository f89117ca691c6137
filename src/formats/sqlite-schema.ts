/**
 * Column names of a SQLite table, from its CREATE TABLE statement.
 * Grammar: https://www.sqlite.org/lang_createtable.html
 */

export interface Column {
  readonly name: string;
  /** An INTEGER PRIMARY KEY is stored as NULL: its value is the rowid. */
  readonly isRowid: boolean;
}

export interface TableDefinition {
  /** The columns that are stored, in the order in which they are. */
  readonly columns: readonly Column[];
  readonly withoutRowid: boolean;
}

/** As many as SQLite itself allows by default. */
const MAX_COLUMNS = 2000;
/** A statement of that length is an attempt to use up time. */
const MAX_SQL = 1 << 20;

const TABLE_CONSTRAINTS = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN']);

interface Token {
  readonly text: string;
  /** In quotes of whatever kind, so it is a name and no keyword. */
  readonly quoted: boolean;
}

const TOKEN =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"((?:[^"]|"")*)"|'((?:[^']|'')*)'|`((?:[^`]|``)*)`|\[([^\]]*)\]|([(),])|([^\s(),"'`[]+)/gy;

/** Undefined when the statement has no column list we can read. */
export function parseCreateTable(sql: string): TableDefinition | undefined {
  if (sql.length > MAX_SQL) return undefined;
  const tokens = tokenize(sql);
  const open = tokens.findIndex((token) => token.text === '(' && !token.quoted);
  if (open === -1) return undefined;
  const { items, end } = splitList(tokens, open + 1);
  const columns: Column[] = [];
  const keys = new Set<string>();
  for (const item of items) {
    const [first] = item;
    if (!first || columns.length >= MAX_COLUMNS) return undefined;
    if (!first.quoted && TABLE_CONSTRAINTS.has(first.text.toUpperCase())) {
      const key = tableKey(item);
      if (key !== undefined) keys.add(key.toLowerCase());
    } else if (!isVirtual(item)) {
      columns.push({ name: first.text, isRowid: isIntegerKey(item) });
    }
  }
  const integers = new Set(items.filter(isInteger).map(([first]) => first?.text.toLowerCase()));
  const named = columns.map((column) => {
    const name = column.name.toLowerCase();
    return { name: column.name, isRowid: column.isRowid || (keys.has(name) && integers.has(name)) };
  });
  const withoutRowid = words(tokens.slice(end)).includes('WITHOUT');
  return { columns: named, withoutRowid };
}

function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(sql); match; match = TOKEN.exec(sql)) {
    const [, double, single, back, bracket, mark, word] = match;
    const quoted =
      double?.replaceAll('""', '"') ??
      single?.replaceAll("''", "'") ??
      back?.replaceAll('``', '`') ??
      bracket;
    if (quoted !== undefined) tokens.push({ text: quoted, quoted: true });
    else if (mark !== undefined || word !== undefined)
      tokens.push({ text: mark ?? word ?? '', quoted: false });
    if (TOKEN.lastIndex >= sql.length) break;
  }
  return tokens;
}

/** Splits at the commas of the list that starts at `from`; `end` lies behind its closing parenthesis. */
function splitList(tokens: readonly Token[], from: number): { items: Token[][]; end: number } {
  const items: Token[][] = [];
  let item: Token[] = [];
  let depth = 0;
  let index = from;
  for (; index < tokens.length; index++) {
    const token = tokens[index];
    if (!token) break;
    const mark = token.quoted ? '' : token.text;
    if (mark === ')' && depth === 0) break;
    if (mark === '(') depth++;
    if (mark === ')') depth--;
    if (mark === ',' && depth === 0) {
      items.push(item);
      item = [];
    } else {
      item.push(token);
    }
  }
  items.push(item);
  return { items, end: index + 1 };
}

/** Unquoted words in upper case. */
function words(tokens: readonly Token[]): string[] {
  return tokens.filter(({ quoted }) => !quoted).map(({ text }) => text.toUpperCase());
}

function isInteger(item: readonly Token[]): boolean {
  const [, type, next] = item;
  // "INTEGER" alone: "INTEGER(4)" and "BIG INTEGER" do not name the rowid.
  const ends =
    next === undefined ||
    /^(?:PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES|CONSTRAINT)$/i.test(next.text);
  return type !== undefined && type.text.toUpperCase() === 'INTEGER' && ends;
}

function isIntegerKey(item: readonly Token[]): boolean {
  const after = words(item.slice(1));
  const primary = after.indexOf('PRIMARY');
  // By an old mistake that is kept, DESC makes it an ordinary column.
  return isInteger(item) && primary !== -1 && after[primary + 2] !== 'DESC';
}

/** A generated column is stored only when it says so. */
function isVirtual(item: readonly Token[]): boolean {
  const after = words(item.slice(1));
  const as = after.indexOf('AS');
  return as !== -1 && after[as + 1] === '(' && !after.includes('STORED');
}

/** The one column of a PRIMARY KEY(...) constraint. */
function tableKey(item: readonly Token[]): string | undefined {
  const primary = item.findIndex(({ text, quoted }) => !quoted && text.toUpperCase() === 'PRIMARY');
  if (primary === -1) return undefined;
  const [, open, column, close] = item.slice(primary + 1);
  return open?.text === '(' && (close?.text === ')' || close?.text.toUpperCase() === 'ASC')
    ? column?.text
    : undefined;
}
