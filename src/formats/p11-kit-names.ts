/**
 * The names that p11-kit's object files use for PKCS#11 attributes and constants. A name that p11-kit does not know
 * makes it refuse the file, so the list of attributes is whole; those without a number have no bearing on trust.
 */

/** Attributes of which a file may also give the number. */
const NUMBERED: ReadonlyMap<number, string> = new Map([
  [0x0, 'class'],
  [0x3, 'label'],
  [0x11, 'value'],
  [0x12, 'object-id'],
  [0x80, 'certificate-type'],
  [0x81, 'issuer'],
  [0x82, 'serial-number'],
  [0x86, 'trusted'],
  [0x129, 'public-key-info'],
  [0xce534373, 'nss-server-distrust-after'],
  [0xd8444764, 'x-distrusted'],
]);

const ATTRIBUTES: ReadonlySet<string> = new Set(
  `class token private label application value object-id certificate-type issuer serial-number ac-issuer owner
  attr-types trusted certificate-category java-midp-security-domain url hash-of-subject-public-key
  hash-of-issuer-public-key check-value key-type subject id sensitive encrypt decrypt wrap unwrap sign
  sign-recover verify recover derive start-date end-date modulus modulus-bits public-exponent private-exponent
  prime-1 prime-2 exponent-1 exponent-2 coefficient public-key-info prime subprime base prime-bits subprime-bits
  value-bits value-len extractable local never-extractable always-sensitive key-gen-mechanism modifiable
  ecdsa-params ec-point secondary-auth auth-pin-flags always-authenticate wrap-with-trusted hw-feature-type
  reset-on-init has-reset pixel-x pixel-y resolution char-rows char-columns color bits-per-pixel char-sets
  encoding-methods mime-types mechanism-type required-cms-attributes default-cms-attributes
  supported-cms-attributes wrap-template unwrap-template allowed-mechanisms nss-url nss-email nss-smime-constant
  nss-smime-timestamp nss-pkcs8-salt nss-password-check nss-expires nss-krl nss-pqg-counter nss-pqg-seed nss-pqg-h
  nss-pqg-seed-bits nss-module-spec nss-mozilla-ca-policy nss-server-distrust-after nss-email-distrust-after
  x-assertion-type x-certificate-value x-purpose x-peer x-distrusted x-critical cert-sha1-hash cert-md5-hash
  trust-digital-signature trust-non-repudiation trust-key-encipherment trust-data-encipherment
  trust-key-agreement trust-key-cert-sign trust-crl-sign trust-server-auth trust-client-auth trust-code-signing
  trust-email-protection trust-ipsec-end-system trust-ipsec-tunnel trust-ipsec-user trust-time-stamping
  trust-step-up-approved profile-id unique-id public-crc64-value`.split(/\s+/),
);

/** Constants a value may be; of those for mechanisms, which no trust store has, only the form is looked at. */
const CONSTANTS: ReadonlySet<string> = new Set(
  `data certificate public-key private-key secret-key hw-feature domain-parameters mechanism nss-crl nss-smime
  nss-trust nss-builtin-root-list nss-newslot nss-delslot x-trust-assertion x-certificate-extension nss-trusted
  nss-trusted-delegator nss-must-verify-trust nss-trust-unknown nss-not-trusted nss-valid-delegator x-509
  x-509-attr-cert wtls rsa dsa dh ec x9-42-dh kea generic-secret rc2 rc4 des des2 des3 cast cast3 cast128 rc5 idea
  skipjack baton juniper cdmf aes blowfish twofish ibm-dilithium nss-pkcs8 x-distrusted-certificate
  x-pinned-certificate x-anchored-certificate unspecified token-user authority other-entry`.split(/\s+/),
);
const MECHANISM =
  /^(?:rsa|dsa|dh|x9|md2|md5|sha\d+|ripemd\d+|rc\d|des\d?|cast\d*|idea|aes|ec|ecdsa|ecdh\d?|ecmqv|pbe|pkcs5|generic|ssl3|tls|wtls|key|concatenate|xor|extract|skipjack|kea|juniper|baton|fasthash|cdmf|cms|blowfish|twofish|fortezza|nss|ibm)-[a-z0-9-]+$/;

/** The one name of an attribute given by name or decimal number; undefined when p11-kit knows no such name. */
export function attributeName(name: string): string | undefined {
  if (/^\d+$/.test(name)) return NUMBERED.get(Number(name)) ?? name;
  if (name === 'x-public-key-info') return 'public-key-info';
  return ATTRIBUTES.has(name) || name.startsWith('ibm-') ? name : undefined;
}

export function isConstant(text: string): boolean {
  return CONSTANTS.has(text) || (text.length < 64 && MECHANISM.test(text));
}

/** The class of an object that matters here, from its name or its number (PKCS#11, CKA_CLASS). */
export function objectClass(value: unknown): 'certificate' | 'extension' | 'other' {
  if (value === 'certificate' || value === 1) return 'certificate';
  return value === 'x-certificate-extension' || value === 0xd84447c8 ? 'extension' : 'other';
}
