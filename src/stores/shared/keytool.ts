/** Taking certificates out of a Java keystore with the JDK's keytool. */

import { equalBytes } from '../../core/bytes.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { parseKeystore, type KeystoreEntry, type ParsedKeystore } from '../../formats/keystore.ts';
import { keepCommands } from './backup.ts';
import { readFile, realPathOr } from './content.ts';
import { editAction, placeholderFor, planOf, type Step } from './steps.ts';

/** The entry name shown for a keystore entry. */
export function entryName({ alias }: KeystoreEntry, index: number): string {
  return alias === '' ? `entry ${index + 1} (no alias)` : alias;
}

/** Well-known passwords only: one that the user gave must not be printed. */
export function removeWithKeytool(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const file = location.path;
  const elevated = location.scope !== 'user';
  const read = readFile(target, file);
  if ('failed' in read) return manual(`${file} cannot be read now; scan again.`, elevated);
  const keystore = parseKeystore(read.bytes);
  const held = keystore.entries.filter((entry, index) => isHeldAs(anchors, entry, index));
  const obstacle = obstacleOf(file, keystore, held);
  if (obstacle !== undefined) return manual(obstacle, elevated);
  const aliases = [...new Set(held.map(({ alias }) => keytoolAlias(alias, keystore)))];
  const losses = lossesOf(keystore);
  return planOf(target, [deletions(target, location, keystore, aliases)], {
    disposition: losses.length > 0 ? 'unsafe' : 'safe',
    elevated,
    notes: [...losses, ...keysNote(keystore)],
    byHand: isLiveWindows(target)
      ? `Copy ${file} to a safe place, then delete the entry with "keytool -delete" in an elevated prompt.`
      : `A shell cannot carry the name of the entry or of ${file}; delete it with a Java program.`,
  });
}

function isLiveWindows({ kind, platform }: Target): boolean {
  return kind === 'live' && platform === 'win32';
}

/** One copy of the file, and one run of keytool for each alias. */
function deletions(
  target: Target,
  location: StoreLocation,
  keystore: ParsedKeystore,
  aliases: readonly string[],
): Step {
  const file = realPathOr(target, location.path);
  const placeholder = placeholderFor(aliases);
  const runs = aliases.map((alias) =>
    keytoolWords(alias, placeholder.placeholder ?? '{}', keystore, isLiveWindows(target)),
  );
  const edited = { path: file, directory: false, files: [file] };
  const actions = [editAction(target, edited, runs, placeholder)];
  const host = target.hostPath(location.path);
  if (isLiveWindows(target) || !canQuoteSh(host) || !aliases.every(canQuoteSh)) {
    return { commands: undefined, undo: [], actions };
  }
  const { commands, undo } = keepCommands(target, location, [location.path]);
  const lines = aliases.map((alias) => {
    const [first = '', ...words] = keytoolWords(alias, host, keystore, false);
    // Of `env NAME=value keytool`, a shell needs no env.
    return (first === 'env' ? words : [first, ...words]).map(quoteWord).join(' ');
  });
  return { commands: [...commands, ...lines], undo, actions };
}

const LOCALE = 'LC_ALL=C.UTF-8';

/** What needs no quotes, though it looks like an option. */
const OURS = /^-(?:delete|alias|keystore|storepass|storetype|J-Dkeystore[\w.=]+)$/;

function quoteWord(word: string): string {
  return word === LOCALE || OURS.test(word) ? word : quoteSh(word);
}

function keytoolWords(alias: string, file: string, keystore: ParsedKeystore, isWindows: boolean): string[] {
  // Java before 18 takes its arguments in the locale's encoding.
  const locale = isWindows || /^[\x20-\x7e]*$/.test(alias) ? [] : ['env', LOCALE];
  const password = keystore.password ?? 'changeit';
  const words = ['keytool', '-delete', '-alias', alias, '-keystore', file, '-storepass', password];
  return [...locale, ...words, ...typeOptions(alias, keystore)];
}

