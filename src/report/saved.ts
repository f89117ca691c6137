/**
 * Reports and snapshots that were saved as JSON, by us or by somebody else: checked by hand as far as they are used.
 * Whatever is wrong is said with its place in the file.
 */

import { RootauditError } from '../core/errors.ts';
import { PURPOSES, type Purpose } from '../core/trust.ts';
import { SCHEMA_VERSION, type FindingStatus, type ViolationKind } from './report.ts';

export interface SavedStore {
  readonly id: string;
  readonly type: string;
  readonly application: string;
  readonly path: string;
  readonly trusted: number;
}

/** A certificate in a place. */
export interface SavedEntry {
  readonly store: string;
  readonly path: string;
  readonly trust: FindingStatus;
  readonly purposes: readonly Purpose[];
}

export interface SavedCertificate {
  readonly sha256: string;
  readonly subject: string;
  /** Where it could be read. */
  readonly spkiSha256?: string | null;
}

interface SavedFinding {
  readonly advisory: string;
  readonly certificate: SavedCertificate;
  readonly locations: readonly SavedEntry[];
}

interface SavedViolation {
  readonly kind: ViolationKind;
  readonly rule: string;
  /** Null when something is missing. */
  readonly certificate: SavedCertificate | null;
  readonly locations: readonly SavedEntry[];
  readonly missingFrom: readonly string[];
}

interface Saved {
  readonly reference: string;
  readonly kind: string;
  readonly complete: boolean;
  readonly stores: readonly SavedStore[];
}

/** Of `rootaudit scan -f json`: knows the roots on the blocklist only. */
export interface SavedReport extends Saved {
  readonly findings: readonly SavedFinding[];
  readonly violations: readonly SavedViolation[];
}

/** Of `rootaudit list -f json` and `rootaudit snapshot`: knows every certificate. */
export interface SavedInventory extends Saved {
  readonly entries: readonly (SavedEntry & { readonly certificate: SavedCertificate })[];
}

export type SavedFile =
  | { readonly is: 'reports'; readonly reports: readonly SavedReport[] }
  | { readonly is: 'inventory'; readonly inventory: SavedInventory };

/** More than any real machine has; a hostile file cannot make work for hours. */
const MAX_ITEMS = 5_000_000;
const MAX_TEXT = 1 << 20;

/** `name`: of the file, for messages. Throws RootauditError. */
export function parseSaved(text: string, name: string): SavedFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // The parser's words may hold a piece of the file.
    throw new RootauditError(`${name} is not JSON`, HINT, { cause: error });
  }
  return new Checker(name).file(json);
}

