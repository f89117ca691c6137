/** What a certificate in a store of Windows is trusted for: the store it lies in, its properties, and what refuses it. */

import {
  distrustedForAll,
  heldOnly,
  PURPOSE_BY_OID,
  PURPOSES,
  trustFor,
  type Purpose,
  type PurposeTrust,
  type Trust,
} from '../../core/trust.ts';
import { ANY_PURPOSE } from '../../formats/cert-aux.ts';
import { Property, timeProperty, usageProperty, type Properties } from '../../formats/windows-blob.ts';

/** Stores whose certificates end a chain; their names compare without case. */
const ANCHOR_STORES = new Set(['root', 'authroot', 'smartcardroot']);

/** What the other stores are, in words. */
const HELD: Readonly<Record<string, string>> = {
  ca: 'an intermediate, no anchor',
  my: 'a certificate of its own, no anchor',
  trustedpeople: 'an end certificate for Windows; Node.js with --use-system-ca takes it for a root',
  trustedpublisher: 'a publisher; its chain must be trusted elsewhere',
  flightroot: "for Microsoft's test builds only",
};

export function isAnchorStore(store: string): boolean {
  return ANCHOR_STORES.has(store.toLowerCase());
}

/** The trust of a certificate in a store that nothing refuses. `now` in milliseconds since 1970. */
export function trustInStore(store: string, properties: Properties, now: number): Trust {
  const name = store.toLowerCase();
  if (name === 'disallowed') return distrustedForAll(store);
  if (!ANCHOR_STORES.has(name)) return heldOnly(`${store}: ${HELD[name] ?? 'not a store of roots'}`);
  return trustByProperties(store, properties, now);
}

/**
 * Without an enhanced key usage a root is trusted for everything. A date from which on it is refused counts for the
 * refused usages, if there are any, and for everything else otherwise.
 */
export function trustByProperties(place: string, properties: Properties, now: number): Trust {
  const allowed = usageProperty(properties, Property.enhancedKeyUsage);
  const refused = usageProperty(properties, Property.disallowedUsage);
  const since = timeProperty(properties, Property.disallowedSince);
  const expressed = describe(place, properties, now);
  const isRefused = since !== undefined && since <= now;
  if ((isRefused && !refused) || allowed?.length === 0) return distrustedForAll(expressed);
  const purposes: Partial<Record<Purpose, PurposeTrust>> = {};
  for (const purpose of PURPOSES) {
    if (lists(refused, purpose))
      purposes[purpose] = since === undefined || isRefused ? 'distrusted' : 'trusted';
    else if (!allowed || lists(allowed, purpose)) purposes[purpose] = 'trusted';
  }
  return trustFor(purposes, expressed);
}

function lists(oids: readonly string[] | undefined, purpose: Purpose): boolean {
  return oids?.some((oid) => oid === ANY_PURPOSE || PURPOSE_BY_OID.get(oid) === purpose) ?? false;
}

function describe(place: string, properties: Properties, now: number): string {
  const allowed = usageProperty(properties, Property.enhancedKeyUsage);
  const refused = usageProperty(properties, Property.disallowedUsage);
  const since = timeProperty(properties, Property.disallowedSince);
  const issuedBefore = timeProperty(properties, Property.notBefore);
  const limited = usageProperty(properties, Property.notBeforeUsage);
  const parts = [place];
  if (allowed) parts.push(allowed.length === 0 ? 'for nothing' : `for ${names(allowed)}`);
  if (refused) parts.push(`not for ${names(refused)}`);
  if (since !== undefined) {
    const day = dayOf(since);
    parts.push(
      since > now ? `refused from ${day} on` : day === undefined ? 'refused' : `refused since ${day}`,
    );
  }
  if (issuedBefore !== undefined) {
    const what = limited ? ` for ${names(limited)}` : '';
    parts.push(`only what was issued before ${dayOf(issuedBefore) ?? 'any time'}${what}`);
  }
  return parts.join(', ');
}

const MAX_NAMES = 8;

function names(oids: readonly string[]): string {
  const shown = oids.map((oid) => (oid === ANY_PURPOSE ? 'any' : (PURPOSE_BY_OID.get(oid) ?? oid)));
  const more = shown.length - MAX_NAMES;
  return [...shown.slice(0, MAX_NAMES), ...(more > 0 ? [`${more} more`] : [])].join(' ') || 'nothing';
}

/** Undefined for a date of no meaning: before 1970, or one that no calendar has. */
function dayOf(time: number): string | undefined {
  return time > 0 && time < 8.64e15 ? new Date(time).toISOString().slice(0, 10) : undefined;
}
