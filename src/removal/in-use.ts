/** Programs that are running and hold a store open: they may write back what they have in memory. */

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { runTool } from './tool.ts';
import { inPlaceOf, type Root } from './place.ts';

interface RunningProcess {
  readonly pid: number;
  readonly name: string;
  /** Undefined where it cannot be told. */
  readonly uid: number | undefined;
}

/** What is asked about one store. */
export interface StoreUse {
  /** Names of processes, as the store's plan has them. */
  readonly names: readonly string[];
  /** The files that will change. */
  readonly files: readonly string[];
}

/** "firefox (process 4711)", for each that has one of the stores open. */
export async function findUsers(root: Root, uses: readonly StoreUse[]): Promise<readonly string[]> {
  const users = new Map<number, string>();
  const named = uses.filter(({ names }) => names.length > 0);
  const running = named.length > 0 ? await listProcesses() : [];
  for (const { names, files } of named) {
    const owners = new Set(files.flatMap((file) => ownerOf(root, file) ?? []));
    for (const { pid, name, uid } of running.filter((process) => isNamed(process, names))) {
      // The Firefox of another user has another profile.
      if (uid === undefined || owners.size === 0 || owners.has(uid)) users.set(pid, name);
    }
  }
  const locks = lockHolders();
  for (const file of uses.flatMap(({ files }) => files)) {
    for (const pid of [...lockedBy(root, file, locks), ...profileLock(root, file)]) {
      if (pid !== process.pid && !users.has(pid)) users.set(pid, nameOf(pid) ?? 'a program');
    }
  }
  return Array.from(users, ([pid, name]) => `${name} (process ${pid})`);
}

function isNamed({ name }: RunningProcess, names: readonly string[]): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(/\.exe$/, '');
  // The kernel keeps the first fifteen characters of a name.
  return names.some((each) => plain(each) === plain(name) || plain(each).slice(0, 15) === plain(name));
}

function ownerOf(root: Root, path: string): number | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    const uid = inPlaceOf(root, path, (place, name) => place.stat(name)?.uid);
    return uid === undefined ? undefined : Number(uid);
  } catch {
    return undefined;
  }
}

function listProcesses(): Promise<readonly RunningProcess[]> | readonly RunningProcess[] {
  if (process.platform === 'linux') return fromProc();
  return process.platform === 'win32' ? fromTasklist() : fromPs();
}

function fromProc(): readonly RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const command = nameOf(pid);
      return command === undefined ? [] : [{ pid, name: command, uid: uidOf(pid) }];
    });
}

/** The program's own file where that may be known: a thread can give its process any name. */
function nameOf(pid: number): string | undefined {
  try {
    const [name] = readlinkSync(`/proc/${pid}/exe`).split('/').slice(-1);
    if (name !== undefined && name !== '') return name.replace(/ \(deleted\)$/, '');
  } catch {
    // A process of another user, or one of the kernel.
  }
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function uidOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return undefined;
  }
}

async function fromPs(): Promise<readonly RunningProcess[]> {
  const { output } = await runTool(['ps', '-axo', 'pid=,uid=,comm='], { timeout: 30_000 });
  return output.split('\n').flatMap((line) => {
    const [, pid, uid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    const name = command?.slice(command.lastIndexOf('/') + 1);
    return name === undefined ? [] : [{ pid: Number(pid), name, uid: Number(uid) }];
  });
}

async function fromTasklist(): Promise<readonly RunningProcess[]> {
  const { output } = await runTool(['tasklist', '/fo', 'csv', '/nh'], { timeout: 30_000 });
  return output.split('\n').flatMap((line) => {
    const [, name, pid] = /^"([^"]+)","(\d+)"/.exec(line) ?? [];
    return name === undefined ? [] : [{ pid: Number(pid), name, uid: undefined }];
  });
}

/** Device and inode of each file that somebody has locked, with the process. Linux only. */
function lockHolders(): ReadonlyMap<string, number> {
  try {
    const lines = readFileSync('/proc/locks', 'utf8').split('\n');
    return new Map(
      lines.flatMap((line): [string, number][] => {
        const [, pid, device, inode] = /\s(\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /.exec(line) ?? [];
        return device === undefined ? [] : [[`${device}:${inode}`, Number(pid)]];
      }),
    );
  } catch {
    return new Map();
  }
}

/** Whoever has a lock on the file itself, or on the lock file of a Mozilla profile beside it. */
function lockedBy(root: Root, path: string, locks: ReadonlyMap<string, number>): readonly number[] {
  if (locks.size === 0) return [];
  try {
    return inPlaceOf(root, path, (place, name) =>
      [name, '.parentlock'].flatMap((each) => {
        const stat = place.stat(each);
        return (stat && locks.get(`${deviceOf(stat.dev)}:${stat.ino}`)) ?? [];
      }),
    );
  } catch {
    return [];
  }
}

/** As /proc/locks writes it: major and minor number, in hex of two digits at least. */
function deviceOf(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return [major, minor].map((each) => each.toString(16).padStart(2, '0')).join(':');
}

/** Firefox and Thunderbird leave a link `lock` to "address:+process" in a profile that is open. */
function profileLock(root: Root, path: string): readonly number[] {
  // In a mounted root the process was one of another system.
  if (root.host !== '') return [];
  try {
    const link = inPlaceOf(root, path, (place) => {
      const stat = place.stat('lock');
      return stat?.isSymbolicLink() === true ? readlinkSync(place.at('lock')) : '';
    });
    const pid = Number(/:\+(\d+)$/.exec(link)?.[1]);
    // After a crash the link stays; the number may be anybody's by now.
    const name = Number.isSafeInteger(pid) ? nameOf(pid) : undefined;
    return name !== undefined && /firefox|thunderbird|mozilla|librewolf|waterfox|floorp|zen/i.test(name)
      ? [pid]
      : [];
  } catch {
    return [];
  }
}