function isHeldAs(anchors: readonly TrustAnchor[], entry: KeystoreEntry, index: number): boolean {
  const name = entryName(entry, index);
  return anchors.some(
    ({ entry: shown, certificate }) => shown === name && equalBytes(certificate.der, entry.der),
  );
}

/** Why keytool cannot be told what to do, in words. */
function obstacleOf(
  file: string,
  keystore: ParsedKeystore,
  held: readonly KeystoreEntry[],
): string | undefined {
  if (keystore.format === 'BKS' || keystore.format === 'BCFKS') {
    return `Copy ${file} to a safe place, then run "keytool -delete" on the entry with "-storetype ${keystore.format} -providerpath bcprov.jar -provider org.bouncycastle.jce.provider.BouncyCastleProvider": only Bouncy Castle's library writes such a file.`;
  }
  if (held.length === 0) return `The entry is no longer in ${file}; scan again.`;
  if (!held.every(({ anchor }) => anchor)) {
    return `Java does not trust this entry of ${file}; keytool removes trusted entries only.`;
  }
  if (keystore.diagnostics.some(({ level }) => level === 'error')) {
    return `${file} could be read only in part; keytool would lose the rest when it writes it anew.`;
  }
  if (keystore.password === undefined && !keystore.passwordLess) {
    return `Copy ${file} to a safe place, then run "keytool -delete" on the entry; keytool asks for its password.`;
  }
  const aliases = held.map(({ alias }) => keytoolAlias(alias, keystore));
  if (aliases.some((alias) => isBeyondKeytool(alias, keystore))) {
    return `keytool cannot be given the name of this entry of ${file}; delete it with a Java program.`;
  }
  return undefined;
}

/**
 * The launcher of keytool takes every argument that starts with -J as an option for the virtual machine, so such
 * an alias would run what its author likes. An argument is text, which half of a surrogate pair is not. The lower-case
 * keystores have aliases that no command can name.
 */
function isBeyondKeytool(alias: string, { format }: ParsedKeystore): boolean {
  if (/^-J|\0|\p{Cs}/u.test(alias)) return true;
  if (format === 'PKCS#12') return alias === '';
  return format === 'JCEKS' && alias !== alias.toLowerCase();
}

/** PKCS#12 aliases have no case for Java. */
function keytoolAlias(alias: string, { format }: ParsedKeystore): string {
  return format === 'PKCS#12' ? alias.toLowerCase() : alias;
}

function typeOptions(alias: string, { format, passwordLess }: ParsedKeystore): string[] {
  if (format === 'JCEKS') return ['-storetype', 'JCEKS'];
  // Java's JKS looks aliases up in lower case, but loads them as they are.
  if (format === 'JKS' && alias !== alias.toLowerCase()) return ['-storetype', 'CaseExactJKS'];
  if (!passwordLess) return [];
  // So that the file stays password-less with every JDK.
  return ['-J-Dkeystore.pkcs12.macAlgorithm=NONE', '-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE'];
}

/** What keytool drops besides, because Java does not see it. */
function lossesOf({ entries, format, keys }: ParsedKeystore): string[] {
  const losses: string[] = [];
  // Java reads PKCS#12 as text: halves of surrogate pairs are all the same to it.
  const fold = (alias: string): string =>
    format === 'PKCS#12' ? alias.toLowerCase().replaceAll(/\p{Cs}/gu, '\ufffd') : alias;
  const trusted = entries.filter(({ anchor }) => anchor).map(({ alias }) => fold(alias));
  if (new Set(trusted).size < trusted.length) {
    losses.push(
      'Several entries have one name; Java sees only the last of them and keytool drops the others.',
    );
  }
  if (format === 'PKCS#12' && keys === 0 && trusted.length < entries.length) {
    losses.push('Certificates that Java does not see are in the file too; keytool drops them.');
  }
  return losses;
}

function keysNote({ keys }: ParsedKeystore): string[] {
  return keys > 0 ? ['The keystore also holds keys; they stay.'] : [];
}
