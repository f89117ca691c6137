/**
 * Roots that policies of Chrome and its relatives add or ban: JSON files on Linux, managed preferences on macOS, the
 * registry on Windows.
 * https://www.chromium.org/administrators/linux-quick-start/, https://chromeenterprise.google/policies/#CACertificates
 */

import { posix } from 'node:path';
import { certificateFrom, spkiSha256Of, type Certificate } from '../core/certificate.ts';
import { groupBy } from '../core/collections.ts';
import type { Problem } from '../core/errors.ts';
import type { Remediation } from '../core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { distrustedForAll, heldOnly, trustFor, type Trust } from '../core/trust.ts';
import {
  readChromePolicies,
  type CertificatePolicy,
  type ChromePolicies,
  type PolicyCertificate,
} from '../formats/chrome-policies.ts';
import { parseJsonSource, rangesWithout } from '../formats/json-source.ts';
import { parseJsonPolicies, parsePlistPolicies } from '../formats/policy-values.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  readFile,
  realPathOr,
  walkFiles,
} from './shared/content.ts';
import { cutStep, manualRemediation } from './shared/cut-bytes.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';
import { planOf, type Step } from './shared/steps.ts';
import { CHROME_KEYS, policiesIn, policyBranches } from './shared/windows-policies.ts';

const JSON_FORMAT = 'Chrome policies (JSON)';
const PLIST_FORMAT = 'Chrome policies (managed preferences)';
const REGISTRY_FORMAT = 'Chrome policies (registry)';
const MAX_JSON_BYTES = 16 << 20;

/** Directories with `managed` and `recommended` in them. */
const DIRECTORIES: readonly (readonly [string, string])[] = [
  ['/etc/opt/chrome/policies', 'Chrome'],
  ['/etc/chromium/policies', 'Chromium'],
  ['/etc/chromium-browser/policies', 'Chromium'],
  ['/usr/local/etc/chromium/policies', 'Chromium'],
  ['/var/snap/chromium/current/policies', 'Chromium'],
  ['/var/lib/flatpak/extension/org.chromium.Chromium.Policy.*/*/*/policies', 'Chromium'],
  ['/etc/opt/edge/policies', 'Edge'],
  ['/etc/brave/policies', 'Brave'],
  ['/etc/opt/vivaldi/policies', 'Vivaldi'],
  ['/etc/vivaldi/policies', 'Vivaldi'],
  ['/etc/opt/opera/policies', 'Opera'],
  ['/etc/opt/yandex/policies', 'Yandex Browser'],
];

const MANAGED_PREFERENCES = '/Library/Managed Preferences';
const DOMAINS: readonly (readonly [string, string])[] = [
  ['com.google.Chrome', 'Chrome'],
  ['org.chromium.Chromium', 'Chromium'],
  ['com.microsoft.Edge', 'Edge'],
  ['com.brave.Browser', 'Brave'],
  ['com.vivaldi.Vivaldi', 'Vivaldi'],
  ['com.operasoftware.Opera', 'Opera'],
];

export const store: StoreType = {
  id: 'chrome-policy',
  title: 'Policies of Chrome, Chromium, Edge, Brave and others that add or ban roots',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd'],
  locate: (target) => {
    if (target.platform === 'win32') return groupPolicies(target);
    return target.platform === 'darwin' ? managedPreferences(target) : directories(target);
  },
  read,
  planRemoval,
  broughtBackBy: () => ({
    kind: 'policy',
    detail: 'An enterprise policy installs it: whoever manages this system may write that policy again.',
  }),
};

function directories(target: Target): StoreLocation[] {
  const found = DIRECTORIES.flatMap(([pattern, browser]) =>
    (exists(target, pattern.split('/*', 1)[0]?.replace(/\/[^/]*\*.*$/, '') ?? '/')
      ? expandDirectories(target, pattern)
      : []
    )
      .filter((path) => exists(target, path))
      .map((path): StoreLocation => ({
        path,
        application: `${browser}, policies`,
        scope: 'system',
        format: JSON_FORMAT,
      })),
  );
  return uniqueDirectories(target, found);
}

function managedPreferences(target: Target): StoreLocation[] {
  const places = [MANAGED_PREFERENCES, ...expandDirectories(target, `${MANAGED_PREFERENCES}/*`)];
  return places.flatMap((place) =>
    DOMAINS.map(([domain, browser]): StoreLocation => {
      const user = place === MANAGED_PREFERENCES ? undefined : posix.basename(place);
      return {
        path: `${place}/${domain}.plist`,
        application: `${browser}, policies${user === undefined ? '' : ` (${user})`}`,
        scope: 'system',
        format: PLIST_FORMAT,
      };
    }).filter(({ path }) => exists(target, path)),
  );
}

function groupPolicies(target: Target): StoreLocation[] {
  return policyBranches(target).map(({ place, user }) => ({
    path: place,
    application: `Chrome, Edge, Brave and others, policies${user === undefined ? '' : ` (${user})`}`,
    scope: user === undefined ? 'system' : 'user',
    format: REGISTRY_FORMAT,
    ...(user !== undefined && { user }),
  }));
}

/** The policies of each browser stand for themselves. */
function readRegistry(target: Target, { path: place }: StoreLocation): StoreContent[] {
  const { byKey, problems } = policiesIn(target, place);
  const contents = CHROME_KEYS.flatMap((key) => {
    const policies = byKey.get(key);
    if (!policies) return [];
    const found = readChromePolicies(policies);
    const path = `${place}\\${key}`;
    return [diagnosticsContent(path, found.diagnostics), ...anchorsOf([{ ...found, path }])];
  });
  return [...contents, problems];
}

