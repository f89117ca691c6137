/** How NSS's certutil finds one certificate of a database and no other, and what proves it before anything changes. */

import { asBuffer, equalBytes } from '../../core/bytes.ts';
import { certificateFrom, hasSameSubject, type Certificate } from '../../core/certificate.ts';
import { quoteSh } from '../../core/shell.ts';
import type { Target } from '../../core/target.ts';
import type { Cert9Entry } from '../../formats/nss-cert9.ts';
import type { Step } from './steps.ts';
import { sha256Command } from './unchanged.ts';

const TOKEN = 'pkcs11:token=NSS%20Certificate%20DB';

/** A step and what has to be said with it, or why there is none. */
export type NssStep =
  | { readonly step: Step; readonly warning?: string | undefined; readonly note: string }
  | { readonly obstacle: string };

export interface Selector {
  /** For `-n`. */
  readonly name: string;
  readonly checks: readonly SelectorCheck[];
}

/** The certificate of this name has this hash; without a hash: there is none of this name. */
export interface SelectorCheck {
  readonly name: string;
  readonly sha256?: string;
}

/**
 * By nickname where that is exact: certutil reads a colon as the end of a token's name, and of several certificates
 * with one nickname it deletes the one it thinks best. Else by CKA_ID, which NSS derives from the key.
 */
export function selectorOf(
  entries: readonly Cert9Entry[],
  held: readonly Cert9Entry[],
  certificate: Certificate,
): Selector | undefined {
  const others = entries.filter(({ der }) => !equalBytes(der, certificate.der));
  const [entry] = held;
  // NSS takes rows with the same issuer and serial number for one certificate.
  if (!entry || others.some(({ identity }) => held.some((one) => one.identity === identity)))
    return undefined;
  const exact = (name: string): SelectorCheck[] => {
    // -r prints every certificate of the same subject: it proves the name only where there is one.
    if (others.some((other) => hasSameSubject(certificateFrom(other.der), certificate))) return [];
    return [{ name, sha256: certificate.sha256 }];
  };
  const { nickname, keyId } = entry;
  if (isPlainNickname(entry) && others.every((other) => other.nickname !== nickname)) {
    return { name: nickname, checks: exact(nickname) };
  }
  if (keyId.length === 0 || others.some((other) => equalBytes(other.keyId, keyId))) return undefined;
  const name = uriOf(keyId);
  // Old versions of NSS do not look at the id: there this name would find a certificate.
  return { name, checks: [{ name: uriOf(Buffer.from('00', 'hex')) }, ...exact(name)] };
}

function uriOf(keyId: Uint8Array): string {
  const id = asBuffer(keyId).toString('hex').replaceAll(/../g, '%$&');
  return `${TOKEN};id=${id};type=cert`;
}

/** What certutil takes for a nickname and nothing else. */
export function isPlainNickname({
  nickname,
  nicknameExact,
}: Pick<Cert9Entry, 'nickname' | 'nicknameExact'>): boolean {
  return nicknameExact && /^[^-:\p{C}\p{Z}][^:\p{C}\p{Zl}\p{Zp}]*$/u.test(nickname);
}

/** Checks as commands for the database at a host path: "sql:/home/…". */
export function checkCommands(target: Target, database: string, checks: readonly SelectorCheck[]): string[] {
  const list = `certutil -L -d ${quoteSh(database)}`;
  const lines = checks.map(({ name, sha256 }) =>
    sha256 === undefined
      ? `! ${list} -n ${quoteSh(name)} > /dev/null 2>&1`
      : `test "$(${list} -n ${quoteSh(name)} -r | ${sha256Command(target)})" = '${sha256}  -'`,
  );
  return [...new Set(lines)];
}

/** The same as arguments, for a copy of the database: "sql:{}". */
export function checkArguments(
  target: Target,
  database: string,
  checks: readonly SelectorCheck[],
): string[][] {
  const list = 'certutil -L -d "$1" -n "$2"';
  const sum = `test "$(${list} -r | ${sha256Command(target)})" = "$3  -"`;
  const words = checks.map(({ name, sha256 }) =>
    sha256 === undefined
      ? ['sh', '-c', `! ${list} > /dev/null 2>&1`, 'sh', database, name]
      : ['sh', '-c', sum, 'sh', database, name, sha256],
  );
  return [...new Map(words.map((each) => [each.join('\n'), each])).values()];
}
