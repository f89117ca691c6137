/** A file system that 7-Zip reads, as a tree: listed once, contents when they are asked for. */

import type { Problem } from '../core/errors.ts';
import { count, visible } from '../core/text.ts';
import { Contents } from './contents.ts';
import { Entries, KIND, MAX_OFFSET } from './entries.ts';
import { ImageFs } from './image-fs.ts';
import { fromLatin1, toLatin1 } from './latin1.ts';
import { LayerIndex } from './layer-index.ts';
import { MemberContents } from './member-contents.ts';
import { MergedTree } from './merged-tree.ts';
import { Names, ROOT } from './names.ts';
import { batchesOf } from './seven-zip-batches.ts';
import type { ListedMember } from './seven-zip-list.ts';
import type { SevenZip } from './seven-zip.ts';

/** Files that belong to NTFS or ext4 itself, as 7-Zip calls their place. */
const OWN_FILES = /^\[SYS(?:TEM)?\](?:\/|$)/;
/** PATH_MAX of Linux. */
const MAX_LINK = 4096;
const MAX_LINKS = 500_000;
/** File systems in a file: of live media, and installation images. */
const NESTED = /\.(?:squashfs|sfs|wim|esd)$|(?:^|\/)LiveOS\/[^/]*\.img$/i;
const MAX_NESTED = 20;

const PERMISSIONS = [0o400, 0o200, 0o100, 0o040, 0o020, 0o010, 0o004, 0o002, 0o001];

interface Link {
  readonly member: ListedMember;
  readonly name: string;
  readonly size: number;
}

export class DiskFiles {
  readonly problems: Problem[] = [];
  /** Paths of file systems inside of this one. */
  readonly nested: string[] = [];
  /** Members tell what they are, links among them. */
  hasModes = false;
  readonly #zip: SevenZip;
  readonly #path: string;
  readonly #place: string;
  readonly #names = new Names();
  readonly #entries = new Entries();
  readonly #index: LayerIndex;
  readonly #members: MemberContents;
  /** Whose targets are the content of a file, which is not read yet. */
  readonly #links: Link[] = [];

  /** `place`: how problems name the file system. `directory`: for temporary files. */
  private constructor(zip: SevenZip, path: string, place: string, directory: string) {
    this.#zip = zip;
    this.#path = path;
    this.#place = place;
    this.#index = new LayerIndex(0, this.#names, this.#entries, { whiteouts: false });
    this.#members = new MemberContents(zip, path, directory, this.#names, this.#entries);
  }

  /** Lists the file system in the file `path`. */
  static async read(zip: SevenZip, path: string, place: string, directory: string): Promise<DiskFiles> {
    const files = new DiskFiles(zip, path, place, directory);
    const { failure } = await zip.list(path, (member) => {
      files.#add(member);
      return true;
    });
    if (failure !== undefined)
      files.#problem('malformed', `not all of it could be read: 7-Zip says: ${failure}`);
    files.#followLinks();
    files.#check();
    files.#members.fetchAhead();
    return files;
  }

  get isEmpty(): boolean {
    return this.topLevel().every((name) => name === 'lost+found');
  }

  /** Names in the root. */
  topLevel(): string[] {
    return this.fs()
      .list('/')
      .map(({ name }) => name);
  }

