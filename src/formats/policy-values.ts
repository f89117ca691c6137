/** Policies of browsers as plain values, whether they come from JSON or from a property list. */

import type { Diagnostic } from '../core/errors.ts';
import { parseJsonSource, type JsonValue } from './json-source.ts';
import { asDictionary, parsePlist, type PlistDictionary, type PlistValue } from './plist.ts';

export interface ParsedPolicies {
  /** By name; empty where nothing can be read. */
  readonly policies: PlistDictionary;
  readonly diagnostics: readonly Diagnostic[];
}

export function parseJsonPolicies(bytes: Uint8Array): ParsedPolicies {
  const { value, diagnostics } = parseJsonSource(bytes);
  return withDictionary(value && plainValue(value), diagnostics);
}

export function parsePlistPolicies(bytes: Uint8Array): ParsedPolicies {
  const { entries, diagnostics } = parsePlist(bytes);
  return withDictionary(entries[0], diagnostics);
}

function withDictionary(value: PlistValue | undefined, diagnostics: readonly Diagnostic[]): ParsedPolicies {
  const policies = asDictionary(value);
  if (policies) return { policies, diagnostics };
  const missing: Diagnostic = { level: 'error', code: 'malformed', message: 'no list of policies' };
  return { policies: new Map(), diagnostics: diagnostics.length > 0 ? diagnostics : [missing] };
}

/** On Windows a list or a dictionary may be a text with JSON in it. Anything else stays as it is. */
export function unwrapJson(value: PlistValue | undefined): PlistValue | undefined {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  const json = parseJsonSource(Buffer.from(value, 'utf8')).value;
  return json ? plainValue(json) : value;
}

function plainValue(json: JsonValue): PlistValue {
  switch (json.kind) {
    case 'object':
      return new Map(Array.from(json.members, ([name, value]) => [name, plainValue(value)]));
    case 'array':
      return json.items.map(plainValue);
    case 'null':
      return null;
    case 'string':
    case 'number':
    case 'boolean':
      return json.value;
  }
}
