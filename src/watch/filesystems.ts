/** File systems that do not tell of changes. The numbers are those of statfs(2) on Linux. */

import { statfsSync } from 'node:fs';

/** proc, sysfs, debugfs, tracefs, cgroup, cgroup2, devpts: nobody keeps files there. */
const VIRTUAL: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x27e0eb, 0x63677270, 0x1cd1,
]);

/** NFS, SMB, SMB 2, CIFS, 9P, FUSE, AFS, Ceph, Coda, virtiofs and vboxsf: others change what is there, unheard. */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x01021997, 0x65735546, 0x5346414f, 0x00c36400, 0x73757245,
  0x786f4256,
]);

/** events: changes are told; silent: one has to look; virtual: not worth looking at between full scans. */
export function changesOn(path: string | Buffer, platform: NodeJS.Platform): 'events' | 'silent' | 'virtual' {
  // Above all drives there is no directory.
  if (platform === 'win32' && path === '/') return 'virtual';
  // On Windows a directory that is watched cannot be renamed; the BSDs do not tell that a file in it was written to.
  if (platform !== 'linux' && platform !== 'android' && platform !== 'darwin') return 'silent';
  if (platform === 'darwin') return 'events';
  try {
    const type = statfsSync(path).type >>> 0;
    return VIRTUAL.has(type) ? 'virtual' : REMOTE.has(type) ? 'silent' : 'events';
  } catch {
    return 'silent';
  }
}
