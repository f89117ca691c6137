/**
 * The certificate stores of Windows, in the registry (Microsoft Learn, "System Store Locations"). On a running Windows
 * through reg.exe, on a mounted one from the hives with their transaction logs.
 */

import type { Remediation } from '../core/remediation.ts';
import { certificateByHash, parseSha256, sha1Of } from '../core/certificate.ts';
import type { Cause, StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { count } from '../core/text.ts';
import { distrustedForAll, heldOnly, trustStatus, type Trust } from '../core/trust.ts';
import { findDword, findKey, findValue, type RegistryKey } from '../formats/registry.ts';
import { parseStl, type CtlEntry } from '../formats/stl.ts';
import { Property, textProperty } from '../formats/windows-blob.ts';
import { diagnosticsContent, EMPTY_CONTENT, mergeContents } from './shared/content.ts';
import { orUndefined } from './shared/java-homes.ts';
import { addDisallowed, readSystemStores } from './shared/windows-certificates.ts';
import { machineRefusals } from './shared/windows-machine-refusals.ts';
import { isWine, machineBase, userBases, type UserBase } from './shared/windows-places.ts';
import { parseProtectedRoots } from './shared/windows-protected-roots.ts';
import type { Refusals } from './shared/windows-refusals.ts';
import { isLiveKey, openKey } from './shared/windows-registry.ts';
import {
  byPolicy,
  fromMachine,
  fromMachineOrRefused,
  fromUser,
  onDemandOnly,
  refuse,
} from './shared/windows-removal.ts';
import { isAnchorStore, trustByProperties } from './shared/windows-trust.ts';
import { unusualDistributions } from './shared/wsl-registrations.ts';

const SYSTEM = 'Microsoft\\SystemCertificates';
const POLICIES = 'Policies\\Microsoft\\SystemCertificates';
const ENTERPRISE = 'Microsoft\\EnterpriseCertificates';
const SERVICES = 'Microsoft\\Cryptography\\Services';
const AUTO_UPDATE = 'AuthRoot\\AutoUpdate';

/** The place of one key of the machine, with the name of who reads it. */
function inMachine(target: Target, key: string, application: string): readonly StoreLocation[] {
  const base = machineBase(target);
  if (base === undefined) return [];
  const format = target.registry ? 'registry' : 'registry hive';
  return [{ path: `${base}\\${key}`, application, scope: 'system', format }];
}

function inUser({ base, user }: UserBase, key: string, application: string): StoreLocation {
  return {
    path: `${base}\\Software\\${key}`,
    application: `${application} (${user})`,
    scope: 'user',
    format: isLiveKey(`${base}\\`) ? 'registry' : 'registry hive',
    user,
  };
}

function* readStores(
  target: Target,
  { path }: StoreLocation,
  refusals: Refusals = machineRefusals(target),
): Generator<StoreContent> {
  const { key, problems } = openKey(target, path);
  yield* readSystemStores({ key, place: path, refusals });
  yield problems();
}

const machine: StoreType = {
  id: 'windows-machine',
  title: 'Windows, for the whole machine: Root, AuthRoot, Disallowed and the other stores',
  platforms: ['win32'],
  locate: (target) => inMachine(target, SYSTEM, 'Windows'),
  *read(target, location) {
    yield* readStores(target, location);
    yield* noteOtherView(target);
  },
  planRemoval: (target, location, anchors) =>
    fromMachineOrRefused(target, location, anchors, (anchor) => isFetchedAgain(target, anchor)),
  planDistrust: refuseOr(fromMachine),
  broughtBackBy: (target, anchor) =>
    !isWine(target) && isFetchedAgain(target, anchor) ? AUTOMATIC_UPDATE : undefined,
};

const AUTOMATIC_UPDATE: Cause = {
  kind: 'automatic update',
  detail: "Windows fetches it again from Microsoft's list when a program meets it: it has to be refused.",
};

/** Wine does not look into Disallowed. */
function refuseOr(remove: StoreType['planRemoval']): StoreType['planRemoval'] {
  return (target, location, anchors) => (isWine(target) ? remove : refuse)(target, location, anchors);
}

/** What Microsoft's list names comes back when a program meets it, whatever store it was deleted from. */
function isFetchedAgain(target: Target, { entry, certificate }: TrustAnchor): boolean {
  if (/^AuthRoot\\/i.test(entry)) return true;
  const base = machineBase(target);
  if (base === undefined || isAutoUpdateOff(target)) return false;
  const value = findValue(findKey(openKey(target, `${base}\\${SYSTEM}`).key, AUTO_UPDATE), 'EncodedCtl');
  const sha1 = sha1Of(certificate);
  return value !== undefined && parseStl(value.data).entries.some(({ identifier }) => identifier === sha1);
}

/** 64-bit Windows shares one key between both views; another one below Wow6432Node is read by nobody. */
function* noteOtherView(target: Target): Generator<StoreContent> {
  const base = machineBase(target);
  if (base === undefined || isLiveKey(base)) return;
  const place = `${base}\\Wow6432Node\\${SYSTEM}`;
  const { key, problems } = openKey(target, place);
  let found = 0;
  for (const store of key?.subkeys() ?? []) {
    for (const entry of findKey(store, 'Certificates')?.subkeys() ?? []) if (entry.name !== '') found++;
  }
  const notes =
    found > 0 ? [`${place}: ${count(found, 'certificate')} in a copy that Windows does not read`] : [];
  yield mergeContents([{ ...EMPTY_CONTENT, notes }, problems()]);
}

const onDemand: StoreType = {
  id: 'windows-on-demand',
  title: "Windows' list of roots that it fetches when a program meets them",
  platforms: ['win32'],
  locate: (target) =>
    inMachine(target, `${SYSTEM}\\${AUTO_UPDATE}`, 'Windows (automatic root update)').map((location) => ({
      ...location,
      // Refusing a root there refuses it here.
      generatedFrom: ['windows-machine'],
    })),
  *read(target, location) {
    // The key above it is what the other stores ask for, too: it is read once.
    const { key, problems } = openKey(target, location.path.slice(0, -AUTO_UPDATE.length - 1));
    yield readTrustList(target, location.path, findKey(key, AUTO_UPDATE));
    yield problems();
  },
  planRemoval: onDemandOnly,
  broughtBackBy: () => AUTOMATIC_UPDATE,
};

function readTrustList(target: Target, place: string, key: RegistryKey | undefined): StoreContent {
  const value = findValue(key, 'EncodedCtl');
  if (!value) {
    const notes = [`${place}: no list here; Windows uses the one inside crypt32.dll, which is not read`];
    return { ...EMPTY_CONTENT, notes };
  }
  const { entries, diagnostics } = parseStl(value.data);
  const isOff = isAutoUpdateOff(target);
  const refusals = machineRefusals(target);
  const anchors = entries.flatMap(
    (entry) => listedRoot(entry, `${place}\\EncodedCtl`, refusals, isOff) ?? [],
  );
  const unnamed = entries.length - anchors.length;
  const notes = unnamed > 0 ? [`${place}: ${count(unnamed, 'root')} named by SHA-1 only, left out`] : [];
  const refused = findValue(key, 'DisallowedCertEncodedCtl');
  const list = refused && parseStl(refused.data);
  if (list) {
    const where = `${place}\\DisallowedCertEncodedCtl`;
    if (!refusals.addList(list, 'list of disallowed certificates')) {
      notes.push(`${where}: identifiers of an unknown kind (${list.subjectAlgorithm})`);
    }
  }
  return mergeContents([
    { anchors, problems: [], notes },
    diagnosticsContent(`${place}\\EncodedCtl`, diagnostics),
    diagnosticsContent(`${place}\\DisallowedCertEncodedCtl`, list?.diagnostics ?? []),
  ]);
}

/** The list has no certificates: a root in it is known by its hashes alone. */
function listedRoot(
  { identifier, properties }: CtlEntry,
  path: string,
  refusals: Refusals,
  isOff: boolean,
): TrustAnchor | undefined {
  const sha256 = parseSha256(Buffer.from(properties.get(Property.rootSha256) ?? []).toString('hex'));
  if (!sha256) return undefined;
  const certificate = certificateByHash(sha256, identifier);
  const own = trustByProperties('on demand', properties, Date.now());
  const name = textProperty(properties, Property.friendlyName);
  const entry = name === undefined ? identifier.toUpperCase() : `${name} (${identifier.toUpperCase()})`;
  return { certificate, entry, path, trust: listedTrust(own, refusals.find(certificate), isOff) };
}

function listedTrust(own: Trust, refusedBy: string | undefined, isOff: boolean): Trust {
  if (trustStatus(own) !== 'trusted') return own;
  if (refusedBy !== undefined) return distrustedForAll(`${own.expressed}, but refused by ${refusedBy}`);
  return isOff ? heldOnly('on demand, but a policy switches automatic root update off') : own;
}

function isAutoUpdateOff(target: Target): boolean {
  return findDword(machinePolicy(target, 'AuthRoot'), 'DisableRootAutoUpdate') === 1;
}

/** Undefined also where policies may not be read, which the store of policies tells. */
function machinePolicy(target: Target, path: string): RegistryKey | undefined {
  const base = machineBase(target);
  if (base === undefined) return undefined;
  return orUndefined(() => findKey(openKey(target, `${base}\\${POLICIES}`).key, path));
}

const policy: StoreType = {
  id: 'windows-policy',
  title: 'Windows group policy, of the machine and of its users',
  platforms: ['win32'],
  locate: (target) => [
    ...inMachine(target, POLICIES, 'Windows group policy'),
    ...userBases(target).map((user) => inUser(user, POLICIES, 'Windows group policy')),
  ],
  read: (target, location) => readStores(target, location),
  planRemoval: removeDeployed,
  planDistrust: refuseOr(removeDeployed),
  broughtBackBy: () => ({
    kind: 'policy',
    detail: 'A group policy deploys it: it comes back until it is taken out of the group policy object.',
  }),
};

function removeDeployed(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const source = 'Take the certificate out of the group policy object that deploys it';
  return byPolicy(target, location, anchors, source);
}

const enterprise: StoreType = {
  id: 'windows-enterprise',
  title: 'Windows, from Active Directory (EnterpriseCertificates)',
  platforms: ['win32'],
  locate: (target) => inMachine(target, ENTERPRISE, 'Windows (Active Directory)'),
  read: (target, location) => readStores(target, location),
  planRemoval: removePublished,
  planDistrust: refuseOr(removePublished),
  broughtBackBy: () => ({
    kind: 'policy',
    detail:
      'Active Directory publishes it: it comes back until it is taken out of Public Key Services there.',
  }),
};

function removePublished(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): Remediation {
  const source =
    'Take the certificate out of Public Key Services in Active Directory (pkiview.msc, or certutil -viewdelstore)';
  return byPolicy(target, location, anchors, source);
}

const service: StoreType = {
  id: 'windows-service',
  title: 'Windows services with stores of their own',
  platforms: ['win32'],
  locate: (target) => inMachine(target, SERVICES, 'Windows services'),
  *read(target, { path }) {
    const { key, problems } = openKey(target, path);
    for (const each of key?.subkeys() ?? []) {
      const own = findKey(each, 'SystemCertificates');
      const refusals = machineRefusals(target).copy();
      addDisallowed(refusals, own, `Disallowed of ${each.name}`);
      yield* readSystemStores({ key: own, place: `${path}\\${each.name}\\SystemCertificates`, refusals });
    }
    yield problems();
  },
  planRemoval: fromMachine,
  planDistrust: refuseOr(fromMachine),
};

const user: StoreType = {
  id: 'windows-user',
  title: 'Windows, for each of its users',
  platforms: ['win32'],
  locate: (target) => userBases(target).map((each) => inUser(each, SYSTEM, 'Windows')),
  *read(target, { path, user: name }) {
    const { key, problems } = openKey(target, path);
    const refusals = withOwn(target, key, name ?? 'the user');
    yield* readSystemStores({ key, place: path, refusals, adjust: rootsOfUsers(target, key) });
    yield problems();
    // While the hive is open.
    yield unusualDistributions(target, path.slice(0, -`\\${SYSTEM}`.length));
  },
  planRemoval: fromUser,
  planDistrust: refuseOr(fromUser),
};

/** What the machine refuses, and one of its users or services besides. */
function withOwn(target: Target, key: RegistryKey | undefined, name: string): Refusals {
  const refusals = machineRefusals(target).copy();
  if (!isWine(target)) addDisallowed(refusals, key, `Disallowed of ${name}`);
  return refusals;
}

/**
 * A root that a user has added counts only when it is in ProtectedRoots, which a program of the user cannot change;
 * and not at all when a policy says so (CERT_PROT_ROOT_DISABLE_CURRENT_USER_FLAG of wincrypt.h). Wine does neither.
 */
function rootsOfUsers(
  target: Target,
  key: RegistryKey | undefined,
): (trust: Trust, store: string, sha1: string) => Trust {
  if (isWine(target)) return (trust) => trust;
  const isOff = ((findDword(machinePolicy(target, 'Root\\ProtectedRoots'), 'Flags') ?? 0) & 1) !== 0;
  const list = parseProtectedRoots(findValue(findKey(key, 'Root\\ProtectedRoots'), 'Certificates')?.data);
  return (trust, store, sha1) => {
    if (!isAnchorStore(store) || trustStatus(trust) !== 'trusted') return trust;
    if (isOff) return heldOnly(`${store}, but a policy takes no roots from users`);
    return list.has(sha1) ? trust : heldOnly(`${store}, but not in ProtectedRoots: Windows ignores it`);
  };
}

export const stores: readonly StoreType[] = [machine, onDemand, policy, enterprise, service, user];
