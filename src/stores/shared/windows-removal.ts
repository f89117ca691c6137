/**
 * How a root leaves the stores of Windows. Where the store is a registry key and nothing else, reg.exe takes that key
 * away: the registry store provider holds nothing beside it ("System Store Locations", Microsoft Learn), a running
 * program is told of the change, and `reg import` brings back every property. `certutil -addstore` would bring back
 * the bare certificate, trusted for more than before. The Root store of a user is guarded by Windows (ProtectedRoots):
 * there certutil asks the user. Wine's certutil is an empty shell that says it succeeded, so Wine always takes reg.exe.
 */

import { sha1Of, sha256 } from '../../core/certificate.ts';
import type { Remediation } from '../../core/remediation.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { canQuoteCmd, quoteCmd, quotePowerShell } from '../../core/windows-shell.ts';
import { isWine } from './windows-places.ts';
import { isLiveKey } from './windows-registry.ts';

/** What the commands are put together from; each word is quoted when the shell is chosen. */
interface Step {
  readonly commands: readonly (readonly string[])[];
  readonly undo: readonly (readonly string[])[];
}

interface Plan {
  readonly disposition: 'safe' | 'unsafe';
  readonly elevated: boolean;
  readonly steps: readonly Step[];
  readonly backup: string;
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

/** AuthRoot: what is deleted there is fetched again when a program meets it. Disallowed wins over every store. */
export function fetchedAgain(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const [anchor] = anchors;
  const why = 'Deleting it would not last, because Windows fetches it again: it has to be refused.';
  if (!isLiveKey(location.path) || !anchor) {
    return onTheRunningSystem(anchors, 'certutil -addstore Disallowed', why);
  }
  if (isWine(target)) return fromMachine(target, location, anchors);
  const sha1 = sha1Of(anchor.certificate).toUpperCase();
  const backup = backupDirectory(target, location);
  const file = `${backup}\\${sha1}.cer`;
  const [store = ''] = anchor.entry.split('\\');
  const steps: Step[] = [
    {
      commands: [
        ['certutil', '-f', '-store', store, sha1, file],
        ['certutil', '-addstore', 'Disallowed', file],
      ],
      undo: [['certutil', '-delstore', 'Disallowed', sha1]],
    },
  ];
  return render({ disposition: 'safe', elevated: true, steps, backup, note: why });
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

function onTheRunningSystem(anchors: readonly TrustAnchor[], command: string, why?: string): Remediation {
  const [anchor] = anchors;
  const sha1 = anchor ? sha1Of(anchor.certificate).toUpperCase() : '';
  const isAdding = command.includes('-addstore');
  const first = isAdding ? `certutil -store AuthRoot ${sha1} saved.cer` : '';
  const steps = isAdding ? `"${first}" and "${command} saved.cer"` : `"${command} ${sha1}"`;
  const note = `${why === undefined ? '' : `${why} `}The registry of a Windows that is not running is not changed from here. Start it and run ${steps} there.`;
  return {
    disposition: 'manual',
    shell: 'cmd',
    commands: [],
    undo: [],
    elevated: !command.includes('-user'),
    note,
  };
}

function removeKeys(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  plan: Pick<Plan, 'disposition' | 'elevated' | 'note'>,
): Remediation {
  const backup = backupDirectory(target, location);
  const steps = anchors.map(({ path }): Step => {
    const file = `${backup}\\${backupName(path)}.reg`;
    return {
      commands: [
        ['reg', 'export', path, file, '/y'],
        ['reg', 'delete', path, '/f'],
      ],
      undo: [['reg', 'import', file]],
    };
  });
  return render({ ...plan, steps, backup });
}

function removeWithCertutil(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const backup = backupDirectory(target, location);
  const steps = anchors.map(({ path, certificate, entry }): Step => {
    const sha1 = sha1Of(certificate).toUpperCase();
    const [store = ''] = entry.split('\\');
    const file = `${backup}\\${backupName(path)}.cer`;
    return {
      commands: [
        ['certutil', '-user', '-f', '-store', store, sha1, file],
        ['certutil', '-user', '-delstore', store, sha1],
      ],
      undo: [['certutil', '-user', '-addstore', store, file]],
    };
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
  const words = [backup, ...steps.flatMap(({ commands, undo }) => [...commands, ...undo].flat())];
  const isCmd = words.every(canQuoteCmd);
  const quote = isCmd ? quoteCmd : quotePowerShell;
  const line = (command: readonly string[]): string =>
    command.map((word) => (OPTION.test(word) ? word : quote(word))).join(' ');
  const prepare = isCmd
    ? `if not exist ${quoteCmd(backup)} mkdir ${quoteCmd(backup)}`
    : `New-Item -ItemType Directory -Force -Path ${quotePowerShell(backup)} | Out-Null`;
  return {
    disposition,
    shell: isCmd ? 'cmd' : 'powershell',
    commands: [prepare, ...steps.flatMap(({ commands }) => commands.map(line))],
    undo: steps.flatMap(({ undo }) => undo.map(line)),
    elevated,
    ...(note !== undefined && { note }),
  };
}
