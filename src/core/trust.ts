/**
 * Trust as a store expresses it. It is not a boolean: a store can trust a root for TLS, for e-mail or for code
 * only, hold it without trusting it, or hold it in order to distrust it.
 */

export const PURPOSES = [
  'serverAuth',
  'clientAuth',
  'emailProtection',
  'codeSigning',
  'timeStamping',
] as const;

/** Named after the extended key usages of RFC 5280, section 4.2.1.12. */
export type Purpose = (typeof PURPOSES)[number];

export const PURPOSE_BY_OID: ReadonlyMap<string, Purpose> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
]);

export type PurposeTrust = 'trusted' | 'distrusted' | 'neutral';

export interface Trust {
  readonly purposes: Readonly<Record<Purpose, PurposeTrust>>;
  /** The store's own words, such as "CT,C,C" (NSS) or "listed" (a bundle). */
  readonly expressed: string;
}

/** trusted: accepted for something; mitigated: held in order to be refused; present: held, no more. */
export type TrustStatus = 'trusted' | 'mitigated' | 'present';

function forAll(value: PurposeTrust): Readonly<Record<Purpose, PurposeTrust>> {
  return {
    serverAuth: value,
    clientAuth: value,
    emailProtection: value,
    codeSigning: value,
    timeStamping: value,
  };
}

const ALL_TRUSTED = forAll('trusted');
const ALL_DISTRUSTED = forAll('distrusted');
const ALL_NEUTRAL = forAll('neutral');

export function trustedForAll(expressed: string): Trust {
  return { purposes: ALL_TRUSTED, expressed };
}

export function distrustedForAll(expressed: string): Trust {
  return { purposes: ALL_DISTRUSTED, expressed };
}

export function heldOnly(expressed: string): Trust {
  return { purposes: ALL_NEUTRAL, expressed };
}

/** Neutral but for the purposes named. */
export function trustFor(purposes: Partial<Record<Purpose, PurposeTrust>>, expressed: string): Trust {
  return { purposes: { ...ALL_NEUTRAL, ...purposes }, expressed };
}

export function trustStatus(trust: Trust): TrustStatus {
  let status: TrustStatus = 'present';
  for (const purpose of PURPOSES) {
    const value = trust.purposes[purpose];
    if (value === 'trusted') return 'trusted';
    if (value === 'distrusted') status = 'mitigated';
  }
  return status;
}

export function purposesWith(trust: Trust, value: PurposeTrust): Purpose[] {
  return PURPOSES.filter((purpose) => trust.purposes[purpose] === value);
}
