/**
 * Notices changes in directories: by file system events where there are any, else by looking at them every few
 * seconds. Each directory is watched by itself, because events of a directory tell of the files in it, also of one
 * that is renamed into place.
 */

import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { decodePath, encodePath } from '../core/shell.ts';
import { changesOn } from './filesystems.ts';
import type { Interest } from './interest.ts';
import { identityOf, isSameListing, joinPath, stampOf, type HostPath } from './stamps.ts';

export interface PlacesOptions {
  /** Something may have changed that was looked at. */
  readonly changed: () => void;
  readonly watch?: typeof watch;
  /** Milliseconds between two looks at what does not tell of changes. */
  readonly pollEvery?: number;
}

interface Place {
  readonly host: HostPath;
  /** The last part of {@link host}, under which events tell of the directory itself. */
  readonly name: string;
  looked: Looked;
  how: 'watched' | 'polled' | 'ignored';
  watcher?: FSWatcher;
  /** Undefined where no directory is: the one above tells when that changes. */
  identity: string | undefined;
  /** Of each name, where we poll. */
  readonly stamps: Map<string, string>;
  /** It may have been replaced: the watcher could be that of a directory which is gone. */
  suspect: boolean;
}

type Looked = Interest['directories'] extends ReadonlyMap<string, infer Value> ? Value : never;

const POLL_EVERY = 5000;
/** Looking takes a twentieth of the time at most. */
const POLL_REST = 20;
/** Elsewhere each watcher costs more. */
const MAX_WATCHERS = process.platform === 'darwin' ? 256 : 16_384;

