/**
 * Disk images (raw, qcow2, VMDK, VHD, VHDX, VDI, ISO 9660) as targets, through programs that read them: 7-Zip, or
 * guestmount for what 7-Zip does not read. Each partition with a system or with people's homes is a target of its own.
 */

import { RootauditError, type Problem } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { visible } from '../core/text.ts';
import { platformOf } from '../targets/directory.ts';
import { findHomes } from '../targets/homes.ts';
import { Disk, makeWorkplace, type DiskContent } from './disk-parts.ts';
import { DiskVolumes, type VolumeRoot } from './disk-volumes.ts';
import { Guestmount, refuseReferences } from './guestmount.ts';
import { INSTALL, SevenZip, type Times } from './seven-zip.ts';

export interface DiskOptions {
  /** As its bytes tell. */
  readonly format: string;
  /** As the user named it. */
  readonly reference: string;
  /** Limits for the program that reads it. */
  readonly times?: Times;
}

/** Throws RootauditError when no program is there that reads it, or nothing in it can be read. */
export async function* openDisk(path: string, options: DiskOptions): AsyncGenerator<Target> {
  const { format, reference } = options;
  const zip = SevenZip.find(options.times);
  const guestmount = Guestmount.find();
  const mount = (): Target | undefined => guestmount?.open(path, format, reference);
  if (!zip) {
    const mounted = mount();
    if (mounted) yield mounted;
    else {
      const what = visible(reference);
      throw new RootauditError(
        `${what} is a disk image, and there is no program here that reads it`,
        INSTALL,
      );
    }
    return;
  }
  // It would say nothing of use.
  if (format === 'qcow2') refuseReferences(path, format, visible(reference));
  const disk = new Disk(zip, path, format);
  const content = await disk.content();
  const notes: string[] = [];
  const mounted = needsOthers(content) ? attempt(mount, notes) : undefined;
  if (mounted) yield mounted;
  else yield* readTargets(zip, disk, content, { ...options, notes });
}

/** There are files that 7-Zip cannot read, but a system could. */
function needsOthers(content: DiskContent): boolean {
  if (content.kind === 'file-system') return false;
  const { partitions } = content;
  return partitions.length === 0 || partitions.some(({ fileSystem }) => fileSystem?.how === 'unread');
}

function attempt(mount: () => Target | undefined, notes: string[]): Target | undefined {
  try {
    return mount();
  } catch (error) {
    if (!(error instanceof RootauditError)) throw error;
    notes.push(error.message);
    return undefined;
  }
}

async function* readTargets(
  zip: SevenZip,
  disk: Disk,
  content: DiskContent,
  { reference, notes }: DiskOptions & { readonly notes: readonly string[] },
): AsyncGenerator<Target> {
  const workplace = makeWorkplace();
  const volumes = new DiskVolumes(zip, disk, reference, workplace.directory);
  const holders = new Holders(() => {
    volumes.close();
    workplace.close();
  });
  const release = holders.hold();
  try {
    await volumes.read(content);
    const roots = volumes.roots();
    const { problems } = volumes;
    if (roots.length === 0) throw nothingRead(reference, problems, notes);
    for (const [index, root] of roots.entries()) {
      // What is to be said of the whole disk is said once.
      const ofDisk =
        index === 0 ? { problems, notes: [...notes, ...volumes.notes] } : { problems: [], notes: [] };
      yield targetOf(root, ofDisk, holders.hold());
    }
  } finally {
    release();
  }
}

interface DiskWords {
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

function targetOf({ files, below, role, reference }: VolumeRoot, of: DiskWords, close: () => void): Target {
  const fs = files.fs(below);
  // On a partition for homes, each directory is one.
  const { homes, refused } = role === 'homes' ? findHomes(fs, undefined, ['']) : findHomes(fs);
  return {
    kind: 'disk-image',
    reference,
    platform: platformOf(fs),
    fs,
    environment: {},
    homes: homes.filter(({ path }) => path !== '/lost+found'),
    notes: [...of.notes, ...refused.map((home) => `${home} was not looked at: it may not be entered`)],
    problems: of.problems,
    hostPath: (path) => path,
    close: () => Promise.resolve(close()),
  };
}

function nothingRead(
  reference: string,
  problems: readonly Problem[],
  notes: readonly string[],
): RootauditError {
  return new RootauditError(
    `nothing could be read of the disk image ${visible(reference)}`,
    'Mount it read-only, and give its directory with --root.',
    { details: [...problems.map(({ path, message }) => visible(`${path}: ${message}`, 1000)), ...notes] },
  );
}

/** Ends something when the last of those who hold it lets go. */
class Holders {
  readonly #end: () => void;
  #count = 0;

  constructor(end: () => void) {
    this.#end = end;
  }

  hold(): () => void {
    this.#count++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count--;
      if (this.#count === 0) this.#end();
    };
  }
}
