/** A certificate against the blocklist: pure, and fast for the many that match nothing. */

import { X509Certificate } from 'node:crypto';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import {
  distrustsOf,
  nameHash,
  type CompiledAdvisory,
  type CompiledBlocklist,
  type CompiledCertificate,
  type CompiledDistrust,
  type CompiledNameRule,
} from '../blocklist/compile.ts';
import {
  canonicalSpkiSha256Of,
  certificateFrom,
  exactSha256Of,
  isSelfIssued,
  serialNumberOf,
  sha1Of,
  spkiSha256Of,
  tbsSha256Of,
  type Certificate,
  type Sha256,
} from '../core/certificate.ts';
import { nameKey, parseName, type NameAttribute } from '../core/name.ts';
import { createNameMatcher } from './name-rules.ts';
import { rootsOfToday } from './programs.ts';

/**
 * How a certificate was recognised, strongest first. certificate: itself; body: the same signed body in another
 * outer encoding; key: the same public key; issuer: signed by a blocked key; name: named like one (suspected).
 */
export type MatchKind = 'certificate' | 'body' | 'key' | 'issuer' | 'name';

export interface Match {
  readonly advisory: CompiledAdvisory;
  /** Id of the blocked certificate or name rule within it. */
  readonly record: string;
  /** Programmes whose clean, current systems ship this very certificate. */
  readonly stillShippedBy: readonly string[];
  /** Who distrusts the certificate that the record is about. */
  readonly distrustedBy: readonly CompiledDistrust[];
  readonly kind: MatchKind;
  readonly severity: Severity;
  /** How sure a match by name is. */
  readonly confidence?: 'high' | 'medium' | 'low';
}

export interface MatcherOptions {
  /** Use name rules that nobody has seen in the wild. */
  readonly unverifiedNames: boolean;
  /** The DER of a blocked certificate that the list carries. */
  readonly blockedCertificate: (sha256: Sha256) => Uint8Array | undefined;
}

export type Matcher = (certificate: Certificate) => readonly Match[];

const NO_MATCH: readonly Match[] = [];
/** The same root sits in five to ten stores. Enough for every store of a machine; bounded for a hostile one. */
const MEMO_SIZE = 20_000;

export function createMatcher(blocklist: CompiledBlocklist, options: MatcherOptions): Matcher {
  const find = createFinder(blocklist, options);
  const memo = new Map<Sha256, readonly Match[]>();
  return (certificate) => {
    // One that is known by its hash alone cannot match by key or name, as the whole certificate may.
    if (certificate.der.length === 0) return find(certificate);
    const known = memo.get(certificate.sha256);
    if (known) return known;
    if (memo.size >= MEMO_SIZE) memo.clear();
    const matches = find(certificate);
    memo.set(certificate.sha256, matches);
    return matches;
  };
}

function createFinder(blocklist: CompiledBlocklist, options: MatcherOptions): Matcher {
  const index = indexBlocklist(blocklist);
  const programRoots = rootsOfToday(blocklist);
  const rules = blocklist.names.filter(({ evidence }) => options.unverifiedNames || evidence === 'seen');
  const matchName = createNameMatcher(rules);
  const matchOf = (record: CompiledCertificate, kind: MatchKind): Match => {
    const advisory = advisoryOf(blocklist, record.advisory);
    // Another certificate on the same key, or one that it issued, is not itself shipped by anyone.
    const itself = kind === 'certificate' || kind === 'body';
    const stillShippedBy = (itself && record.stillShippedBy) || [];
    const distrustedBy = distrustsOf(blocklist, record);
    return { advisory, record: record.id, stillShippedBy, distrustedBy, kind, severity: advisory.severity };
  };

  return (certificate) => {
    const itself = index.bySha256.get(certificate.sha256);
    const direct = itself ? [matchOf(itself, 'certificate')] : NO_MATCH;
    // A root that programmes trust today is what its own record says, and nothing that a key or a name suggests.
    if (programRoots.has(certificate.sha256) || !certificate.layout) return direct;
    const same = findSameBodyOrKey(certificate, index, options).map(({ record, kind }) =>
      matchOf(record, kind),
    );
    if (direct.length + same.length > 0) return strongestPerAdvisory([...direct, ...same]);
    const subject = parseName(certificate.der, certificate.layout.subject);
    const issuer = isSelfIssued(certificate)
      ? undefined
      : parseName(certificate.der, certificate.layout.issuer);
    const bySerial = matchSerial(certificate, issuer ?? subject, index);
    if (bySerial) return [matchOf(bySerial, 'certificate')];
    const issuing = issuer && findIssuer(certificate, issuer, index, options);
    if (issuing) return [matchOf(issuing, 'issuer')];
    const rule = matchName(subject) ?? (issuer && matchName(issuer));
    return rule ? [suspicion(blocklist, rule)] : NO_MATCH;
  };
}