const HINT = 'Give what `rootaudit snapshot`, `rootaudit list -f json` or `rootaudit scan -f json` wrote.';
const STATUSES: readonly FindingStatus[] = ['trusted', 'embedded', 'present', 'deleted', 'mitigated'];
const KINDS: readonly ViolationKind[] = [
  'forbidden',
  'not-allowed',
  'missing',
  'expired-waiver',
  'unrecognised',
];

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Checker {
  readonly #name: string;
  #items = 0;

  constructor(name: string) {
    this.#name = name;
  }

  file(json: unknown): SavedFile {
    const file = this.#fields(json, '');
    if (file['schemaVersion'] !== SCHEMA_VERSION) {
      throw this.#wrong('schemaVersion', `${SCHEMA_VERSION}; it may come from another version of rootaudit`);
    }
    if (Array.isArray(file['reports'])) {
      const reports = this.#list(file['reports'], 'reports', (each, at) => this.#report(each, at));
      return { is: 'reports', reports };
    }
    if (Array.isArray(file['findings'])) return { is: 'reports', reports: [this.#report(file, '')] };
    return { is: 'inventory', inventory: this.#inventory(file) };
  }

  #report(json: unknown, at: string): SavedReport {
    const report = this.#fields(json, at);
    const policy = report['policy'] === undefined ? {} : this.#fields(report['policy'], `${at}policy`);
    return {
      ...this.#saved(report, at),
      findings: this.#list(report['findings'], `${at}findings`, (each, where) => ({
        advisory: this.#text(each, 'advisory', where),
        certificate: this.#certificate(each, where),
        locations: this.#locations(each, where),
      })),
      violations: this.#list(policy['violations'] ?? [], `${at}policy.violations`, (each, where) => ({
        kind: this.#one(each, 'kind', KINDS, where),
        rule: this.#text(each, 'rule', where),
        certificate: each['certificate'] === null ? null : this.#certificate(each, where),
        locations: this.#locations(each, where),
        missingFrom: this.#texts(each, 'missingFrom', where),
      })),
    };
  }

  #inventory(file: Fields): SavedInventory {
    const entries = this.#list(file['stores'], 'stores', (store, at) => {
      const id = this.#text(store, 'id', at);
      return this.#list(store['entries'], `${at}entries`, (each, where) => ({
        ...this.#entry(each, id, where),
        certificate: this.#certificate(each, where),
      }));
    });
    return { ...this.#saved(file, ''), entries: entries.flat() };
  }

  #saved(json: Fields, at: string): Saved {
    const target = this.#fields(json['target'], `${at}target`);
    if (typeof json['complete'] !== 'boolean') throw this.#wrong(`${at}complete`, 'true or false');
    return {
      reference: this.#text(target, 'reference', `${at}target.`),
      kind: this.#text(target, 'kind', `${at}target.`),
      complete: json['complete'],
      stores: this.#list(json['stores'], `${at}stores`, (each, where) => ({
        id: this.#text(each, 'id', where),
        type: this.#text(each, 'type', where),
        application: this.#text(each, 'application', where),
        path: this.#text(each, 'path', where),
        trusted: this.#count(each, 'trusted', where),
      })),
    };
  }

  #locations(json: Fields, at: string): readonly SavedEntry[] {
    return this.#list(json['locations'], `${at}locations`, (each, where) =>
      this.#entry(each, this.#text(each, 'store', where), where),
    );
  }

  #entry(json: Fields, store: string, at: string): SavedEntry {
    const purposes = this.#texts(json, 'purposes', at);
    return {
      store,
      path: this.#text(json, 'path', at),
      trust: this.#one(json, 'trust', STATUSES, at),
      purposes: PURPOSES.filter((purpose) => purposes.includes(purpose)),
    };
  }

  #certificate(json: Fields, at: string): SavedCertificate {
    const where = `${at}certificate.`;
    const certificate = this.#fields(json['certificate'], `${at}certificate`);
    const sha256 = this.#text(certificate, 'sha256', where);
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw this.#wrong(`${where}sha256`, '64 hex digits in lower case');
    const { spkiSha256 } = certificate;
    return {
      sha256,
      subject: this.#text(certificate, 'subject', where),
      ...(typeof spkiSha256 === 'string' && /^[0-9a-f]{64}$/.test(spkiSha256) && { spkiSha256 }),
    };
  }

  #fields(json: unknown, at: string): Fields {
    if (!isFields(json)) throw this.#wrong(at, 'an object');
    return json;
  }

  /** `read` gets each item with its place, ending in a dot. */
  #list<Item>(json: unknown, at: string, read: (item: Fields, at: string) => Item): readonly Item[] {
    if (!Array.isArray(json)) throw this.#wrong(at, 'a list');
    this.#items += json.length;
    if (this.#items > MAX_ITEMS) throw new RootauditError(`${this.#name} holds more than ${MAX_ITEMS} items`);
    return json.map((item: unknown, i) => read(this.#fields(item, `${at}[${i}]`), `${at}[${i}].`));
  }

  #texts(json: Fields, key: string, at: string): readonly string[] {
    const value = json[key];
    if (!Array.isArray(value) || value.length > MAX_ITEMS) throw this.#wrong(at + key, 'a list of texts');
    return value.map((each: unknown) => {
      if (typeof each !== 'string') throw this.#wrong(at + key, 'a list of texts');
      return each;
    });
  }

  #text(json: Fields, key: string, at: string): string {
    const value = json[key];
    if (typeof value !== 'string' || value.length > MAX_TEXT) throw this.#wrong(at + key, 'a text');
    return value;
  }

  #count(json: Fields, key: string, at: string): number {
    const value = json[key];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#wrong(at + key, 'a count');
  }

  #one<Word extends string>(json: Fields, key: string, words: readonly Word[], at: string): Word {
    const word = words.find((each) => each === json[key]);
    if (word === undefined) throw this.#wrong(at + key, `one of ${words.join(', ')}`);
    return word;
  }

  #wrong(at: string, wanted: string): RootauditError {
    const where = at === '' ? '' : `: ${at.replace(/\.$/, '')}`;
    return new RootauditError(`${this.#name} is no report or snapshot${where} must be ${wanted}`, HINT);
  }
}
