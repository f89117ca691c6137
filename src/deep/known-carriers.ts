/**
 * Files of vendors that carry certificates in order to refuse them, or as the list that the vendor itself keeps. A name
 * alone proves nothing, so each also has marks that its bytes must hold; that is no proof against someone who forges
 * such a file, as README.md says.
 */

import { FsError, type OpenFile, type Target } from '../core/target.ts';
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
  hasMarks: (marks: readonly string[]) => boolean,
): string | undefined {
  const name = nameOf(path);
  const carrier = CARRIERS.find(
    (each) =>
      each.name.test(name) &&
      certificates >= (each.atLeast ?? 0) &&
      certificates <= (each.atMost ?? Infinity) &&
      hasMarks(each.marks),
  );
  if (carrier) return carrier.words;
  return isOwnBlocklist(target, path, held) ? 'in a blocklist of rootaudit' : undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Each mark lies whole in one of two pieces that overlap. */
const LONGEST_MARK = 64;

/** True when all of them are somewhere in the file. */
export function hasMarks(file: OpenFile, marks: readonly string[], window: Buffer): boolean {
  const missing = new Set(marks);
  for (let offset = 0; missing.size > 0; offset += window.length - LONGEST_MARK) {
    const length = file.read(window, offset);
    const bytes = window.subarray(0, length);
    for (const mark of missing) if (bytes.includes(mark, 0, 'latin1')) missing.delete(mark);
    if (length < window.length) break;
  }
  return missing.size === 0;
}

/** Looks for the marks of a file while its bytes go by. */
export class MarkSearch {
  readonly #missing: Set<string>;
  /** The end of the piece before. */
  #tail = Buffer.alloc(0);

  /** For a file of this name. */
  constructor(path: string) {
    const name = nameOf(path);
    this.#missing = new Set(CARRIERS.filter((each) => each.name.test(name)).flatMap(({ marks }) => marks));
  }

  add(piece: Buffer): void {
    if (this.#missing.size === 0) return;
    const joint = Buffer.concat([this.#tail, piece.subarray(0, LONGEST_MARK)]);
    for (const mark of this.#missing) {
      if (joint.includes(mark, 0, 'latin1') || piece.includes(mark, 0, 'latin1')) this.#missing.delete(mark);
    }
    this.#tail = Buffer.concat([this.#tail, piece.subarray(-LONGEST_MARK)]).subarray(-LONGEST_MARK);
  }

  found(marks: readonly string[]): boolean {
    return marks.every((mark) => !this.#missing.has(mark));
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