interface Index {
  readonly bySha256: ReadonlyMap<string, CompiledCertificate>;
  readonly byKey: ReadonlyMap<string, readonly CompiledCertificate[]>;
  readonly bySerial: ReadonlyMap<string, readonly CompiledCertificate[]>;
  readonly byIssuerName: ReadonlyMap<string, readonly CompiledCertificate[]>;
}

function indexBlocklist({ certificates }: CompiledBlocklist): Index {
  const bySha256 = new Map<string, CompiledCertificate>();
  const byKey = new Map<string, CompiledCertificate[]>();
  const bySerial = new Map<string, CompiledCertificate[]>();
  const byIssuerName = new Map<string, CompiledCertificate[]>();
  for (const certificate of certificates) {
    const { sha256, keys, serial, issuerName } = certificate;
    if (sha256) bySha256.set(sha256, certificate);
    for (const key of keys) append(byKey, key, certificate);
    if (serial) append(bySerial, serial.number, certificate);
    if (issuerName !== undefined) append(byIssuerName, issuerName, certificate);
  }
  return { bySha256, byKey, bySerial, byIssuerName };
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

interface Found {
  readonly record: CompiledCertificate;
  readonly kind: MatchKind;
}

/** Bytes around the certificate, another length form, or another outer algorithm leave the signed body the same. */
function findSameBodyOrKey(
  certificate: Certificate,
  index: Index,
  { blockedCertificate }: MatcherOptions,
): readonly Found[] {
  const exact = exactSha256Of(certificate);
  const itself = exact && index.bySha256.get(exact);
  if (itself) return [{ record: itself, kind: 'body' }];
  const sameKey = findSameKey(certificate, index);
  if (sameKey.length === 0) return [];
  // The same body has the same key, so only a certificate whose key is listed needs its body hashed.
  const body = tbsSha256Of(certificate);
  const sameBody = sameKey.find(({ sha256 }) => {
    const der = sha256 && blockedCertificate(sha256);
    return der !== undefined && tbsSha256Of(certificateFrom(der)) === body;
  });
  if (sameBody) return [{ record: sameBody, kind: 'body' }];
  return sameKey.filter(({ matchKey }) => matchKey !== false).map((record) => ({ record, kind: 'key' }));
}

function findSameKey(certificate: Certificate, index: Index): readonly CompiledCertificate[] {
  const key = spkiSha256Of(certificate);
  const canonical = canonicalSpkiSha256Of(certificate);
  return (key && index.byKey.get(key)) ?? (canonical && index.byKey.get(canonical)) ?? [];
}

/** For records known by nothing but a serial number with an issuer, or with a SHA-1 fingerprint. */
function matchSerial(
  certificate: Certificate,
  issuer: readonly NameAttribute[],
  { bySerial }: Index,
): CompiledCertificate | undefined {
  return bySerial.get(serialNumberOf(certificate))?.find(({ serial, sha1 }) => {
    if (sha1 !== undefined) return sha1 === sha1Of(certificate);
    return serial?.issuer === nameKey(issuer);
  });
}

/** A blocked certificate whose key verifiably signed this one. */
function findIssuer(
  certificate: Certificate,
  issuer: readonly NameAttribute[],
  index: Index,
  { blockedCertificate }: MatcherOptions,
): CompiledCertificate | undefined {
  return index.byIssuerName.get(nameHash(issuer))?.find(({ sha256 }) => {
    const der = sha256 && blockedCertificate(sha256);
    return der !== undefined && isSignedBy(certificate.der, der);
  });
}

function isSignedBy(der: Uint8Array, issuer: Uint8Array): boolean {
  try {
    return new X509Certificate(der).verify(new X509Certificate(issuer).publicKey);
  } catch {
    // An algorithm or encoding that OpenSSL does not take: then nothing is proven.
    return false;
  }
}

/** A name alone never weighs more than its confidence allows. */
const CONFIDENCE_CAP = { high: 'critical', medium: 'medium', low: 'low' } as const;

function suspicion(blocklist: CompiledBlocklist, rule: CompiledNameRule): Match {
  const advisory = advisoryOf(blocklist, rule.advisory);
  const cap = CONFIDENCE_CAP[rule.confidence];
  return {
    advisory,
    record: rule.id,
    stillShippedBy: [],
    distrustedBy: [],
    kind: 'name',
    severity: severityRank(advisory.severity) > severityRank(cap) ? cap : advisory.severity,
    confidence: rule.confidence,
  };
}

/** One match per advisory, the strongest; a weaker one of another advisory only if it is more severe. */
function strongestPerAdvisory(matches: readonly Match[]): readonly Match[] {
  const kept: Match[] = [];
  for (const match of matches) {
    if (kept.some(({ advisory }) => advisory === match.advisory)) continue;
    if (kept.some(({ severity }) => severityRank(severity) >= severityRank(match.severity))) continue;
    kept.push(match);
  }
  return kept;
}

export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

function advisoryOf(blocklist: CompiledBlocklist, index: number): CompiledAdvisory {
  const advisory = blocklist.advisories[index];
  if (!advisory) throw new RangeError(`advisory ${index} of a damaged blocklist`);
  return advisory;
}
