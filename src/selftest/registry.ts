/** A certificate in the registry of Windows: as a hive, and as the text files of Wine. */

import { certificateBlob, sha1 } from './windows-forms.ts';
import { makeHive, tree } from './windows-hive.ts';

/** `store` is the path of keys to `Certificates`, below the root of the hive. */
export function hive(store: string, der: Uint8Array): Buffer {
  return makeHive(tree({ [`${store}\\Certificates\\${sha1(der)}`]: { Blob: certificateBlob(der) } }));
}

export function wineRegistry(store: string, der: Uint8Array): string {
  const key = `${store}\\Certificates\\${sha1(der)}`.replaceAll('\\', '\\\\');
  const octets = Array.from(certificateBlob(der), (octet) => octet.toString(16).padStart(2, '0')).join(',');
  return `WINE REGISTRY Version 2\n;; All keys relative to \\\\Machine\n\n#arch=win64\n\n[${key}] 1700000000\n"Blob"=hex:${octets}\n`;
}