/** A file with policies; in the order of a target's files the later one counts. */
interface Source extends ChromePolicies {
  readonly path: string;
}

function read(target: Target, location: StoreLocation): StoreContent[] {
  if (location.format === REGISTRY_FORMAT) return readRegistry(target, location);
  const contents: StoreContent[] = [];
  const problems: Problem[] = [];
  const sources = filesOf(target, location, problems).flatMap((path): Source[] => {
    const file = readFile(target, path, MAX_JSON_BYTES);
    if ('failed' in file) {
      contents.push(file.failed);
      return [];
    }
    const parse = location.format === PLIST_FORMAT ? parsePlistPolicies : parseJsonPolicies;
    const { policies, diagnostics } = parse(file.bytes);
    const found = readChromePolicies(policies);
    contents.push(diagnosticsContent(path, [...diagnostics, ...found.diagnostics]));
    return [{ ...found, path }];
  });
  return [{ ...EMPTY_CONTENT, problems }, ...contents, ...anchorsOf(sources)];
}

/** Recommended before managed, each in byte order of the names: who comes later wins. */
function filesOf(target: Target, { path, format }: StoreLocation, problems: Problem[]): string[] {
  if (format === PLIST_FORMAT) return [path];
  return ['recommended', 'managed'].flatMap((level) => {
    const walk = walkFiles(target, `${path}/${level}`, () => true, 1);
    problems.push(...walk.problems);
    return [...walk.files];
  });
}

interface HeldCertificate extends PolicyCertificate {
  readonly certificate: Certificate;
  /** The file whose list counts instead of this one. */
  readonly replacedBy: string | undefined;
}

function anchorsOf(sources: readonly Source[]): StoreContent[] {
  const deciding = new Map<string, string>();
  for (const { path, set } of sources) for (const name of set) deciding.set(name, path);
  const held = sources.map(({ path, certificates, ignoresPlatform }) => ({
    path,
    ignoresPlatform,
    certificates: certificates.map((each): HeldCertificate => {
      const winner = deciding.get(each.policy);
      const certificate = certificateFrom(each.der);
      return { ...each, certificate, replacedBy: winner === path ? undefined : winner };
    }),
  }));
  const refused = new Set(
    held
      .flatMap(({ certificates }) => certificates)
      .filter(({ policy, replacedBy }) => policy === 'CADistrustedCertificates' && replacedBy === undefined)
      .flatMap(({ certificate }) => spkiSha256Of(certificate) ?? []),
  );
  return held.map(({ path, certificates, ignoresPlatform }) => ({
    anchors: certificates.map((each) => toAnchor(each, path, refused)),
    problems: [],
    notes:
      ignoresPlatform && deciding.get('CAPlatformIntegrationEnabled') === path
        ? [
            `${path}: CAPlatformIntegrationEnabled is off: roots added to the operating system or to ~/.pki/nssdb do not count in this browser`,
          ]
        : [],
  }));
}

function toAnchor(held: HeldCertificate, path: string, refused: ReadonlySet<string>): TrustAnchor {
  const { certificate, policy, index } = held;
  return { certificate, entry: entryName(policy, index), path, trust: trustOf(held, refused) };
}

function entryName(policy: CertificatePolicy, index: number): string {
  return `${policy}[${index}]`;
}

function trustOf(
  { policy, certificate, names, replacedBy }: HeldCertificate,
  refused: ReadonlySet<string>,
): Trust {
  if (replacedBy !== undefined) return heldOnly(`${policy}, but the list in ${replacedBy} counts`);
  if (policy === 'CADistrustedCertificates')
    return distrustedForAll(`${policy}: every certificate with this key`);
  if (policy === 'CAHintCertificates') return heldOnly(`${policy}: helps to build chains`);
  const spki = spkiSha256Of(certificate);
  if (spki !== undefined && refused.has(spki)) {
    return distrustedForAll(`${policy}, but its key is in CADistrustedCertificates`);
  }
  const limited = names.length === 0 ? '' : `, only for ${names.join(', ')}`;
  return trustFor({ serverAuth: 'trusted' }, `${policy}${limited}`);
}

/** Each entry is cut out of its list; an empty list stays, because it still replaces those of other files. */
function planRemoval(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const entries = anchors.map(({ entry, path }) => `${entry} in ${path}`).join(', ');
  const byHand = `Take ${entries} out where the policy is set, and check the result at chrome://policy.`;
  if (location.format !== JSON_FORMAT) {
    return manualRemediation(
      location,
      `${byHand} It comes from group policy or device management: only there it stays away.`,
    );
  }
  const steps: Step[] = [];
  for (const [path, held] of groupBy(anchors, (anchor) => anchor.path)) {
    const names = new Set(held.map(({ entry }) => entry));
    const bytes = target.fs.read(path, MAX_JSON_BYTES);
    const root = bytes && parseJsonSource(bytes).value;
    if (root?.kind !== 'object') return manualRemediation(location, byHand);
    const ranges = [...root.members].flatMap(([policy, list]) => {
      if (list.kind !== 'array') return [];
      const gone = new Set(list.items.filter((_, index) => names.has(`${policy}[${index}]`)));
      return rangesWithout(list, (item) => gone.has(item));
    });
    const step = cutStep(target, location, realPathOr(target, path), ranges);
    if (!step) return manualRemediation(location, byHand);
    steps.push(step);
  }
  const note =
    'Restart the browser, and check the result at chrome://policy. A management tool that wrote the file may write it again.';
  return planOf(target, steps, { elevated: true, notes: [note], byHand });
}
