/** The certificates of a profile's `ServerCertificate` database as anchors, and how one of them leaves. */

import { posix } from 'node:path';
import { certificateFrom, spkiSha256Of, type Certificate } from '../../core/certificate.ts';
import type { Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreContent, StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { distrustedForAll, heldOnly, trustFor, type Trust } from '../../core/trust.ts';
import {
  parseServerCertificates,
  type ServerCertificateEntry,
} from '../../formats/chrome-server-certificates.ts';
import { saveCommands } from './backup.ts';
import { mayBeCa, namesHosts } from './basic-constraints.ts';
import { chromeProcesses } from './browser-processes.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  fsProblem,
  mergeContents,
  problemContent,
  realPathOr,
} from './content.ts';
import { manualRemediation } from './cut-bytes.ts';
import { scannedFile } from './scanned-file.ts';
import { editAction, planOf, type Step } from './steps.ts';
import { stillHolds } from './unchanged.ts';

const MAX_BYTES = 64 << 20;
/** What SQLite may keep beside the database. */
const SUFFIXES = ['', '-wal', '-journal'];
export const SERVER_CERTIFICATE = 'ServerCertificate';

export function readServerCertificates(target: Target, path: string): StoreContent {
  const read = (suffix: string): Uint8Array | undefined => target.fs.read(`${path}${suffix}`, MAX_BYTES);
  try {
    const main = read('');
    if (!main) return EMPTY_CONTENT;
    const { entries, diagnostics } = parseServerCertificates({
      main,
      wal: read('-wal'),
      journal: read('-journal'),
    });
    const held = entries.map((entry) => ({ entry, certificate: certificateFrom(entry.der) }));
    const distrusted = new Set(
      held.flatMap(({ entry, certificate }) =>
        entry.trust === 'distrusted' ? (spkiSha256Of(certificate) ?? []) : [],
      ),
    );
    const anchors = held.map(({ entry, certificate }): TrustAnchor => {
      const spki = spkiSha256Of(certificate);
      const refused = spki !== undefined && distrusted.has(spki);
      return { certificate, entry: entry.key, path, trust: trustOf(entry, certificate, refused) };
    });
    return mergeContents([{ anchors, problems: [], notes: [] }, diagnosticsContent(path, diagnostics)]);
  } catch (error) {
    return problemContent(fsProblem(error));
  }
}

/** `refused`: the database distrusts the certificate's key, in this row or another. */
function trustOf(
  { trust, names }: ServerCertificateEntry,
  certificate: Certificate,
  refused: boolean,
): Trust {
  if (trust === 'distrusted') return distrustedForAll('distrusted, with every certificate of this key');
  if (refused) return distrustedForAll(`${trust}, but its key is distrusted`);
  if (trust === 'hint') return heldOnly('hint: helps to build chains');
  if (trust === 'none') return heldOnly('no trust set: Chrome ignores it');
  const limited = names.length === 0 ? '' : `, only for ${names.join(', ')}`;
  if (mayBeCa(certificate) === false) {
    // Without host names Chrome has no use for it.
    if (names.length === 0 && !namesHosts(certificate))
      return heldOnly('trusted, but no CA and without host names');
    return trustFor({ serverAuth: 'trusted' }, `trusted as it is, not as a CA${limited}`);
  }
  return trustFor({ serverAuth: 'trusted' }, `trusted${limited}`);
}

/** The rows go with sqlite3, which refuses while the browser has the database open. */
export function planServerCertificateRemoval(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  browser: string,
): Remediation {
  const byHand = `In ${browser}, open chrome://certificate-manager and delete it under "Installed by you".`;
  const keys = [...new Set(anchors.map(({ entry }) => entry))];
  const path = realPathOr(target, location.path);
  const plain = keys.every((key) => /^[0-9a-fA-F]{64}$/.test(key));
  if (!plain || keys.length === 0 || !scannedFile(target, path).exists) {
    return manualRemediation(location, byHand);
  }
  return planOf(target, [deleteRows(target, location, path, keys)], {
    elevated: location.scope !== 'user',
    inUse: chromeProcesses(location),
    byHand,
    notes: [`Close ${browser} first.`, byHand.replace('In', 'Or in')],
  });
}

function deleteRows(target: Target, location: StoreLocation, path: string, keys: readonly string[]): Step {
  const list = keys.map((key) => `'${key}'`).join(', ');
  const sql = `DELETE FROM certificates WHERE sha256hash_hex IN (${list});`;
  const all = SUFFIXES.map((suffix) => `${path}${suffix}`);
  const files = all.filter((file) => exists(target, file, 'file'));
  const edited = { path: posix.dirname(path), directory: true, files };
  const argv = ['sqlite3', '-bail', `{}/${posix.basename(path)}`, sql];
  const actions = [editAction(target, edited, [argv], {})];
  const hostPath = target.hostPath(path);
  const windows = target.kind === 'live' && target.platform === 'win32';
  // sqlite3 takes a name that begins with "file:" for a URI.
  if (windows || !canQuoteSh(hostPath) || !posix.isAbsolute(hostPath)) {
    return { commands: undefined, undo: [], actions };
  }
  const commands: string[] = [];
  const undo: string[] = [];
  for (const file of all) {
    if (!files.includes(file)) {
      undo.push(`rm -f ${quoteSh(target.hostPath(file))}`);
      continue;
    }
    const saved = saveCommands(target, location, file);
    commands.push(stillHolds(target, file), ...saved.commands);
    undo.push(...saved.undo);
  }
  return {
    commands: [...new Set(commands), `sqlite3 -bail ${quoteSh(hostPath)} ${quoteSh(sql)}`],
    undo,
    actions,
  };
}
