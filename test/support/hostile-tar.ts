/** A small writer of tar archives, which also writes what no sane program does. */

import type { ImageSource, LayerContent, LayerSource } from '../../src/images/image-source.ts';
import { sourceOf } from '../../src/formats/archive.ts';

export interface TarFile {
  readonly name: string | Buffer;
  readonly content?: string | Uint8Array;
  /** Type flag; default '0', or '5' for a name that ends in a slash, '2' with a link. */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  /** Seconds since 1970. */
  readonly modified?: number;
  readonly device?: readonly [number, number];
  /** In the header, whatever the content is. */
  readonly size?: number | Buffer;
  readonly magic?: string;
  readonly prefix?: string;
}

export function tarHeader(file: TarFile): Buffer {
  const { name, link, mode = 0o644, uid = 0, modified = 1_700_000_000, device = [0, 0] } = file;
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  Buffer.from(name).copy(header, 0, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(0, 116, 8);
  const size = file.size ?? Buffer.from(file.content ?? '').length;
  if (typeof size === 'number') octal(size, 124, 12);
  else size.copy(header, 124);
  octal(modified, 136, 12);
  header.write(file.type ?? typeOf(file), 156, 'latin1');
  header.write(link ?? '', 157, 100);
  header.write(file.magic ?? 'ustar\x0000', 257, 'latin1');
  octal(device[0], 329, 8);
  octal(device[1], 337, 8);
  header.write(file.prefix ?? '', 345, 155);
  return withChecksum(header);
}

function typeOf({ name, link }: TarFile): string {
  if (link !== undefined) return '2';
  return name.toString().endsWith('/') ? '5' : '0';
}

export function withChecksum(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function padded(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 511)]);
}

export function tarMember(file: TarFile): Buffer {
  return Buffer.concat([tarHeader(file), padded(file.content ?? '')]);
}

export const TAR_END: Buffer = Buffer.alloc(1024);

export function tar(...files: readonly (TarFile | Buffer)[]): Buffer {
  const members = files.map((file) => (Buffer.isBuffer(file) ? file : tarMember(file)));
  return Buffer.concat([...members, TAR_END]);
}

/** A pax extended header with these records. */
export function pax(records: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (rest + String(length).length !== length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return tarMember({ name: 'PaxHeaders/x', type, content: lines.join('') });
}

/** Paths with their content; `null` for a directory, `{ link }` for a link. */
export type TarTree = Readonly<Record<string, string | Uint8Array | null | { readonly link: string }>>;

export function treeFiles(tree: TarTree): TarFile[] {
  return Object.entries(tree).map(([name, node]) => {
    if (node === null) return { name: name.endsWith('/') ? name : `${name}/`, mode: 0o755 };
    return typeof node === 'string' || node instanceof Uint8Array
      ? { name, content: node }
      : { name, ...node };
  });
}

export function seekable(archive: Buffer): LayerContent {
  return { kind: 'seekable', source: sourceOf(archive) };
}

/** In pieces of `size` bytes; `opened` is told each time that it is read. */
export function streamed(archive: Buffer, size = 1000, opened?: () => void): LayerContent {
  return {
    kind: 'stream',
    async *open() {
      opened?.();
      for (let at = 0; at < archive.length; at += size) {
        // As a stream's: another piece of memory each time.
        yield Buffer.from(archive.subarray(at, at + size));
      }
    },
  };
}

export function testImage(
  contents: readonly LayerContent[],
  more: Partial<Omit<ImageSource, 'layers'>> = {},
): ImageSource {
  const layers = contents.map((content, index): LayerSource => ({ digest: `sha256:${index}`, content }));
  return {
    reference: 'test.tar',
    environment: {},
    notes: [],
    close: () => Promise.resolve(),
    ...more,
    layers,
  };
}
