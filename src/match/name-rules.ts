/** Matching names against rules: every attribute of a rule must match a whole attribute value, in any order. */

import type { CompiledNameRule } from '../blocklist/compile.ts';
import { foldValue, type NameAttribute } from '../core/name.ts';

export type NameMatcher = (attributes: readonly NameAttribute[]) => CompiledNameRule | undefined;

/** No real name is longer; a pattern is never run over more. */
const MAX_VALUE_LENGTH = 1024;

/** The first rule that a name matches; rules are tried in the order given. */
export function createNameMatcher(rules: readonly CompiledNameRule[]): NameMatcher {
  const quick = quickPatterns(rules);
  return (attributes) => {
    const folded = attributes
      .filter(({ type }) => quick.has(type))
      .map(({ type, value }) => ({ type, value: foldValue(value.slice(0, MAX_VALUE_LENGTH)) }));
    // Nearly every name matches nothing: one pattern per attribute type says so at once.
    if (!folded.some(({ type, value }) => quick.get(type)?.test(value))) return undefined;
    return rules.find((rule) => matchesRule(rule, folded));
  };
}

function matchesRule({ attributes }: CompiledNameRule, folded: readonly NameAttribute[]): boolean {
  return Object.entries(attributes).every(([type, pattern]) => {
    const whole = new RegExp(`^(?:${pattern})$`, 'su');
    return folded.some((attribute) => attribute.type === type && whole.test(attribute.value));
  });
}

function quickPatterns(rules: readonly CompiledNameRule[]): ReadonlyMap<string, RegExp> {
  const byType = new Map<string, Set<string>>();
  for (const { attributes } of rules) {
    for (const [type, pattern] of Object.entries(attributes)) {
      const patterns = byType.get(type) ?? new Set();
      byType.set(type, patterns.add(`(?:${pattern})`));
    }
  }
  return new Map(
    Array.from(byType, ([type, patterns]) => [type, new RegExp(`^(?:${[...patterns].join('|')})$`, 'su')]),
  );
}
