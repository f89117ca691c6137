/**
 * The JSON files of a blocklist as typed values. A list may come from anywhere, so every field that decides a
 * match is checked here; `blocklists/schema` and the lint are stricter.
 */

import { parseSha256, type Sha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import {
  CATEGORIES,
  SEVERITIES,
  type Advisory,
  type BlockedCertificate,
  type Manifest,
  type NameRule,
  type RootPrograms,
} from './advisory.ts';

type Json = Readonly<Record<string, unknown>>;

export function parseManifest(text: string, file: string): Manifest {
  const json = object(parseJson(text, file), file);
  if (json['schemaVersion'] !== 1) throw bad(file, 'schemaVersion must be 1');
  const files = object(json['files'], `${file}: files`);
  for (const [path, digest] of Object.entries(files)) {
    if (typeof digest !== 'string' || parseSha256(digest) !== digest)
      throw bad(file, `files: digest of ${path}`);
    if (path.startsWith('/') || path.split('/').includes('..')) throw bad(file, `files: path ${path}`);
  }
  return {
    schemaVersion: 1,
    version: string(json, 'version', file),
    date: string(json, 'date', file),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above
    files: files as Record<string, Sha256>,
  };
}

export function parseAdvisory(text: string, file: string): Advisory {
  const json = object(parseJson(text, file), file);
  oneOf(json, 'severity', SEVERITIES, file);
  oneOf(json, 'category', CATEGORIES, file);
  for (const field of ['id', 'title', 'summary', 'details']) string(json, field, file);
  array(json, 'references', file).forEach((link) => {
    if (typeof link !== 'string') throw bad(file, 'references must be strings');
  });
  array(json, 'certificates', file).forEach((entry, index) => {
    checkCertificate(object(entry, `${file}: certificates[${index}]`), `${file}: certificates[${index}]`);
  });
  array(json, 'names', file).forEach((entry, index) => {
    checkNameRule(object(entry, `${file}: names[${index}]`), `${file}: names[${index}]`);
  });
  // Every field that the type promises and a match relies on has been checked above.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return json as unknown as Advisory;
}

export function parseRootPrograms(text: string, file: string): RootPrograms {
  const json = object(parseJson(text, file), file);
  object(json['roots'], `${file}: roots`);
  array(json, 'java', file);
  array(json, 'windowsBuiltin', file);
  array(json, 'windowsRequired', file);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above
  return json as unknown as RootPrograms;
}

function checkCertificate(json: Json, where: string): asserts json is Json & BlockedCertificate {
  string(json, 'id', where);
  string(json, 'name', where);
  oneOf(json, 'role', ['root', 'intermediate', 'unknown'], where);
  array(json, 'distrustedBy', where);
  array(json, 'references', where);
  for (const field of ['sha256', 'spkiSha256', 'spkiSha256Canonical']) {
    const value = json[field];
    if (value !== undefined && (typeof value !== 'string' || parseSha256(value) !== value)) {
      throw bad(where, `${field} must be 64 lower-case hex digits`);
    }
  }
  if (json['sha1'] !== undefined && !/^[0-9a-f]{40}$/.test(string(json, 'sha1', where))) {
    throw bad(where, 'sha1 must be 40 lower-case hex digits');
  }
  const strong = json['sha256'] !== undefined || json['spkiSha256'] !== undefined;
  const bySerial =
    json['serialNumber'] !== undefined && (json['issuer'] !== undefined || json['sha1'] !== undefined);
  if (!strong && !bySerial) {
    throw bad(where, 'needs sha256, spkiSha256, or a serialNumber with issuer or sha1 to be identified by');
  }
}

function checkNameRule(json: Json, where: string): asserts json is Json & NameRule {
  string(json, 'id', where);
  oneOf(json, 'confidence', ['high', 'medium', 'low'], where);
  oneOf(json, 'evidence', ['seen', 'unverified'], where);
  const attributes = object(json['attributes'], `${where}: attributes`);
  if (Object.keys(attributes).length === 0) throw bad(where, 'attributes must not be empty');
  for (const [type, pattern] of Object.entries(attributes)) {
    try {
      if (typeof pattern !== 'string') throw new TypeError('not a string');
      RegExp(pattern, 'u');
    } catch {
      throw bad(where, `attributes.${type} is no regular expression`);
    }
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RootauditError(`${file} is not valid JSON`, 'Restore the blocklist from its source.', {
      cause: error,
    });
  }
}

function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(where, 'must be an object');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object has string keys
  return value as Json;
}

function array(json: Json, field: string, where: string): readonly unknown[] {
  const value = json[field];
  if (!Array.isArray(value)) throw bad(where, `${field} must be a list`);
  return value;
}

function string(json: Json, field: string, where: string): string {
  const value = json[field];
  if (typeof value !== 'string') throw bad(where, `${field} must be a string`);
  return value;
}

function oneOf(json: Json, field: string, allowed: readonly string[], where: string): void {
  if (!allowed.includes(string(json, field, where)))
    throw bad(where, `${field} must be one of ${allowed.join(', ')}`);
}

function bad(where: string, what: string): RootauditError {
  return new RootauditError(`${where}: ${what}`, 'Check the blocklist against blocklists/schema.');
}
