/** `rootaudit.yaml`, version 1. Its keys: docs/policy.md; the same for editors: docs/policy.schema.json. */

import { parseSha256 } from '../core/certificate.ts';
import type { NameAttribute } from '../core/name.ts';
import { FAIL_ON_WORDS, failOnOf } from './fail-on.ts';
import { MAX_PATTERN, matchPart } from './glob.ts';
import type { FailOn, PlaceLimits, Policy, Rule, Waiver } from './policy.ts';
import { parseSubject } from './subject.ts';
import { hint, YamlReader, type PolicyProblem, type Value } from './yaml-reader.ts';

export interface ParseOptions {
  /** The file's name for messages and reports. */
  readonly file: string;
  /** Ids of every store type. */
  readonly storeTypes: readonly string[];
  /** Fingerprints in a file that `only` names; undefined and a problem where there are none. */
  readonly fingerprintsIn: (path: string) => ReadonlySet<string> | { readonly problem: string };
}

export type ParsedPolicy = { readonly policy: Policy } | { readonly problems: readonly PolicyProblem[] };

type Entries = ReadonlyMap<string, Value>;

const KEYS = ['version', 'fail-on', 'allow', 'forbid', 'require', 'only', 'waivers'];
const PLACE_KEYS = ['stores', 'paths'];
const IDENTITY_KEYS = ['sha256', 'spki', 'subject', 'organisation'];
const RULE_KEYS = [...IDENTITY_KEYS, ...PLACE_KEYS, 'reason'];
const ONLY_KEYS = [...RULE_KEYS, 'file'];
const WAIVER_KEYS = ['advisory', 'sha256', 'spki', ...PLACE_KEYS, 'reason', 'owner', 'expires'];

export function parsePolicy(text: string, options: ParseOptions): ParsedPolicy {
  const reader = new YamlReader(text);
  const policy = reader.read((root) => new PolicyParser(reader, options).policy(root));
  return policy ? { policy } : { problems: reader.problems };
}

class PolicyParser {
  readonly #reader: YamlReader;
  readonly #options: ParseOptions;

  constructor(reader: YamlReader, options: ParseOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  policy(root: Value): Policy | undefined {
    const entries = this.#reader.map(root, 'the policy', KEYS);
    if (!entries) return undefined;
    const version = entries.get('version');
    if (!version) return this.#reader.fail(root, 'the key "version" is missing: write version: 1');
    if (this.#reader.scalar(version) !== 1) {
      return this.#reader.fail(version, 'this version of rootaudit reads policies of version: 1');
    }
    const failOn = this.#failOn(entries.get('fail-on'));
    const only = entries.get('only');
    return {
      file: this.#options.file,
      ...(failOn && { failOn }),
      allow: this.#rules(entries.get('allow'), 'allow'),
      forbid: this.#rules(entries.get('forbid'), 'forbid'),
      require: this.#rules(entries.get('require'), 'require'),
      ...(only && { only: this.#rules(only, 'only') }),
      waivers: this.#each(entries.get('waivers'), 'waivers', (item) => this.#waiver(item)),
    };
  }

  #failOn(value: Value | undefined): FailOn | undefined {
    if (!value) return undefined;
    const words = this.#reader.texts(value, 'fail-on');
    const unknown = words?.find((word) => !FAIL_ON_WORDS.includes(word));
    if (unknown !== undefined) {
      const known = FAIL_ON_WORDS.join(', ');
      return this.#reader.fail(
        value,
        `fail-on is one of ${known}, not "${unknown}"${hint(unknown, FAIL_ON_WORDS)}`,
      );
    }
    const failOn = words && failOnOf(words);
    if (words && !failOn) return this.#reader.fail(value, 'fail-on takes one severity');
    return failOn;
  }

  #each<Item>(
    value: Value | undefined,
    what: string,
    read: (item: Value) => Item | undefined,
  ): readonly Item[] {
    const items = value && this.#reader.list(value, what);
    return items?.flatMap((item) => read(item) ?? []) ?? [];
  }

