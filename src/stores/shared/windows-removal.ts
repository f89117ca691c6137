/**
 * How a root leaves the stores of Windows. Where the store is a registry key and nothing else, reg.exe takes that key
 * away: the registry store provider holds nothing beside it ("System Store Locations", Microsoft Learn), a running
 * program is told of the change, and `reg import` brings back every property. `certutil -addstore` would bring back
 * the bare certificate, trusted for more than before. The Root store of a user is guarded by Windows (ProtectedRoots):
 * there certutil asks the user. Wine's certutil is an empty shell that says it succeeded, so Wine always takes reg.exe.
 */

import { sha1Of, sha256, type Certificate } from '../../core/certificate.ts';
import { groupBy } from '../../core/collections.ts';
import type { Action, Remediation } from '../../core/remediation.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { canQuoteCmd, quoteCmd, quotePowerShell } from '../../core/windows-shell.ts';
import { targetPath } from './java-homes.ts';
import { certificatesOf } from './steps.ts';
import { isWine } from './windows-places.ts';
import { isLiveKey } from './windows-registry.ts';

/** What the commands are put together from; each word is quoted when the shell is chosen. */
interface Step {
  readonly command: readonly string[];
  readonly undo?: readonly string[];
  /** A file of ours that it writes. */
  readonly writes?: string;
}

interface Plan {
  readonly disposition: 'safe' | 'unsafe';
  readonly elevated: boolean;
  readonly steps: readonly Step[];
  /** The directory for what is saved, where something is. */
  readonly backup?: string;
  readonly note?: string;
}

/** From a store of the whole machine, or of a service. */
export function fromMachine(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  if (!isLiveKey(location.path)) return onTheRunningSystem(anchors, 'certutil -delstore Root');
  return removeKeys(target, location, anchors, { disposition: 'safe', elevated: true });
}

export function fromUser(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  if (!isLiveKey(location.path)) return onTheRunningSystem(anchors, 'certutil -user -delstore Root');
  if (isWine(target)) return removeKeys(target, location, anchors, { disposition: 'safe', elevated: false });
  if (!location.path.startsWith('HKCU\\')) {
    return removeKeys(target, location, anchors, {
      disposition: 'unsafe',
      elevated: true,
      note: 'This is the registry of another user, who is logged on. After an undo Windows may ask that user again.',
    });
  }
  return removeWithCertutil(target, location, anchors);
}

/** Group policy and Active Directory bring back what is removed here. */
export function byPolicy(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  source: string,
): Remediation {
  const note = `${source}, then run gpupdate /force on this machine: otherwise it comes back.`;
  const elevated = true;
  if (!isLiveKey(location.path)) {
    return { disposition: 'manual', shell: 'cmd', commands: [], undo: [], elevated, note };
  }
  return removeKeys(target, location, anchors, { disposition: 'unsafe', elevated, note });
}

/**
 * AuthRoot, and what Microsoft's list names: what is deleted there is fetched again when a program meets it. Disallowed
 * wins over every store. Of several certificates some may be such.
 */
export function fromMachineOrRefused(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  isFetchedAgain: (anchor: TrustAnchor) => boolean,
): Remediation {
  const byCertificate = groupBy(anchors, ({ certificate }) => certificate.sha256);
  const [fetched, deleted]: [TrustAnchor[], TrustAnchor[]] = [[], []];
  for (const held of byCertificate.values()) (held.some(isFetchedAgain) ? fetched : deleted).push(...held);
  if (fetched.length === 0 || isWine(target)) return fromMachine(target, location, anchors);
  const why = 'Deleting it would not last, because Windows fetches it again: it has to be refused.';
  if (!isLiveKey(location.path)) {
    const others = deleted.length === 0 ? undefined : fromMachine(target, location, deleted).note;
    const plan = onTheRunningSystem(fetched, 'certutil -addstore Disallowed', why);
    return others === undefined ? plan : { ...plan, note: `${plan.note ?? ''} ${others}` };
  }
  const backup = backupDirectory(target, location);
  const seen = groupBy(fetched, ({ certificate }) => certificate.sha256);
  const refusals = Array.from(seen.values(), ([anchor]) => (anchor ? refusalSteps(anchor, backup) : []));
  return render({
    disposition: 'safe',
    elevated: true,
    steps: [...refusals.flat(), ...keySteps(deleted, backup)],
    backup,
    note: why,
  });
}

