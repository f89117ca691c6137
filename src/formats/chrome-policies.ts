/**
 * The policies of Chrome and its relatives that add or ban roots: https://chromeenterprise.google/policies/
 * (CACertificates and its neighbours, from Chrome 128 on).
 */

import type { Diagnostic } from '../core/errors.ts';
import { decodeBase64, endOfBase64 } from './base64.ts';
import { asArray, asDictionary, asString, type PlistDictionary, type PlistValue } from './plist.ts';
import { unwrapJson } from './policy-values.ts';

const CERTIFICATE_POLICIES = [
  'CACertificates',
  'CACertificatesWithConstraints',
  'CADistrustedCertificates',
  'CAHintCertificates',
] as const;

export type CertificatePolicy = (typeof CERTIFICATE_POLICIES)[number];

export interface PolicyCertificate {
  readonly policy: CertificatePolicy;
  /** In the policy's list, from 0. */
  readonly index: number;
  readonly der: Uint8Array;
  /** Only for these, where there are any: "example.org", "10.1.0.0/16". */
  readonly names: readonly string[];
}

export interface ChromePolicies {
  readonly certificates: readonly PolicyCertificate[];
  /** The policies about roots that are set at all, if only to an empty list. */
  readonly set: readonly string[];
  /** The platform's own added roots are ignored. */
  readonly ignoresPlatform: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_ENTRIES = 10_000;
const MAX_TEXT = 1 << 20;
const MAX_NAMES = 1000;
const MAX_DIAGNOSTICS = 100;
const PLATFORM = 'CAPlatformIntegrationEnabled';

export function readChromePolicies(policies: PlistDictionary): ChromePolicies {
  const certificates: PolicyCertificate[] = [];
  const diagnostics: Diagnostic[] = [];
  const report = (code: 'malformed' | 'limit' | 'too-large', message: string): void => {
    if (diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push({ level: 'error', code, message });
  };
  for (const policy of CERTIFICATE_POLICIES) {
    const value = policies.get(policy);
    if (value === undefined) continue;
    const list = asArray(unwrapJson(value));
    if (!list) report('malformed', `${policy} is not a list`);
    for (const [index, item] of (list ?? []).entries()) {
      if (certificates.length >= MAX_ENTRIES) {
        report('limit', `more than ${MAX_ENTRIES} certificates`);
        break;
      }
      const { text, names } = read(policy, item);
      const about = `${policy}, entry ${index + 1}`;
      if (text !== undefined && text.length > MAX_TEXT)
        report('too-large', `${about}: more than ${MAX_TEXT} characters`);
      const der = text === undefined || text.length > MAX_TEXT ? undefined : decode(text);
      if (der) certificates.push({ policy, index, der, names });
      else if (text === undefined || text.length <= MAX_TEXT)
        report('malformed', `${about}: no certificate in base64`);
    }
  }
  return {
    certificates,
    set: [...CERTIFICATE_POLICIES, PLATFORM].filter((name) => policies.has(name)),
    ignoresPlatform: policies.get(PLATFORM) === false || policies.get(PLATFORM) === 0,
    diagnostics,
  };
}

function read(
  policy: CertificatePolicy,
  item: PlistValue,
): { readonly text: string | undefined; readonly names: readonly string[] } {
  if (policy !== 'CACertificatesWithConstraints') return { text: asString(item), names: [] };
  const entry = asDictionary(unwrapJson(item));
  const constraints = asDictionary(entry?.get('constraints'));
  const names = ['permitted_dns_names', 'permitted_cidrs'].flatMap((key) =>
    (asArray(constraints?.get(key)) ?? []).flatMap((name) => asString(name) ?? []),
  );
  return { text: asString(entry?.get('certificate')), names: names.slice(0, MAX_NAMES) };
}

function decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === 0 || endOfBase64(bytes, 0) < bytes.length) return undefined;
  const der = decodeBase64(bytes, 0, bytes.length);
  return der && der.length > 0 ? der : undefined;
}
