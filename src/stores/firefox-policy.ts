/**
 * Roots that a policy of Firefox or a relative installs: at each start the program copies them into the profile's own
 * database, trusted for websites and mail, and leaves them there when the policy goes.
 */

import { posix } from 'node:path';
import type { Remediation } from '../core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { heldOnly, trustFor, type Trust } from '../core/trust.ts';
import { readFirefoxPolicies, type FirefoxPolicies } from '../formats/firefox-policies.ts';
import type { PlistDictionary } from '../formats/plist.ts';
import { parseJsonSource, rangesWithout, type JsonValue } from '../formats/json-source.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  readFile,
  readPemFile,
  realPathOr,
  withAux,
} from './shared/content.ts';
import { cutStep, manualRemediation } from './shared/cut-bytes.ts';
import { uniqueDirectories } from './shared/directories.ts';
import {
  filesOfEntry,
  MAX_POLICY_BYTES,
  parsePolicyFile,
  policyFiles,
  type PolicyFile,
} from './shared/mozilla-policies.ts';
import { planOf } from './shared/steps.ts';
import { MOZILLA_KEYS, policiesIn, policyBranches } from './shared/windows-policies.ts';

const FORMATS: Readonly<Record<PolicyFile['format'], string>> = {
  json: 'policies.json',
  plist: 'managed preferences',
};
/** What Firefox gives to a certificate that it installs, in NSS's words. */
const INSTALLED: Partial<Trust['purposes']> = {
  serverAuth: 'trusted',
  clientAuth: 'trusted',
  emailProtection: 'trusted',
};
const SYSTEM_POLICY = '/etc/firefox/policies/policies.json';

export const store: StoreType = {
  id: 'firefox-policy',
  title: 'Policies of Firefox and its relatives that install roots',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'netbsd'],
  locate: (target) => [...uniqueDirectories(target, files(target)), ...groupPolicies(target)],
  read,
  planRemoval,
  broughtBackBy: () => ({
    kind: 'policy',
    detail: 'An enterprise policy installs it: whoever manages this system may write that policy again.',
  }),
};

function files(target: Target): StoreLocation[] {
  return policyFiles(target).map(({ path, program, format, user }) => {
    const owner = user === undefined ? '' : ` (${user})`;
    return {
      path,
      application: `${program}, policies${owner}`,
      scope: user === undefined ? 'system' : 'user',
      format: FORMATS[format],
      ...(user !== undefined && { user }),
    };
  });
}

const REGISTRY_FORMAT = 'registry';
function groupPolicies(target: Target): StoreLocation[] {
  return policyBranches(target).map(({ place, user }) => ({
    path: `${place}\\Mozilla`,
    application: `Firefox and Thunderbird, policies${user === undefined ? '' : ` (${user})`}`,
    scope: user === undefined ? 'system' : 'user',
    format: REGISTRY_FORMAT,
    ...(user !== undefined && { user }),
  }));
}

function* readRegistry(target: Target, { path }: StoreLocation): Generator<StoreContent> {
  const place = path.slice(0, path.lastIndexOf('\\'));
  const { byKey, problems } = policiesIn(target, place);
  yield problems;
  for (const key of MOZILLA_KEYS) {
    const policies = byKey.get(key);
    if (policies) yield* readPolicies(target, `${place}\\${key}`, policies, false);
  }
}

function formatOf({ format }: StoreLocation): PolicyFile['format'] {
  return format === FORMATS.plist ? 'plist' : 'json';
}

function* read(target: Target, location: StoreLocation): Generator<StoreContent> {
  if (location.format === REGISTRY_FORMAT) {
    yield* readRegistry(target, location);
    return;
  }
  const { path } = location;
  const file = readFile(target, path, MAX_POLICY_BYTES);
  if ('failed' in file) {
    yield file.failed;
    return;
  }
  const { policies, diagnostics, inactive } = parsePolicyFile(file.bytes, formatOf(location));
  yield diagnosticsContent(path, diagnostics);
  yield* readPolicies(target, path, policies, inactive);
}