  #rules(value: Value | undefined, section: string): readonly Rule[] {
    return this.#each(value, section, (item) => this.#rule(item, section));
  }

  #rule(item: Value, section: string): Rule | undefined {
    const what = `a rule of ${section}`;
    const entries = this.#entries(item, what, section === 'only' ? ONLY_KEYS : RULE_KEYS);
    if (!entries) return undefined;
    const keys = [...entries.keys()];
    const named = keys.some((key) => IDENTITY_KEYS.includes(key) || key === 'file');
    if (section === 'require' && !named) {
      return this.#reader.fail(item, `${what} needs sha256, spki, subject or organisation`);
    }
    if (!named && !keys.some((key) => PLACE_KEYS.includes(key))) {
      return this.#reader.fail(item, `${what} says neither which root nor where`);
    }
    if (entries.has('file') && keys.some((key) => IDENTITY_KEYS.includes(key))) {
      return this.#reader.fail(item, `${what} takes file, or sha256, spki, subject and organisation`);
    }
    const sha256 = this.#fingerprints(entries);
    const spki = this.#hash(entries, 'spki');
    const subject = this.#subject(entries.get('subject'));
    const organisation = this.#optional(entries, 'organisation');
    const reason = this.#optional(entries, 'reason');
    return {
      ...(sha256 && { sha256 }),
      ...(spki !== undefined && { spki }),
      ...(subject && { subject }),
      ...(organisation !== undefined && { organisation }),
      ...this.#place(entries),
      ...(reason !== undefined && { reason }),
      words: this.#words(entries),
      line: this.#reader.lineOf(item),
    };
  }

  /** Of a rule with an unknown key no more is said: what seems to be missing may be meant by it. */
  #entries(item: Value, what: string, keys: readonly string[]): Entries | undefined {
    const problems = this.#reader.problems.length;
    const entries = this.#reader.map(item, what, keys);
    return this.#reader.problems.length === problems ? entries : undefined;
  }

  /** The identity as it was written. */
  #words(entries: Entries): string {
    const written = [...IDENTITY_KEYS, 'file'].flatMap((key) => {
      const value = entries.get(key);
      const text = value && this.#reader.scalar(value);
      return typeof text === 'string' ? [`${key} ${text}`] : [];
    });
    return written.length === 0 ? 'any root' : written.join(', ');
  }

  #fingerprints(entries: Entries): ReadonlySet<string> | undefined {
    const file = entries.get('file');
    if (!file) {
      const sha256 = this.#hash(entries, 'sha256');
      return sha256 === undefined ? undefined : new Set([sha256]);
    }
    const path = this.#reader.text(file, 'file');
    if (path === undefined) return undefined;
    const found = this.#options.fingerprintsIn(path);
    return 'problem' in found ? this.#reader.fail(file, found.problem) : found;
  }

  #waiver(item: Value): Waiver | undefined {
    const entries = this.#entries(item, 'a waiver', WAIVER_KEYS);
    if (!entries) return undefined;
    const missing = ['reason', 'owner', 'expires'].filter((key) => !entries.has(key));
    for (const key of missing) this.#reader.fail(item, `a waiver needs "${key}"`);
    if (!['advisory', 'sha256', 'spki'].some((key) => entries.has(key))) {
      this.#reader.fail(
        item,
        'a waiver needs advisory, sha256 or spki: a name is not enough, anybody can use it',
      );
    }
    const advisory = this.#optional(entries, 'advisory');
    const sha256 = this.#hash(entries, 'sha256');
    const spki = this.#hash(entries, 'spki');
    return {
      ...(advisory !== undefined && { advisory }),
      ...(sha256 !== undefined && { sha256 }),
      ...(spki !== undefined && { spki }),
      ...this.#place(entries),
      reason: this.#optional(entries, 'reason') ?? '',
      owner: this.#optional(entries, 'owner') ?? '',
      expires: this.#day(entries.get('expires')) ?? '',
      line: this.#reader.lineOf(item),
    };
  }

  #optional(entries: Entries, key: string): string | undefined {
    const value = entries.get(key);
    return value && this.#reader.text(value, key);
  }

  #hash(entries: Entries, key: 'sha256' | 'spki'): string | undefined {
    const text = this.#optional(entries, key);
    if (text === undefined) return undefined;
    const hash = parseSha256(text);
    if (hash !== undefined) return hash;
    const value = entries.get(key);
    const digits = text.replaceAll(/[:\s]/g, '').length;
    const found = digits === 40 ? 'this is a SHA-1 fingerprint' : `this has ${digits}`;
    return value && this.#reader.fail(value, `${key} needs the 64 hex digits of a SHA-256 hash, ${found}`);
  }

  #subject(value: Value | undefined): readonly NameAttribute[] | undefined {
    const text = value && this.#reader.text(value, 'subject');
    if (value === undefined || text === undefined) return undefined;
    const attributes = parseSubject(text);
    if (attributes) return attributes;
    return this.#reader.fail(value, 'subject is written as in a report: CN=Example Root,O=Example,C=NL');
  }

  /** Checked against the calendar. */
  #day(value: Value | undefined): string | undefined {
    const text = value && this.#reader.text(value, 'expires');
    if (value === undefined || text === undefined) return undefined;
    const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
    if (date && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)) return text;
    return this.#reader.fail(value, `expires is a day such as 2027-06-30, not "${text}"`);
  }

  #place(entries: Entries): PlaceLimits {
    const stores = entries.get('stores');
    const paths = entries.get('paths');
    return {
      stores: (stores && this.#stores(stores)) ?? [],
      paths: (paths && this.#paths(paths)) ?? [],
    };
  }

  #stores(value: Value): readonly string[] | undefined {
    const { storeTypes } = this.#options;
    const patterns = this.#reader.texts(value, 'stores');
    for (const pattern of patterns ?? []) {
      if (pattern.length <= MAX_PATTERN && storeTypes.some((type) => matchPart(pattern, type))) continue;
      this.#reader.fail(value, `there is no store type "${pattern}"${hint(pattern, storeTypes)}`);
    }
    return patterns;
  }

  #paths(value: Value): readonly string[] | undefined {
    const patterns = this.#reader.texts(value, 'paths');
    for (const pattern of patterns ?? []) {
      if (pattern.length > MAX_PATTERN) {
        this.#reader.fail(value, `a path is longer than ${MAX_PATTERN} characters`);
      } else if (!/^(?:\/|\*\*(?:\/|$)|[A-Za-z]:[\\/]|HK)/.test(pattern)) {
        this.#reader.fail(value, `a path begins with / or **/, unlike "${pattern}"`);
      }
    }
    return patterns;
  }
}