function refusalSteps({ certificate, entry }: TrustAnchor, backup: string): Step[] {
  const sha1 = upperSha1(certificate);
  const file = `${backup}\\${sha1}.cer`;
  const [store = ''] = entry.split('\\');
  return [
    { command: ['certutil', '-f', '-store', store, sha1, file], writes: file },
    {
      command: ['certutil', '-addstore', 'Disallowed', file],
      undo: ['certutil', '-delstore', 'Disallowed', sha1],
    },
  ];
}

/** Nothing to delete: the list names it, and Windows has not fetched it yet. */
export function onDemandOnly(
  _target: Target,
  _location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const names = anchors.map(({ certificate }) => sha1Of(certificate)).join(', ');
  const note =
    'No store holds it yet, but Windows fetches it from Microsoft and trusts it when a program meets it. ' +
    'To refuse it: in an empty directory run "certutil -syncWithWU ." to get the roots of the list as files, then ' +
    `as administrator "certutil -addstore Disallowed FILE" with the file of this name: ${names}.crt. ` +
    'Undo: "certutil -delstore Disallowed" with the same name.';
  return { disposition: 'manual', shell: 'cmd', commands: [], undo: [], elevated: true, note };
}

const DISALLOWED = 'Microsoft\\SystemCertificates\\Disallowed\\Certificates';

/**
 * A copy of the key in Disallowed, which wins over every store: of the user for a store of that user, else of the
 * machine. The key itself stays, so that whoever brings it back changes nothing.
 */
export function refuse(
  _target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const [, user] = /^(HKCU|HKU\\[^\\]+)\\/.exec(location.path) ?? [];
  const option = user === undefined ? '' : '-user ';
  if (!isLiveKey(location.path)) {
    return onTheRunningSystem(anchors, `certutil ${option}-addstore Disallowed`);
  }
  const base = user === undefined ? 'HKLM\\SOFTWARE' : `${user}\\Software`;
  const steps = certificatesOf(anchors).flatMap((certificate): Step[] => {
    const from = anchors.find((anchor) => anchor.certificate.sha256 === certificate.sha256)?.path ?? '';
    const to = `${base}\\${DISALLOWED}\\${upperSha1(certificate)}`;
    return [{ command: ['reg', 'copy', from, to, '/s', '/f'], undo: ['reg', 'delete', to, '/f'] }];
  });
  return render({ disposition: 'safe', elevated: user !== 'HKCU', steps });
}

function upperSha1(certificate: Certificate): string {
  return sha1Of(certificate).toUpperCase();
}

function onTheRunningSystem(anchors: readonly TrustAnchor[], command: string, why?: string): Remediation {
  const user = command.includes('-user') ? '-user ' : '';
  const steps = certificatesOf(anchors).map((certificate) => {
    const sha1 = upperSha1(certificate);
    if (!command.includes('-addstore')) return `"${command} ${sha1}"`;
    const store = anchors.find((anchor) => anchor.certificate === certificate)?.entry.split('\\')[0] ?? '';
    const name = why === undefined && store !== '' ? store : 'AuthRoot';
    return `"certutil ${user}-store ${name} ${sha1} saved.cer" and "${command} saved.cer"`;
  });
  const note = `${why === undefined ? '' : `${why} `}The registry of a Windows that is not running is not changed from here. Start it and run ${steps.join(', then ')} there.`;
  const elevated = user === '';
  return { disposition: 'manual', shell: 'cmd', commands: [], undo: [], elevated, note };
}

function removeKeys(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  plan: Pick<Plan, 'disposition' | 'elevated' | 'note'>,
): Remediation {
  const backup = backupDirectory(target, location);
  return render({ ...plan, steps: keySteps(anchors, backup), backup });
}

