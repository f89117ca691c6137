/**
 * Files of vendors that carry certificates in order to refuse them, or as the list that the vendor itself keeps. A name
 * alone proves nothing, so each also has marks that its bytes must hold; that is no proof against someone who forges
 * such a file, as README.md says.
 */

import { FsError, type Target } from '../core/target.ts';
import type { EmbeddedCertificate } from '../core/embedded.ts';

interface Carrier {
  readonly name: RegExp;
  /** Byte strings, as latin1, that all have to be in the file. */
  readonly marks: readonly string[];
  /** Fewer certificates than this are no vendor's list. */
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly words: string;
}

const utf16 = (text: string): string => Buffer.from(text, 'utf16le').toString('latin1');

const CARRIERS: readonly Carrier[] = [
  {
    name: /^(?:lib)?nssckbi\.(?:so(?:\.\d+)*|dylib|dll|chk)$/i,
    marks: ['NSS Builtin Object Cryptoki Module', 'Builtin Object Token', 'Mozilla Builtin Roots'],
    atLeast: 50,
    words: "in the list that Mozilla builds into NSS, with Mozilla's own distrust",
  },
  {
    name: /^(?:XUL|libxul\.so|xul\.dll|libtrustanchors\.(?:so|dylib)|trustanchors\.dll)$/i,
    marks: ['Builtin Object Token'],
    atLeast: 50,
    words: "in the list that Mozilla builds into Firefox, with Mozilla's own distrust",
  },
  {
    name: /^(?:(?:google[ -])?chrome|chromium(?:-browser)?|microsoft[ -]edge|msedge|brave|opera|vivaldi)(?:\.exe|\.dll)?$|^(?:Google Chrome|Chromium|Microsoft Edge|Brave Browser|Vivaldi|Opera) Framework$/i,
    marks: ['Chrome Root Store', 'CRLSet'],
    atLeast: 50,
    words: 'in the list that the Chromium project builds into its browsers, with its own distrust',
  },
  {
    name: /^crypt32\.dll$/i,
    marks: [utf16('Disallowed'), utf16('AuthRoot')],
    words: 'in a Windows library, which decides by the lists of Microsoft',
  },
  {
    name: /^(?:disallowedcert|pinrules|authroot)\.(?:stl|sst)$/i,
    marks: [],
    words: 'in a trust list of Microsoft',
  },
  {
    name: /\.p11-kit$/,
    marks: ['x-distrusted: true'],
    atMost: 1,
    words: 'in a p11-kit file that distrusts it',
  },
];

/** Why the file is known to carry the certificates without trusting them; undefined when it is not. */
export function carrierWords(
  target: Target,
  path: string,
  held: readonly EmbeddedCertificate[],
  certificates: number,
  window: Buffer,
): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const carrier = CARRIERS.find(
    (each) =>
      each.name.test(name) &&
      certificates >= (each.atLeast ?? 0) &&
      certificates <= (each.atMost ?? Infinity) &&
      hasMarks(target, path, each.marks, window),
  );
  if (carrier) return carrier.words;
  return isOwnBlocklist(target, path, held) ? 'in a blocklist of rootaudit' : undefined;
}

/** Each mark lies whole in one of two pieces that overlap. */
const LONGEST_MARK = 64;

function hasMarks(target: Target, path: string, marks: readonly string[], window: Buffer): boolean {
  const missing = new Set(marks);
  const file = missing.size > 0 ? target.fs.open(path) : undefined;
  if (!file) return missing.size === 0;
  try {
    for (let offset = 0; missing.size > 0; offset += window.length - LONGEST_MARK) {
      const length = file.read(window, offset);
      const bytes = window.subarray(0, length);
      for (const mark of missing) if (bytes.includes(mark, 0, 'latin1')) missing.delete(mark);
      if (length < window.length) break;
    }
    return missing.size === 0;
  } finally {
    file.close();
  }
}

/** `certificates/<fingerprint>.pem` beside a manifest and advisories, with that very certificate in it. */
function isOwnBlocklist({ fs }: Target, path: string, held: readonly EmbeddedCertificate[]): boolean {
  const [, list, fingerprint] = /^(.*)\/certificates\/([0-9a-f]{64})\.pem$/.exec(path) ?? [];
  if (list === undefined || held.some(({ certificate }) => certificate.sha256 !== fingerprint)) return false;
  try {
    return fs.kind(`${list}/manifest.json`) === 'file' && fs.kind(`${list}/advisories`) === 'directory';
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}
