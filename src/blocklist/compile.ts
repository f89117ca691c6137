/**
 * The blocklist in the form a scan needs: what a match is decided by and what a finding says, in one small file.
 * The stories and the records in full stay in the advisory files, for `rootaudit explain`.
 */

import { asBuffer } from '../core/bytes.ts';
import { certificateFrom, sha256 as sha256Of, type Sha256 } from '../core/certificate.ts';
import { nameKey, parseName, type NameAttribute } from '../core/name.ts';
import type { Advisory, BlockedCertificate, Distrust, Manifest, NameRule, RootPrograms } from './advisory.ts';

/** What a finding says about its advisory. */
export type CompiledAdvisory = Pick<
  Advisory,
  'id' | 'title' | 'summary' | 'category' | 'severity' | 'references'
>;

/** Who took trust away, how and when. */
export type CompiledDistrust = Pick<Distrust, 'program' | 'action' | 'date'>;

export interface CompiledCertificate {
  /** Index into advisories. */
  readonly advisory: number;
  /** The record's id within its advisory. */
  readonly id: string;
  readonly sha256?: Sha256;
  /** Every hash under which its key may be found. */
  readonly keys: readonly Sha256[];
  /** False where a match by key alone would hit a root that programmes still trust. */
  readonly matchKey?: false;
  readonly stillShippedBy?: readonly string[];
  /** Of a record that neither a SHA-256 nor a key identifies: its serial number, with its issuer or its SHA-1. */
  readonly serial?: { readonly number: string; readonly issuer?: string };
  readonly sha1?: string;
  /** {@link nameHash} of its subject, where the certificate is at hand and may have issued others. */
  readonly issuerName?: string;
}

export interface CompiledNameRule {
  readonly advisory: number;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly confidence: NameRule['confidence'];
  readonly evidence: NameRule['evidence'];
}

export interface CompiledBlocklist {
  readonly version: string;
  readonly date: string;
  /** SHA-256 of the manifest, which in turn carries the digest of every file. */
  readonly digest: Sha256;
  readonly advisories: readonly CompiledAdvisory[];
  readonly certificates: readonly CompiledCertificate[];
  /** Each once: many certificates left on the same day. */
  readonly distrusts: readonly CompiledDistrust[];
  /** A line for each of certificates, with its indices into distrusts: as text, since few scans need any of it. */
  readonly distrustedBy: string;
  readonly names: readonly CompiledNameRule[];
  /** Who ships roots: programmes of today first. Their index is the bit in {@link programRoots}. */
  readonly programs: readonly string[];
  /** How many of {@link programs} are the programmes of today; the others know what was shipped at some time. */
  readonly programsOfToday: number;
  /** SHA-256 to the programs that ship it, as bits. */
  readonly programRoots: Readonly<Record<string, number>>;
}

export interface BlocklistSource {
  readonly manifest: Manifest;
  readonly digest: Sha256;
  readonly advisories: readonly Advisory[];
  readonly programs: RootPrograms;
  /** The DER of a blocked certificate that the list carries. */
  certificate(sha256: Sha256): Uint8Array | undefined;
}

export function compileBlocklist(source: BlocklistSource): CompiledBlocklist {
  const { manifest, digest, advisories, programs } = source;
  const trustedKeys = keysStillTrusted(source);
  return {
    version: manifest.version,
    date: manifest.date,
    digest,
    advisories: advisories.map(({ id, title, summary, category, severity, references }) => ({
      id,
      title,
      summary,
      category,
      severity,
      references,
    })),
    certificates: advisories.flatMap((advisory, index) =>
      advisory.certificates.map((certificate) => compileCertificate(certificate, index, source, trustedKeys)),
    ),
    ...compileDistrusts(advisories.flatMap(({ certificates }) => certificates)),
    names: advisories.flatMap((advisory, index) =>
      advisory.names.map(({ id, attributes, confidence, evidence }) => ({
        advisory: index,
        id,
        attributes,
        confidence,
        evidence,
      })),
    ),
    programs: [...TODAY, ...ONCE],
    programsOfToday: TODAY.length,
    programRoots: programRootsOf(programs),
  };
}

function compileDistrusts(
  certificates: readonly BlockedCertificate[],
): Pick<CompiledBlocklist, 'distrusts' | 'distrustedBy'> {
  const known = new Map<string, number>();
  const distrusts: CompiledDistrust[] = [];
  const lines = certificates.map(({ distrustedBy }) => {
    const indices = distrustedBy.map(({ program, action, date }) => {
      const key = `${program} ${action} ${date}`;
      const index = known.get(key) ?? distrusts.push({ program, action, date }) - 1;
      known.set(key, index);
      return index;
    });
    return [...new Set(indices)].join(' ');
  });
  return { distrusts, distrustedBy: lines.join('\n') };
}

