/** A registry tree as lines, to be compared with what another program reads. */

import { createHash } from 'node:crypto';
import type { RegistryKey, RegistryTree } from '../../src/formats/registry.ts';

/** `\key\sub` of every key, and `\key<tab>name=size hash` of every value, in stored order. */
export function registryLines({ root }: RegistryTree): string[] {
  const lines: string[] = [];
  const visit = (key: RegistryKey, path: string): void => {
    for (const { name, data } of key.values()) lines.push(`${path}\t${name}=${mark(data)}`);
    for (const subkey of key.subkeys()) {
      lines.push(`${path}\\${subkey.name}`);
      visit(subkey, `${path}\\${subkey.name}`);
    }
  };
  if (root) visit(root, '');
  return lines;
}

export function mark(data: Uint8Array): string {
  return `${data.length} ${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;
}
