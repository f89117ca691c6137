/** Apple's policies: what a certificate is evaluated for, as trust settings and lists of anchors name it. */

import type { Purpose } from '../core/trust.ts';

export interface ApplePolicy {
  /** As Keychain Access or `security dump-trust-settings` calls it. */
  readonly name: string;
  readonly purposes: readonly Purpose[];
  /**
   * True for an authentication that only resembles the purpose: to be trusted for it is trust for the purpose; to be
   * refused for it refuses only a part.
   */
  readonly partial: boolean;
  /** The word that `security add-trusted-cert -p` takes. */
  readonly option?: string;
}

const MAX_NAME = 100;
/** Object identifiers of Apple's policies begin so; SecPolicy.h and SecPolicyPriv.h have the last number. */
const PREFIX = '1.2.840.113635.100.1.';

const policy = (
  name: string,
  purposes: readonly Purpose[],
  option?: string,
  partial = false,
): ApplePolicy => ({
  name,
  purposes,
  partial,
  ...(option !== undefined && { option }),
});

const POLICIES: ReadonlyMap<string, ApplePolicy> = new Map([
  ['2', policy('X.509 basic policy', [], 'basic')],
  ['3', policy('SSL', ['serverAuth', 'clientAuth'], 'ssl')],
  ['8', policy('S/MIME', ['emailProtection'], 'smime')],
  ['9', policy('EAP', ['serverAuth'], 'eap', true)],
  ['10', policy('software update signing', ['codeSigning'], 'swUpdate', true)],
  ['11', policy('IPsec', ['serverAuth'], 'IPSec', true)],
  ['12', policy('iChat', ['emailProtection'], undefined, true)],
  ['16', policy('code signing', ['codeSigning'], 'codeSign')],
  ['17', policy('package signing', ['codeSigning'], 'pkgSign', true)],
  ['20', policy('time stamping', ['timeStamping'], 'timestamping')],
]);

/** `policyName` narrows SSL down to one side. */
export function applePolicy(oid: string, policyName?: string): ApplePolicy {
  const number = oid.startsWith(PREFIX) ? oid.slice(PREFIX.length) : '';
  const known = POLICIES.get(number);
  if (!known) return policy(`policy ${(policyName ?? oid).slice(0, MAX_NAME)}`, [], undefined, true);
  if (number !== '3') return known;
  if (policyName === 'sslServer') return { ...known, purposes: ['serverAuth'] };
  if (policyName === 'sslClient') return { ...known, name: 'SSL (client)', purposes: ['clientAuth'] };
  return known;
}
