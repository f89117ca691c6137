/** The file systems of a disk: which are read, and what is said of the others. */

import { RootauditError, type Problem } from '../core/errors.ts';
import { count, visible } from '../core/text.ts';
import { DiskFiles } from './disk-files.ts';
import type { Disk, DiskContent, Partition } from './disk-parts.ts';
import { rootsOf, type DiskRoot } from './disk-roots.ts';
import type { SevenZip } from './seven-zip.ts';

/** A place to look for stores in. */
export interface VolumeRoot extends DiskRoot {
  readonly files: DiskFiles;
  /** "disk.qcow2 (partition 2, ext4)" */
  readonly reference: string;
}

interface Volume {
  readonly files: DiskFiles;
  readonly reference: string;
  readonly isFat: boolean;
  readonly roots: readonly DiskRoot[];
}

const ELSEWHERE = 'give its directory with --root';

export class DiskVolumes {
  /** Of the disk itself. */
  readonly problems: Problem[] = [];
  readonly notes: string[] = [];
  readonly #zip: SevenZip;
  readonly #disk: Disk;
  readonly #reference: string;
  readonly #directory: string;
  readonly #volumes: Volume[] = [];

  /** `directory`: for temporary files. */
  constructor(zip: SevenZip, disk: Disk, reference: string, directory: string) {
    this.#zip = zip;
    this.#disk = disk;
    this.#reference = reference;
    this.#directory = directory;
  }

  /** Reads what can be read. */
  async read(content: DiskContent): Promise<void> {
    if (content.kind === 'file-system') {
      await this.#add(this.#disk.path, this.#reference, { isDisc: content.isDisc });
      return;
    }
    const { failure, partitions } = content;
    if (failure !== undefined) this.#problem('malformed', this.#reference, `7-Zip says: ${failure}`);
    const others: string[] = [];
    for (const partition of partitions) {
      const { fileSystem } = partition;
      if (fileSystem?.how === 'read') await this.#addPartition(partition);
      else if (fileSystem === undefined || fileSystem.how === 'nothing') others.push(labelOf(partition));
      else this.#refuse(partition, fileSystem.name, fileSystem.how);
    }
    if (others.length > 0) this.notes.push(`not looked into: ${others.join(', ')}`);
  }

  /** Systems and homes; where there are none, every file system with files. */
  roots(): readonly VolumeRoot[] {
    const found = this.#volumes.filter(({ roots }) => roots.length > 0);
    const full = this.#volumes.filter(({ files }) => !files.isEmpty);
    const others = full.filter(({ isFat }) => !isFat);
    const chosen = found.length > 0 ? found : others.length > 0 ? others : full;
    for (const { files, reference } of full.filter((volume) => !chosen.includes(volume))) {
      const names = files
        .topLevel()
        .slice(0, 5)
        .map((name) => visible(name, 50));
      this.notes.push(
        `${visible(reference)} has no system on it, and was not looked into: ${names.join(', ')}`,
      );
    }
    return chosen.flatMap(({ files, reference, roots }) =>
      (roots.length > 0 ? roots : [{ role: 'system' } as const]).map((root) => ({
        ...root,
        files,
        reference: root.below === undefined ? reference : `${reference} (${visible(root.below, 100)})`,
      })),
    );
  }

  close(): void {
    for (const { files } of this.#volumes) files.close();
  }

  async #addPartition(partition: Partition): Promise<void> {
    const reference = this.#referenceOf(partition);
    try {
      const path = await this.#disk.file(partition, this.#directory);
      await this.#add(path, reference, { isFat: partition.fileSystem?.name === 'FAT' });
    } catch (error) {
      if (!(error instanceof RootauditError)) throw error;
      this.#problem('unreadable', reference, [error.message, error.hint].join('. '));
    }
  }

  async #add(path: string, reference: string, { isFat = false, isDisc = false } = {}): Promise<void> {
    const files = await DiskFiles.read(this.#zip, path, reference, this.#directory);
    this.problems.push(...files.problems);
    if (isDisc && !files.hasModes) {
      this.notes.push(
        `7-Zip shows no links on ${visible(reference)}: a file is seen under its own name only`,
      );
    }
    const { nested } = files;
    if (nested.length > 0) {
      const names = nested.slice(0, 5).map((name) => visible(name, 200));
      this.notes.push(
        `${visible(reference)} has ${count(nested.length, 'file system')} in it that were not looked into: ${names.join(', ')}. Extract them, and give each as disk:FILE.`,
      );
    }
    this.#volumes.push({ files, reference, isFat, roots: rootsOf(files) });
  }

  #refuse(partition: Partition, name: string, how: 'unread' | 'locked'): void {
    const reference = this.#referenceOf(partition);
    if (how === 'locked') {
      this.#problem(
        'password-needed',
        reference,
        `encrypted with ${name}: unlock and mount it, and ${ELSEWHERE}`,
      );
    } else {
      const message = `7-Zip does not read ${name}: install guestmount, or mount it read-only and ${ELSEWHERE}`;
      this.#problem('unsupported', reference, message);
    }
  }

  #referenceOf(partition: Partition): string {
    const { number, fileSystem } = partition;
    if (number === 0) return `${this.#reference} (${fileSystem?.name ?? 'unknown'})`;
    return `${this.#reference} (partition ${number}, ${fileSystem?.name ?? 'unknown'})`;
  }

  #problem(code: Problem['code'], path: string, message: string): void {
    this.problems.push({ code, path, message });
  }
}

/** "partition 1 (BIOS Boot)" */
function labelOf({ number, use, fileSystem }: Partition): string {
  const parts = [use, fileSystem?.name ?? 'of no known kind'].filter((part) => part !== '');
  return `partition ${number} (${visible(parts.join(', '), 100)})`;
}