function keySteps(anchors: readonly TrustAnchor[], backup: string): Step[] {
  return anchors.flatMap(({ path }): Step[] => {
    const file = `${backup}\\${backupName(path)}.reg`;
    return [
      { command: ['reg', 'export', path, file, '/y'], writes: file },
      { command: ['reg', 'delete', path, '/f'], undo: ['reg', 'import', file] },
    ];
  });
}

function removeWithCertutil(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const backup = backupDirectory(target, location);
  const steps = anchors.flatMap(({ path, certificate, entry }): Step[] => {
    const sha1 = upperSha1(certificate);
    const [store = ''] = entry.split('\\');
    const file = `${backup}\\${backupName(path)}.cer`;
    return [
      { command: ['certutil', '-user', '-f', '-store', store, sha1, file], writes: file },
      {
        command: ['certutil', '-user', '-delstore', store, sha1],
        undo: ['certutil', '-user', '-addstore', store, file],
      },
    ];
  });
  const note =
    'To be run by this user. Windows asks in a window before it removes, and before it adds again.';
  return render({ disposition: 'safe', elevated: false, steps, backup, note });
}

/** The name of the key, and a mark of its whole path: the same root lies in more than one store. */
function backupName(path: string): string {
  const name = (path.split('\\').at(-1) ?? '').replaceAll(/[^A-Za-z0-9]/g, '_').slice(0, 64);
  return `${sha256(Buffer.from(path)).slice(0, 12)}-${name}`;
}

function backupDirectory({ environment }: Target, { scope, path }: StoreLocation): string {
  const own = scope === 'user' && path.startsWith('HKCU\\') ? environment['LOCALAPPDATA'] : undefined;
  return `${own ?? environment['ProgramData'] ?? 'C:\\ProgramData'}\\rootaudit\\backup`;
}

/** Options are ours and never come from the registry: no name of a key or file looks like one. */
const OPTION = /^[-/][a-z]+$/;

/** For cmd.exe; for PowerShell where a word holds what cmd.exe would change. */
function render({ disposition, elevated, steps, backup, note }: Plan): Remediation {
  const undo = steps.flatMap((step) => (step.undo ? [step.undo] : []));
  const words = [backup ?? '', ...[...steps.map(({ command }) => command), ...undo].flat()];
  const isCmd = words.every(canQuoteCmd);
  const quote = isCmd ? quoteCmd : quotePowerShell;
  const line = (command: readonly string[]): string =>
    command.map((word) => (OPTION.test(word) ? word : quote(word))).join(' ');
  const prepare = (directory: string): string =>
    isCmd
      ? `if not exist ${quoteCmd(directory)} mkdir ${quoteCmd(directory)}`
      : `New-Item -ItemType Directory -Force -Path ${quotePowerShell(directory)} | Out-Null`;
  return {
    disposition,
    shell: isCmd ? 'cmd' : 'powershell',
    commands: [
      ...(backup === undefined ? [] : [prepare(backup)]),
      ...steps.map(({ command }) => line(command)),
    ],
    undo: undo.map(line),
    actions: [...(backup === undefined ? [] : [makeDirectory(backup)]), ...steps.map(toAction)],
    elevated,
    ...(note !== undefined && { note }),
  };
}

/** mkdir is part of cmd.exe, which would take some names for more than a name. */
function makeDirectory(directory: string): Action {
  const argv = /^[A-Za-z]:[\w\\ .-]+$/.test(directory)
    ? ['cmd', '/d', '/c', 'if', 'not', 'exist', directory, 'mkdir', directory]
    : [
        'powershell',
        '-NoProfile',
        '-NonInteractive',
        '-Command',
        `New-Item -ItemType Directory -Force -Path ${quotePowerShell(directory)} | Out-Null`,
      ];
  return { kind: 'run', argv, changes: [] };
}

/** The registry is no file: what is changed there comes back by the tool's own undo. */
function toAction({ command, undo, writes }: Step): Action {
  const file = writes === undefined ? undefined : targetPath(writes);
  const changes = file === undefined ? [] : [file];
  return { kind: 'run', argv: command, changes, ...(undo && { undo: [undo] }) };
}
