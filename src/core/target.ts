/** What is audited: this machine, a mounted root, an image. They differ only in their {@link ReadFs}. */

import type { Problem } from './errors.ts';

/** Why a path could not be read. A path that does not exist is no error: it is simply not there. */
export class FsError extends Error {
  override readonly name = 'FsError';
  readonly code: 'denied' | 'too-large' | 'not-a-file' | 'link-loop' | 'io';
  readonly path: string;
  constructor(code: FsError['code'], path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

/** What `ask` gives; undefined where the file system refuses to tell. Any other error is rethrown. */
export function unlessRefused<Answer>(ask: () => Answer): Answer | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Numeric owner and permission bits, where the file system has them. */
  readonly uid?: number;
  readonly mode?: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
}

/**
 * A read-only file system. Paths are absolute, with `/` between parts on every platform (a live Windows drive is
 * `/C:/…`), and are those of the target: `/etc/ssl` is the image's, not this machine's. Symbolic links resolve
 * inside the target and never leave it. Only regular files are opened: never a device, a pipe or a socket.
 */
export interface ReadFs {
  /** Follows links. Undefined when there is nothing. Throws {@link FsError}. */
  stat(path: string): FileStat | undefined;
  /** The kind that {@link stat} tells, without asking for the rest. */
  kind(path: string): FileStat['kind'] | undefined;
  /** The path without any links. Undefined when there is nothing. Throws {@link FsError}. */
  realPath(path: string): string | undefined;
  /** Sorted by name; empty when there is no such directory. Throws {@link FsError}. */
  list(path: string): readonly DirectoryEntry[];
  /** The whole file; undefined when there is none. More than `maxBytes`, or not a regular file, is an error. */
  read(path: string, maxBytes?: number): Uint8Array | undefined;
  /** A regular file of any size, to be read in pieces; undefined when there is none. Throws {@link FsError}. */
  open(path: string): OpenFile | undefined;
}

/** A file that is read in pieces. */
export interface OpenFile {
  /** As the file system tells it. */
  readonly size: number;
  /** Fills `into` from `offset` of the file; how many bytes there were. Throws {@link FsError}. */
  read(into: Uint8Array, offset: number): number;
  close(): void;
}

/** A regular file as it goes by: as a whole, or in pieces where it is too large for that. */
export interface PassingFile {
  readonly path: string;
  readonly size: number;
  readonly content: OpenFile | AsyncIterable<Uint8Array>;
}

/** Files larger than this are no trust store we know. */
export const MAX_FILE_BYTES = 64 << 20;

export type Platform = 'linux' | 'darwin' | 'win32' | 'android' | 'freebsd' | 'openbsd' | 'netbsd' | 'sunos';

/** A person or service account with a home directory. */
export interface Home {
  readonly user: string;
  readonly path: string;
}

/** The registry of a running Windows. Keys are named as reg.exe takes them: `HKLM\SOFTWARE\…`. */
export interface Registry {
  /** The text that `reg export` writes; undefined when there is no such key. Throws {@link FsError}. */
  export(key: string): Uint8Array | undefined;
  /** Names of the keys directly below; empty when there is no such key. Throws {@link FsError}. */
  list(key: string): readonly string[];
}

/** The trust settings of a running Mac, which keeps their files from everyone but its own programs. */
export interface TrustSettingsExport {
  /** A file of trust settings; undefined when there are none. The user is whoever runs us. Throws {@link FsError}. */
  export(domain: 'user' | 'administrator'): Uint8Array | undefined;
}

/** One layer of a container image. */
export interface ImageLayer {
  /** `sha256:…` of the layer as the manifest names it; of its uncompressed bytes where there is no manifest. */
  readonly digest: string;
  /** The instruction that made it, as the image's history tells. */
  readonly createdBy?: string;
}

/** What is known of an image besides its files. */
export interface ImageDescription {
  /** The tag: "example/app:1.2". */
  readonly name?: string;
  /** `sha256:…` of the manifest (or of the configuration, where there is no manifest). */
  readonly digest?: string;
  /** "linux/amd64". */
  readonly platform?: string;
  /** Bottom first. Empty for a plain archive of a root file system. */
  readonly layers: readonly ImageLayer[];
}

export interface Target {
  readonly kind: 'live' | 'directory' | 'image' | 'disk-image';
  /** What the user named: `/`, the directory, the archive, the image. */
  readonly reference: string;
  readonly platform: Platform;
  readonly fs: ReadFs;
  /** On a running Windows only: everywhere else the registry is files. */
  readonly registry?: Registry;
  /** On a running Mac only. */
  readonly trustSettings?: TrustSettingsExport;
  /** The environment that programs on the target see; empty where it cannot be known. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Homes that exist, the current user's first on a live target. */
  readonly homes: readonly Home[];
  /** Things worth telling about the target, such as homes that may not be entered. */
  readonly notes: readonly string[];
  /** What of the target itself could not be read: the report is incomplete with any. */
  readonly problems?: readonly Problem[];
  /** For an image only. */
  readonly image?: ImageDescription;
  /** The layer of {@link ImageDescription.layers} that a file's bytes come from. */
  layerOf?(path: string): number | undefined;
  /**
   * For a target whose contents are fetched from a stream: gets what an audit has asked for in vain. True when
   * there is more now, so that the audit has to be done again.
   */
  fetchMissing?(): Promise<boolean>;
  /**
   * For a target whose files lie behind one another: every regular file at or below `directories`, in that order. Each
   * is valid until the next is asked for.
   */
  eachFile?(directories: readonly string[]): AsyncIterable<PassingFile>;
  /**
   * For an image: as it was after each layer but the last, from the lowest on. Each is valid until the next is asked for.
   */
  states?(): Iterable<Target>;
  /** Lets go of files and connections. */
  close?(): Promise<void>;
  /** The path at which a command run on this machine finds `path` of the target. */
  hostPath(path: string): string;
}