export class Places {
  readonly #changed: () => void;
  readonly #watch: typeof watch;
  readonly #pollEvery: number;
  readonly #places = new Map<string, Place>();
  readonly #maxWatchers = Math.min(MAX_WATCHERS, (inotifyLimit() ?? MAX_WATCHERS * 2) / 2);
  #watched = 0;
  #polled = 0;
  /** Something changed that was looked at. */
  #news = false;
  /** Directories that were listed, and in which some name came or went. */
  readonly #doubtful = new Set<Place>();
  /** Directories that came or went: whatever is below them may be others. */
  readonly #moved = new Set<string>();
  /** What the user named, which may be a link to the root. */
  #reference: { readonly path: string; readonly identity: string | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ changed, watch: watchWith = watch, pollEvery = POLL_EVERY }: PlacesOptions) {
    this.#changed = changed;
    this.#watch = watchWith;
    this.#pollEvery = pollEvery;
    this.#pollAfter(pollEvery);
  }

  get counts(): { readonly watched: number; readonly polled: number } {
    return { watched: this.#watched, polled: this.#polled };
  }

  /**
   * From now on these directories count. Where some of them are new to us, nobody has seen what happened there between
   * the look and now: that is news, and needs another look.
   */
  sync({ directories }: Interest, hostPath: (path: string) => string, reference: string): void {
    let isNew = false;
    for (const [path, place] of this.#places) if (!directories.has(path)) this.#drop(path, place);
    for (const [path, looked] of directories) {
      const place = this.#places.get(path);
      if (!place) {
        isNew = true;
        this.#add(path, hostPath(path), looked);
      } else {
        place.looked = looked;
        if (this.#isSuspect(path, place)) {
          isNew = true;
          this.#restart(path, place);
        } else if (place.how === 'polled' && this.#stampNames(place)) isNew = true;
      }
    }
    this.#moved.clear();
    this.#reference ??= { path: reference, identity: identityOf(reference) };
    if (isNew) this.#tell();
  }

  #isSuspect(path: string, { suspect, identity, host }: Place): boolean {
    if (suspect || identity !== identityOf(host)) return true;
    if (this.#moved.size === 0) return false;
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/')))
      if (this.#moved.has(at)) return true;
    return false;
  }

  /** Whether the changes since the last call can matter; asked once things are quiet. */
  takeNews(): boolean {
    const doubtful = [...this.#doubtful];
    const news =
      this.#news || doubtful.some(({ host, looked }) => !isSameListing(host, looked.entries ?? []));
    this.#news = false;
    this.#doubtful.clear();
    return news;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const [path, place] of this.#places) this.#drop(path, place);
  }

  #add(path: string, host: string, looked: Looked): void {
    const place: Place = {
      // A name that is not UTF-8 has to be handed to the system as bytes.
      host: /[\udc80-\udcff]/.test(host) ? encodePath(host) : host,
      name: host.slice(Math.max(host.lastIndexOf('/'), host.lastIndexOf('\\')) + 1),
      looked,
      how: 'ignored',
      identity: undefined,
      stamps: new Map(),
      suspect: false,
    };
    this.#places.set(path, place);
    this.#start(path, place);
  }

  #start(path: string, place: Place): void {
    // Before it is watched: a directory that is replaced in between is noticed by its identity.
    place.identity = identityOf(place.host);
    place.suspect = false;
    if (place.identity === undefined) return;
    const changes = changesOn(place.host, process.platform);
    if (changes === 'virtual') return;
    if (changes === 'events' && this.#watched < this.#maxWatchers && this.#startWatcher(path, place)) {
      place.how = 'watched';
      this.#watched++;
      return;
    }
    place.how = 'polled';
    this.#polled++;
    this.#stampNames(place);
  }

  /** False when the system refuses: no more watchers (ENOSPC, EMFILE), no permission, nothing there. */
  #startWatcher(path: string, place: Place): boolean {
    try {
      const watcher = this.#watch(place.host, { encoding: 'buffer', persistent: false });
      watcher.on('change', (type, name) => this.#event(path, place, type, name));
      watcher.on('error', () => {
        place.suspect = true;
        this.#tell();
      });
      place.watcher = watcher;
      return true;
    } catch {
      return false;
    }
  }

  #stop(place: Place): void {
    place.watcher?.close();
    delete place.watcher;
    place.stamps.clear();
    if (place.how === 'watched') this.#watched--;
    if (place.how === 'polled') this.#polled--;
    place.how = 'ignored';
  }

  #restart(path: string, place: Place): void {
    this.#stop(place);
    this.#start(path, place);
  }

  #drop(path: string, place: Place): void {
    this.#stop(place);
    this.#doubtful.delete(place);
    this.#places.delete(path);
  }

  #event(path: string, place: Place, type: string, raw: string | Buffer | null): void {
    if (!place.watcher) return;
    if (raw === null || raw.length === 0) return this.#tell();
    const name = typeof raw === 'string' ? raw : decodePath(raw);
    if (type === 'rename') {
      if (name === place.name) {
        place.suspect = true;
        this.#tell();
      }
      const below = path === '/' ? `/${name}` : `${path}/${name}`;
      if (this.#places.has(below)) this.#moved.add(below);
    }
    if (isAmong(name, place.looked.names)) this.#tell();
    else if (type === 'rename' && place.looked.entries) {
      this.#doubtful.add(place);
      this.#changed();
    }
  }

  #tell(): void {
    this.#news = true;
    this.#changed();
  }

  #pollAfter(pause: number): void {
    this.#timer = setTimeout(() => {
      const start = performance.now();
      this.#poll();
      this.#pollAfter(Math.max(this.#pollEvery, (performance.now() - start) * POLL_REST));
    }, pause);
    this.#timer.unref();
  }

  #poll(): void {
    const reference = this.#reference;
    if (reference && identityOf(reference.path) !== reference.identity) {
      this.#reference = undefined;
      this.#tell();
    }
    for (const place of this.#places.values()) {
      if (place.how === 'ignored') continue;
      // Another directory was put (or mounted) there, of which no event tells.
      if (identityOf(place.host) !== place.identity) {
        if (!place.suspect) this.#tell();
        place.suspect = true;
      } else if (place.how === 'polled') this.#pollNames(place);
    }
  }

  #pollNames(place: Place): void {
    for (const [name, before] of place.stamps) {
      const now = stampOf(joinPath(place.host, name));
      if (now === before) continue;
      place.stamps.set(name, now);
      if (name !== '') this.#tell();
      else {
        this.#doubtful.add(place);
        this.#changed();
      }
    }
  }

  /** True when there are names that we did not stamp before. The empty name is the listing. */
  #stampNames({ host, looked: { names, entries }, stamps }: Place): boolean {
    let isNew = false;
    for (const name of stamps.keys()) if (name !== '' && !names.has(name)) stamps.delete(name);
    if (!entries) stamps.delete('');
    for (const name of entries ? ['', ...names] : names) {
      if (stamps.has(name)) continue;
      stamps.set(name, stampOf(joinPath(host, name)));
      isNew = true;
    }
    return isNew;
  }
}

/** File systems of a Mac ignore case, and may tell a name in another normal form. */
function isAmong(name: string, names: ReadonlySet<string>): boolean {
  if (names.has(name)) return true;
  if (process.platform !== 'darwin') return false;
  const folded = name.normalize('NFC').toLowerCase();
  for (const each of names) if (each.normalize('NFC').toLowerCase() === folded) return true;
  return false;
}

/** How many watchers a user may have. */
function inotifyLimit(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}
