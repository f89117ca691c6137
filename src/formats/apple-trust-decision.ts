/** What trust settings say about one certificate, domain by domain: user beats administrator beats system. */

import { PURPOSES, trustFor, type Purpose, type PurposeTrust, type Trust } from '../core/trust.ts';
import { visible } from '../core/text.ts';
import type { TrustSetting } from './apple-trust-settings.ts';

/** What one domain decides; purposes that it leaves open are missing. */
export interface TrustDecision {
  readonly purposes: Partial<Record<Purpose, 'trusted' | 'distrusted'>>;
  /** In the words of Keychain Access. */
  readonly words: string;
}

/**
 * The first setting that fits a purpose and decides counts. One that holds for one host, application or other use of
 * the key only still trusts, in that place; to be refused in one place decides nothing for the rest.
 */
export function decideTrust(settings: readonly TrustSetting[], selfIssued: boolean): TrustDecision {
  if (settings.length === 0) {
    // Only a root can be trusted as a whole.
    return selfIssued
      ? { purposes: forEach(() => 'trusted'), words: 'Always Trust' }
      : { purposes: {}, words: 'Always Trust, without effect because it is no root' };
  }
  return { purposes: forEach((purpose) => decide(purpose, settings, selfIssued)), words: wordsOf(settings) };
}

function forEach(
  decision: (purpose: Purpose) => 'trusted' | 'distrusted' | undefined,
): TrustDecision['purposes'] {
  const purposes: Partial<Record<Purpose, 'trusted' | 'distrusted'>> = {};
  for (const purpose of PURPOSES) {
    const decided = decision(purpose);
    if (decided) purposes[purpose] = decided;
  }
  return purposes;
}

function decide(
  purpose: Purpose,
  settings: readonly TrustSetting[],
  selfIssued: boolean,
): 'trusted' | 'distrusted' | undefined {
  let decided: 'trusted' | 'distrusted' | undefined;
  for (const setting of settings) {
    const { policy, result } = setting;
    if (policy && !policy.purposes.includes(purpose)) continue;
    const trusts = result === 'trustAsRoot' || (result === 'trustRoot' && selfIssued);
    const isLimited = limitOf(setting) !== undefined || policy?.partial === true;
    if (isLimited) {
      if (trusts && decided !== 'distrusted') return 'trusted';
    } else if (decided === undefined) {
      if (trusts) return 'trusted';
      if (result === 'deny') decided = 'distrusted';
    }
  }
  return decided;
}

function limitOf({ host, application, otherKeyUse }: TrustSetting): string | undefined {
  const limits = [
    ...(host === undefined ? [] : [`for ${visible(host, 100)}`]),
    ...(application ? ['in one application'] : []),
    ...(otherKeyUse ? ['for some key uses'] : []),
  ];
  return limits.length === 0 ? undefined : limits.join(' ');
}

const RESULT_WORDS: Readonly<Record<TrustSetting['result'], string>> = {
  trustRoot: 'Always Trust',
  trustAsRoot: 'Always Trust',
  deny: 'Never Trust',
  unspecified: 'no value specified',
};

const MAX_WORDS = 12;

function wordsOf(settings: readonly TrustSetting[]): string {
  const parts = settings.slice(0, 100).map((setting) => {
    const { policy, result, allowedError } = setting;
    const limit = limitOf(setting);
    const about = [...(policy ? [policy.name] : []), ...(limit === undefined ? [] : [limit])].join(' ');
    const overlooks = allowedError !== undefined && result !== 'deny' ? ' (overlooks an error)' : '';
    return `${about === '' ? '' : `${about}: `}${RESULT_WORDS[result]}${overlooks}`;
  });
  const distinct = [...new Set(parts)];
  const more = distinct.length > MAX_WORDS ? ', …' : '';
  return distinct.slice(0, MAX_WORDS).join(', ') + more;
}

export interface DomainDecision extends TrustDecision {
  /** "user", "administrator", "system" */
  readonly domain: string;
}

/** `decisions` in the order in which they count; `base` is what holds where none decides. */
export function combineDecisions(decisions: readonly DomainDecision[], base: Trust): Trust {
  if (decisions.length === 0) return base;
  const purposes: Partial<Record<Purpose, PurposeTrust>> = {};
  for (const purpose of PURPOSES) {
    const decided = decisions.find((decision) => decision.purposes[purpose] !== undefined);
    purposes[purpose] = decided?.purposes[purpose] ?? base.purposes[purpose];
  }
  return trustFor(purposes, decisions.map(({ domain, words }) => `${domain}: ${words}`).join('; '));
}