function* readPolicies(
  target: Target,
  path: string,
  policies: PlistDictionary,
  inactive: boolean,
): Generator<StoreContent> {
  const found = readFirefoxPolicies(policies);
  yield { ...EMPTY_CONTENT, notes: notesOf(target, path, found, inactive) };
  const trust = inactive
    ? heldOnly('Certificates.Install, but EnterprisePoliciesEnabled is not set')
    : trustFor(INSTALLED, `Certificates.Install: CT,CT, in each profile${replacement(target, path)}`);
  for (const name of found.install) {
    for (const certificateFile of filesOfEntry(target, name)) {
      yield readPemFile(target, certificateFile, posix.basename(certificateFile), (entry) =>
        withAux(entry, trust),
      );
    }
  }
}

/** Current versions read one policies.json only. */
function replacement(target: Target, path: string): string {
  const replaced = path !== SYSTEM_POLICY && path.endsWith('/distribution/policies.json');
  return replaced && target.platform === 'linux' && exists(target, SYSTEM_POLICY)
    ? ` (Firefox reads ${SYSTEM_POLICY} in place of this file)`
    : '';
}

function notesOf(target: Target, path: string, policies: FirefoxPolicies, inactive: boolean): string[] {
  const notes: string[] = [];
  const missing = policies.install.filter((name) => filesOfEntry(target, name).length === 0);
  for (const name of missing.slice(0, 100)) {
    notes.push(`${path}: installs "${name}", which is not there`);
  }
  if (policies.enterpriseRoots === true && !inactive) {
    notes.push(
      target.platform === 'darwin' || target.platform === 'win32'
        ? `${path}: roots added to the operating system's store count in this program too`
        : `${path}: asks for the roots of the operating system, which has no effect on this system`,
    );
  }
  for (const name of policies.modules.slice(0, 100)) {
    notes.push(`${path}: loads the PKCS #11 module ${name}, which may bring roots`);
  }
  return notes;
}

/** The entry of the list goes, not the certificate's file: other programs may use that. */
function planRemoval(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const held = new Set(anchors.map(({ path }) => path));
  const again =
    'Profiles that have started with this policy keep a copy: remove that as well, after the policy.';
  const byHand = `Take the entry for ${[...held].join(', ')} out of Certificates > Install in ${location.path}. ${again}`;
  if (formatOf(location) === 'plist' || location.format === REGISTRY_FORMAT) {
    return manualRemediation(
      location,
      `${byHand} It comes from group policy or device management: only there it stays away.`,
    );
  }
  const bytes = target.fs.read(location.path, MAX_POLICY_BYTES);
  const list = bytes && installList(parseJsonSource(bytes).value);
  if (!bytes || list?.kind !== 'array') return manualRemediation(location, byHand);
  const means = (item: JsonValue): boolean =>
    item.kind === 'string' && filesOfEntry(target, item.value).some((path) => held.has(path));
  const step = cutStep(target, location, realPathOr(target, location.path), rangesWithout(list, means));
  if (!step) return manualRemediation(location, byHand);
  const others = otherCertificates(target, held, anchors);
  return planOf(target, [step], {
    disposition: others ? 'unsafe' : 'safe',
    elevated: location.scope !== 'user',
    notes: [others ? 'The same entry installs other certificates, which go with it.' : undefined, again],
    byHand,
  });
}

function otherCertificates(
  target: Target,
  files: ReadonlySet<string>,
  anchors: readonly TrustAnchor[],
): boolean {
  const going = new Set(anchors.map(({ certificate }) => certificate.sha256));
  return [...files].some((path) =>
    readPemFile(target, path, '', () => heldOnly('')).anchors.some(
      ({ certificate }) => !going.has(certificate.sha256),
    ),
  );
}

function installList(root: JsonValue | undefined): JsonValue | undefined {
  let value = root;
  for (const name of ['policies', 'Certificates', 'Install']) {
    value = value?.kind === 'object' ? value.members.get(name) : undefined;
  }
  return value;
}