  /** As seen from a directory of the root, or from the root itself. */
  fs(below?: string): ImageFs {
    const tree = new MergedTree(this.#names, this.#entries);
    tree.apply(this.#index);
    const found = below === undefined ? ROOT : tree.lookUp(toLatin1(below), ROOT);
    tree.root = typeof found === 'number' ? found : ROOT;
    const layer = { digest: '', content: { kind: 'seekable', source: this.#members } } as const;
    return new ImageFs(tree, new Contents([layer], this.#entries, () => 0));
  }

  close(): void {
    this.#members.close();
  }

  #add(member: ListedMember): void {
    if (member.isHidden || member.path === '' || OWN_FILES.test(member.path)) return;
    if (member.mode !== '') this.hasModes = true;
    const { size = 0 } = member;
    const isLink = member.link !== '' || member.mode.startsWith('l');
    if (isLink && member.link === '' && size > 0 && size <= MAX_LINK && this.#links.length < MAX_LINKS) {
      this.#links.push({ member, name: fromLatin1(member.path), size });
    } else if (isLink) this.#put(member, 'link', fromLatin1(member.link));
    else this.#put(member, kindOf(member));
  }

  #put(member: ListedMember, kind: 'file' | 'directory' | 'link' | 'other', link?: string): void {
    const { size = 0, modified, uid } = member;
    const offset = this.#members.end;
    // No disk has so much: there are holes in it.
    const isBeyond = offset + size >= MAX_OFFSET;
    const added = this.#index.add({
      path: fromLatin1(member.path),
      kind,
      size,
      mode: modeOf(member.mode),
      uid,
      gid: 0,
      modified,
      offset: isBeyond ? 0 : offset,
      ...(kind === 'file' && isBeyond && { sparse: true }),
      ...(link !== undefined && { link }),
    });
    if (kind !== 'file') return;
    if (this.#entries.kind(added) === KIND.file) this.#members.add(added, size);
    if (NESTED.test(member.path) && this.nested.length < MAX_NESTED)
      this.nested.push(fromLatin1(member.path));
  }

  /** SquashFS and HFS+ keep a link's target as content, and 7-Zip leaves it there. */
  #followLinks(): void {
    let unread = 0;
    const missing = new Set(this.#links);
    for (const batch of batchesOf(this.#links)) {
      const size = batch.reduce((sum, link) => sum + link.size, 0);
      const bytes = this.#zip.read(
        this.#path,
        batch.map(({ name }) => name),
        size,
      );
      let at = 0;
      for (const link of bytes ? batch : []) {
        const target = bytes?.toString('latin1', at, at + link.size) ?? '';
        this.#put(link.member, 'link', fromLatin1(target));
        missing.delete(link);
        at += link.size;
      }
    }
    for (const { member, name, size } of missing) {
      const bytes = unread > 0 ? undefined : this.#zip.read(this.#path, [name], size);
      if (bytes) this.#put(member, 'link', fromLatin1(bytes.toString('latin1')));
      else unread++;
    }
    this.#links.length = 0;
    if (unread > 0) this.#problem('unreadable', `${count(unread, 'link')} could not be followed`);
  }

  #check(): void {
    // What is wrong with it is told when it is applied.
    new MergedTree(this.#names, this.#entries).apply(this.#index);
    this.problems.push(...this.#index.complaints.problems(this.#place));
    const twice = this.#twice();
    if (twice > 0) {
      const message = `${count(twice, 'name')} stand for several files, of which only one was read: the file system is damaged, or has line feeds in names`;
      this.#problem('malformed', message);
    }
  }

  /** Names that come more than once. */
  #twice(): number {
    const seen = new Uint8Array(this.#names.count);
    let twice = 0;
    for (const entry of this.#index.entries()) {
      const node = this.#entries.node(entry);
      const isDirectory = this.#entries.kind(entry) === KIND.directory;
      const before = seen[node] ?? 0;
      // A directory may be told of twice.
      if (before !== 0 && !(isDirectory && before === 2)) twice++;
      seen[node] = isDirectory ? 2 : 1;
    }
    return twice;
  }

  #problem(code: Problem['code'], message: string): void {
    this.problems.push({ code, path: this.#place, message: visible(message) });
  }
}

function kindOf({ mode, isDirectory }: ListedMember): 'file' | 'directory' | 'other' {
  if (isDirectory === true || mode.startsWith('d')) return 'directory';
  return mode === '' || mode.startsWith('-') ? 'file' : 'other';
}

/** The permission bits of "-rwxr-x---"; of a file system without them, what everybody may do. */
function modeOf(text: string): number {
  if (text.length < 10) return 0o755;
  return PERMISSIONS.reduce((mode, bit, index) => {
    const letter = text[index + 1];
    return letter === '-' || letter === 'S' || letter === 'T' ? mode : mode | bit;
  }, 0);
}
