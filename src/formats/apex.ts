/**
 * A module of Android (.apex): a ZIP archive with a file system image, or (.capex, or also .apex) with such a module in
 * packed form. Source: system/apex/docs/README.md of Android's sources. Signatures are not verified.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { sourceOf, type Archive } from './archive.ts';
import { readExt4Directory, type Ext4Limits } from './ext4.ts';
import { isExt4 } from './ext4-volume.ts';
import { inflateSmall } from './inflate.ts';
import { openZip } from './zip.ts';

export interface ApexFile {
  readonly name: string;
  /** Where in the module: `apex_payload.img!cacerts/3c860d51.0`. */
  readonly place: string;
  readonly bytes: Uint8Array;
}

const PAYLOAD = 'apex_payload.img';
const ORIGINAL = 'original_apex';
/** Of what is packed; the module of Conscrypt has about 8 MiB. */
const MAX_UNPACKED_BYTES = 64 << 20;

/** File systems of images that are not read here, and their marks. */
const OTHER_FILE_SYSTEMS: readonly (readonly [string, number])[] = [
  ['EROFS', 0xe0f5_e1e2],
  ['F2FS', 0xf2f5_2010],
];
const MARK_AT = 1024;

/** The regular files of a directory of the module. */
export function readApexDirectory(
  bytes: Uint8Array,
  directory: string,
  limits: Ext4Limits,
): Parsed<ApexFile> {
  let place = '';
  const told = (diagnostic: Diagnostic): Diagnostic =>
    place === '' ? diagnostic : { ...diagnostic, message: `${place}: ${diagnostic.message}` };
  const diagnostics: Diagnostic[] = [];
  try {
    let outer = openModule(bytes);
    const original = member(outer, ORIGINAL);
    if (original) {
      place = ORIGINAL;
      outer = openModule(original);
    }
    const image = member(outer, PAYLOAD);
    if (!image) throw new FormatError('malformed', `no ${PAYLOAD} in it`);
    place = place === '' ? PAYLOAD : `${place}!${PAYLOAD}`;
    const inside = `${place}!${directory}`;
    checkFileSystem(image);
    const found = readExt4Directory(image, directory, limits);
    diagnostics.push(...found.diagnostics.map(told));
    const entries = found.entries.map(({ name, bytes: content }): ApexFile => ({
      name,
      place: `${inside}/${name}`,
      bytes: content,
    }));
    return { entries, diagnostics };
  } catch (error) {
    return { entries: [], diagnostics: [told(toDiagnostic(error))] };
  }
}

interface Module {
  readonly bytes: Uint8Array;
  readonly archive: Archive;
}

function openModule(bytes: Uint8Array): Module {
  const archive = openZip(sourceOf(bytes), asBuffer(bytes));
  if (!archive) throw new FormatError('malformed', 'no ZIP archive, as every module is');
  const failure = archive.diagnostics.find(({ level }) => level === 'error');
  if (failure && failure.code !== 'note')
    throw new FormatError(failure.code, failure.message, failure.offset);
  return { bytes, archive };
}

function member({ bytes, archive }: Module, name: string): Uint8Array | undefined {
  const found = archive.members.find((each) => each.name === name);
  if (!found) return undefined;
  const start = archive.dataStart(found);
  const { packing, packedSize, size } = found;
  if (start === undefined) throw new FormatError('malformed', `${name}: damaged header`, found.start);
  if (packing === 'stored') {
    if (start + packedSize > bytes.length) throw new FormatError('truncated', `${name} cut off`, start);
    return bytes.subarray(start, start + packedSize);
  }
  if (packing !== 'deflate') {
    throw new FormatError('unsupported', `${name} is encrypted or packed in a way that is not read here`);
  }
  return inflateSmall(sourceOf(bytes), start, packedSize, size, MAX_UNPACKED_BYTES);
}

function checkFileSystem(image: Uint8Array): void {
  if (isExt4(image)) return;
  const mark = image.length >= MARK_AT + 4 ? asBuffer(image).readUInt32LE(MARK_AT) : undefined;
  const other = OTHER_FILE_SYSTEMS.find((each) => each[1] === mark)?.[0];
  if (other === undefined) throw new FormatError('malformed', 'no file system that is known here', MARK_AT);
  throw new FormatError('unsupported', `${other}, a file system that is not read here`);
}
