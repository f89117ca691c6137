/**
 * Certificates with which the firmware and shim check programs before they start them: the variables PK, KEK, db and
 * dbx (UEFI specification, "Secure Boot"), and shim's list of machine owner keys. The variables are files on Linux,
 * with four bytes of attributes before the value (efivarfs).
 */

import { posix } from 'node:path';
import { certificateFrom } from '../core/certificate.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { distrustedForAll, heldOnly, trustFor, type Trust } from '../core/trust.ts';
import { parseEfiSignatureLists } from '../formats/efi-signature-list.ts';
import { diagnosticsContent, mergeContents, readFile } from './shared/content.ts';
import { expandPaths } from './shared/directories.ts';

const VARIABLES = '/sys/firmware/efi/efivars';
/** Newer kernels show shim's lists whole, without attributes. */
const MOK_VARIABLES = '/sys/firmware/efi/mok-variables';
const ATTRIBUTE_BYTES = 4;
/** Firmware has some hundred kilobytes for all its variables. */
const MAX_VARIABLE_BYTES = 8 << 20;

const TRUST: ReadonlyMap<string, Trust> = new Map([
  ['db', trustFor({ codeSigning: 'trusted' }, 'db: programs that the firmware starts')],
  ['MokListRT', trustFor({ codeSigning: 'trusted' }, 'MokList: programs and modules, for shim and Linux')],
  ['KEK', heldOnly('KEK: may change db and dbx')],
  ['PK', heldOnly('PK: may change KEK')],
  ['dbx', distrustedForAll('dbx: refused by the firmware')],
  ['MokListXRT', distrustedForAll('MokListX: refused by shim')],
]);

const nameOf = (path: string): string => posix.basename(path).split('-', 1)[0] ?? '';

function locate(target: Target): StoreLocation[] {
  const paths = [`${VARIABLES}/*`, `${MOK_VARIABLES}/*`].flatMap((pattern) => expandPaths(target, pattern));
  return paths
    .filter((path) => TRUST.has(nameOf(path)))
    .map((path) => ({
      path,
      application: `Secure Boot (${nameOf(path)})`,
      scope: 'system',
      format: 'EFI signature list',
    }));
}

function read(target: Target, { path }: StoreLocation): StoreContent {
  const file = readFile(target, path, MAX_VARIABLE_BYTES);
  if ('failed' in file) return file.failed;
  const skipped = path.startsWith(VARIABLES) ? ATTRIBUTE_BYTES : 0;
  const { entries, diagnostics } = parseEfiSignatureLists(file.bytes.subarray(skipped));
  const trust = TRUST.get(nameOf(path)) ?? heldOnly(nameOf(path));
  const anchors = entries.map(({ der, owner }, index): TrustAnchor => ({
    certificate: certificateFrom(der),
    entry: `certificate ${index + 1} of ${entries.length}, owner ${owner}`,
    path,
    trust,
  }));
  const placed = diagnostics.map((each) =>
    each.offset === undefined ? each : { ...each, offset: each.offset + skipped },
  );
  return mergeContents([{ anchors, problems: [], notes: [] }, diagnosticsContent(path, placed)]);
}

export const store: StoreType = {
  id: 'uefi',
  title: 'Secure Boot: certificates of the firmware and of shim',
  platforms: ['linux'],
  locate,
  read: (target, location) => [read(target, location)],
  planRemoval: (_target, { path }) => ({
    disposition: 'manual',
    shell: 'sh',
    commands: [],
    undo: [],
    elevated: true,
    note: nameOf(path).startsWith('Mok')
      ? 'Save the certificate to a file, run "mokutil --delete FILE", start the machine anew and confirm. To undo it: "mokutil --import FILE".'
      : 'Remove the certificate in the settings of the firmware (Secure Boot, custom mode). A machine whose boot programs it signs will not start any more.',
  }),
};
