/** Which commands an image has: a line of a Dockerfile can run no other. */

import { unlessRefused, type Target } from '../core/target.ts';

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export function commandsOf({ fs, environment }: Target): (command: string) => boolean {
  const path = (environment['PATH'] ?? '').split(':').filter((directory) => directory.startsWith('/'));
  const directories = [...new Set([...path, ...DIRECTORIES])];
  const known = new Map<string, boolean>();
  return (command) => {
    const found =
      known.get(command) ??
      (command.startsWith('/')
        ? isFile(fs, command)
        : directories.some((each) => isFile(fs, `${each}/${command}`)));
    known.set(command, found);
    return found;
  };
}

function isFile(fs: Target['fs'], path: string): boolean {
  return unlessRefused(() => fs.kind(path)) === 'file';
}