/** What programmes did to a certificate of the list. */
export function distrustsOf(
  { certificates, distrusts, distrustedBy }: CompiledBlocklist,
  certificate: CompiledCertificate,
): readonly CompiledDistrust[] {
  const line = distrustedBy.split('\n')[certificates.indexOf(certificate)] ?? '';
  return line.split(' ').flatMap((index) => (index === '' ? [] : (distrusts[Number(index)] ?? [])));
}

const TODAY = ['mozilla', 'chrome', 'apple', 'microsoft', 'android', 'windows-required'];
const ONCE = ['windows-builtin', 'java'];

function programRootsOf(programs: RootPrograms): Readonly<Record<string, number>> {
  const shipped = new Map<string, number>();
  const add = (sha256: string, program: string): void => {
    const bit = [...TODAY, ...ONCE].indexOf(program);
    if (bit >= 0) shipped.set(sha256, (shipped.get(sha256) ?? 0) | (1 << bit));
  };
  for (const [sha256, names] of Object.entries(programs.roots)) for (const name of names) add(sha256, name);
  for (const sha256 of programs.windowsRequired) add(sha256, 'windows-required');
  for (const sha256 of programs.windowsBuiltin) add(sha256, 'windows-builtin');
  for (const sha256 of programs.java) add(sha256, 'java');
  return Object.fromEntries(shipped);
}

/** Keys of listed roots that programmes trust all the same: another certificate on them may be just as live. */
function keysStillTrusted({ advisories, programs }: BlocklistSource): ReadonlySet<Sha256> {
  const keys = new Set<Sha256>();
  for (const { sha256, spkiSha256, stillShippedBy } of advisories.flatMap(
    ({ certificates }) => certificates,
  )) {
    const isTrusted = stillShippedBy !== undefined || (sha256 && programs.roots[sha256] !== undefined);
    if (isTrusted && spkiSha256) keys.add(spkiSha256);
  }
  return keys;
}

function compileCertificate(
  blocked: BlockedCertificate,
  advisory: number,
  source: BlocklistSource,
  trustedKeys: ReadonlySet<Sha256>,
): CompiledCertificate {
  const { id, sha256, sha1, spkiSha256, spkiSha256Canonical, issuer, serialNumber } = blocked;
  const keys = [spkiSha256, spkiSha256Canonical].filter((key) => key !== undefined);
  const der = sha256 && source.certificate(sha256);
  const known = der && certificateFrom(der);
  const identified = sha256 !== undefined || spkiSha256 !== undefined;
  return {
    advisory,
    id,
    ...(sha256 && { sha256 }),
    keys,
    ...(blocked.stillShippedBy && { stillShippedBy: blocked.stillShippedBy }),
    ...((blocked.matchKey === false || keys.some((key) => trustedKeys.has(key))) && {
      matchKey: false as const,
    }),
    ...(!identified && serialNumber !== undefined && { serial: serialOf(serialNumber, issuer) }),
    ...(!identified && sha1 !== undefined && { sha1 }),
    ...(known?.layout && { issuerName: nameHash(parseName(known.der, known.layout.subject)) }),
  };
}

function serialOf(number: string, issuer: string | undefined): { number: string; issuer?: string } {
  return issuer === undefined ? { number } : { number, issuer: nameKeyOfText(issuer) };
}

/** Short enough for an index; what it finds is proven by a signature. */
export function nameHash(name: readonly NameAttribute[]): string {
  return sha256Of(Buffer.from(nameKey(name))).slice(0, 16);
}

/** The comparable form of a name written as RFC 4514 text. */
function nameKeyOfText(text: string): string {
  const attributes = splitUnescaped(text).flatMap((part) => {
    const equals = part.indexOf('=');
    if (equals < 0) return [];
    const type = part.slice(0, equals).trim();
    const value = unescapeValue(part.slice(equals + 1));
    return [{ type: type === '1.2.840.113549.1.9.1' ? 'emailAddress' : type, value }];
  });
  return nameKey(attributes);
}

function splitUnescaped(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',' || text[i] === '+') {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function unescapeValue(value: string): string {
  const bytes: number[] = [];
  for (const match of value.matchAll(/\\([0-9A-Fa-f]{2})|\\(.)|([^\\])/gsu)) {
    const [, hex, escaped, plain] = match;
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else bytes.push(...Buffer.from(escaped ?? plain ?? '', 'utf8'));
  }
  return asBuffer(Uint8Array.from(bytes)).toString('utf8');
}
