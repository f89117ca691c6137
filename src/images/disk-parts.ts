/**
 * The partitions of a disk, each as a file of its own that 7-Zip can read: of a raw disk as a window onto it, which
 * takes no room; otherwise as a copy in a temporary file, with holes where there are only zeros.
 */

import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { FILE_SYSTEM_HEAD, fileSystemOf, type FileSystem } from './file-systems.ts';
import { fromLatin1 } from './latin1.ts';
import type { ListedMember } from './seven-zip-list.ts';
import type { SevenZip } from './seven-zip.ts';
import { tidyUp } from './tidy-up.ts';

const SECTOR = 512;

/** A private directory for everything that belongs to one disk. */
export interface Workplace {
  readonly directory: string;
  close(): void;
}

export function makeWorkplace(): Workplace {
  const directory = mkdtempSync(join(tmpdir(), 'rootaudit-disk-'));
  return { directory, close: tidyUp(() => rmSync(directory, { recursive: true, force: true })) };
}

export interface Partition {
  /** From 1, in the order of the disk; 0 for what has no partitions. */
  readonly number: number;
  /** As 7-Zip calls it. */
  readonly member: string;
  readonly size: number;
  readonly offset: number | undefined;
  /** What the partition table says that it is for. */
  readonly use: string;
  /** Undefined when it is not known. */
  readonly fileSystem: FileSystem | undefined;
}

/** What 7-Zip sees in a file. */
export type DiskContent =
  /** No partitions, and nothing around it but perhaps a container. */
  | { readonly kind: 'file-system'; readonly isDisc: boolean }
  /** `failure`: why there may be more. */
  | { readonly kind: 'partitions'; readonly partitions: readonly Partition[]; readonly failure?: string };

const UNPACKABLE: FileSystem = { name: 'this kind of compression', how: 'unread' };

/** More are on no disk. */
const MAX_PARTITIONS = 256;

export class Disk {
  readonly path: string;
  readonly #zip: SevenZip;
  readonly #format: string;

  /** `format`: "raw" where the bytes of the disk lie in the file as they are. */
  constructor(zip: SevenZip, path: string, format: string) {
    this.#zip = zip;
    this.path = resolve(path);
    this.#format = format;
  }

  async content(): Promise<DiskContent> {
    const members: ListedMember[] = [];
    let isFileSystem = false;
    const { failure } = await this.#zip.list(this.path, (member) => {
      isFileSystem = member.isDirectory !== undefined;
      if (!isFileSystem) members.push(member);
      return !isFileSystem && members.length < MAX_PARTITIONS;
    });
    const isDisc = this.#format === 'ISO 9660';
    if (isFileSystem) return { kind: 'file-system', isDisc };
    const partitions = members.map((member, index) => this.#partition(member, index + 1));
    // What 7-Zip does not know at all may be a file system that others read.
    const whole = partitions.length === 0 ? this.#whole() : undefined;
    if (whole?.fileSystem?.how === 'read') return { kind: 'file-system', isDisc };
    if (whole) return { kind: 'partitions', partitions: [whole] };
    return { kind: 'partitions', partitions, ...(failure !== undefined && { failure }) };
  }

  #partition({ path, size = 0, offset, use }: ListedMember, number: number): Partition {
    // What is around the disk has one member: the whole of it.
    const isWhole = offset === undefined && use === '';
    const known = {
      number: isWhole ? 0 : number,
      member: fromLatin1(path),
      size,
      offset,
      use: fromLatin1(use),
    };
    if (size === 0) return { ...known, fileSystem: undefined };
    const head = this.#head(known);
    return { ...known, fileSystem: head.length === 0 ? UNPACKABLE : fileSystemOf(head) };
  }

  #whole(): Partition | undefined {
    if (this.#format !== 'raw') return undefined;
    const known = { number: 0, member: '', size: FILE_SYSTEM_HEAD, offset: 0, use: '' };
    const fileSystem = fileSystemOf(this.#head(known));
    return fileSystem && { ...known, fileSystem };
  }

  #head({ member, size, offset }: Omit<Partition, 'fileSystem'>): Buffer {
    const length = Math.min(size, FILE_SYSTEM_HEAD);
    if (this.#format !== 'raw' || offset === undefined) return this.#zip.head(this.path, member, length);
    const head = Buffer.alloc(length);
    const fd = openSync(this.path, 'r');
    try {
      return head.subarray(0, readSync(fd, head, 0, length, offset));
    } finally {
      closeSync(fd);
    }
  }

  /** The path of a file with the partition in it, in `directory`. */
  async file(partition: Partition, directory: string): Promise<string> {
    const { offset, size, number } = partition;
    // Windows lets only few people make links.
    const hasLinks = process.platform !== 'win32';
    if (this.#format !== 'raw' || !hasLinks || offset === undefined || offset % SECTOR !== 0) {
      return this.#copy(partition, directory);
    }
    const path = join(directory, `partition-${number}.vmdk`);
    const link = `disk-${number}`;
    symlinkSync(this.path, join(directory, link));
    writeFileSync(path, window(link, Math.floor(size / SECTOR), offset / SECTOR), { mode: 0o600 });
    return path;
  }

  async #copy({ member, size, number }: Partition, directory: string): Promise<string> {
    const path = join(directory, `partition-${number}`);
    const fd = openSync(path, 'wx', 0o600);
    let length = 0;
    try {
      const failure = await this.#zip.stream(this.path, member, (piece) => {
        const wanted = piece.subarray(0, size - length);
        if (!isZero(wanted)) writeAll(fd, wanted, length);
        length += wanted.length;
        return length < size;
      });
      if (failure !== undefined) throw new RootauditError(`7-Zip cannot read ${visible(member)}: ${failure}`);
      ftruncateSync(fd, length);
    } catch (error) {
      if (error instanceof RootauditError || !(error instanceof Error && 'code' in error)) throw error;
      throw new RootauditError(
        `${visible(member)}, of ${size} bytes, does not fit into a temporary file in ${visible(directory)}: ${String(error.code)}`,
        'Let TMPDIR name a directory with more room.',
        { cause: error },
      );
    } finally {
      closeSync(fd);
    }
    return path;
  }
}

/** The description of a disk that is a part of another file (VMware Virtual Disk Format 5.0, "The descriptor"). */
function window(file: string, sectors: number, from: number): string {
  return `# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"

# Extent description
RW ${sectors} FLAT "${file}" ${from}

# The Disk Data Base
ddb.adapterType = "ide"
`;
}

const ZEROS = Buffer.alloc(64 << 10);

function isZero(piece: Buffer): boolean {
  for (let at = 0; at < piece.length; at += ZEROS.length) {
    const part = piece.subarray(at, at + ZEROS.length);
    if (!part.equals(part.length === ZEROS.length ? ZEROS : ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

function writeAll(fd: number, piece: Buffer, position: number): void {
  for (let done = 0; done < piece.length;) {
    done += writeSync(fd, piece, done, piece.length - done, position + done);
  }
}
