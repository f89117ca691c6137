/** What changed between two audits: of one target at two times, or of two targets. Pure. */

import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { groupBy } from '../core/collections.ts';
import { PURPOSES, type Purpose } from '../core/trust.ts';
import { SCHEMA_VERSION, type FindingStatus, type Report } from './report.ts';
import type {
  SavedCertificate,
  SavedEntry,
  SavedFile,
  SavedInventory,
  SavedReport,
  SavedStore,
} from './saved.ts';

/** One side of the comparison. */
interface DriftSide {
  /** The file or target as it was named. */
  readonly name: string;
  readonly kind: string;
  readonly reference: string;
  readonly complete: boolean;
}

/** absent: the store does not hold it. Otherwise the most that the store does with it. */
type DriftTrust = FindingStatus | 'absent';

interface TrustState {
  readonly trust: DriftTrust;
  /** What it is trusted for. */
  readonly purposes: readonly Purpose[];
}

/** A certificate in a store that both sides have, or that one side has. */
export interface DriftPlace {
  /** Id of the store. */
  readonly store: string;
  readonly application: string;
  /** The file, on the later side where that has it. */
  readonly path: string;
  readonly before: TrustState;
  readonly after: TrustState;
}

export interface DriftChange {
  readonly certificate: Pick<SavedCertificate, 'sha256' | 'subject'>;
  /** What names it: of reports what they say, else the blocklist at hand by certificate and key. */
  readonly advisories: readonly string[];
  /** The worst of the advisories, where the blocklist at hand has them. */
  readonly severity?: Severity;
  /** No store trusted it before (became trusted), or none does now (stopped being trusted). */
  readonly everywhere: boolean;
  readonly places: readonly DriftPlace[];
}

export interface DriftStore {
  readonly id: string;
  readonly application: string;
  readonly path: string;
  /** Certificates that it trusts. */
  readonly trusted: number;
}

/** `rootaudit diff -f json`; JSON Schema: docs/drift.schema.json. */
export interface Drift {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: Report['tool'];
  readonly before: DriftSide;
  readonly after: DriftSide;
  /** roots: every certificate was compared; findings: only those on the blocklist, because a report knows no others. */
  readonly compared: 'roots' | 'findings';
  /** In this list and those after it: what is on the blocklist first, worst first; then by subject. */
  readonly becameTrusted: readonly DriftChange[];
  readonly stoppedBeingTrusted: readonly DriftChange[];
  /** Trusted for other purposes than before, or refused since, or no longer refused. */
  readonly changedTrust: readonly DriftChange[];
  readonly appearedStores: readonly DriftStore[];
  readonly vanishedStores: readonly DriftStore[];
}

/** A saved file made comparable: what each store does with each certificate. */
interface Audited {
  readonly side: DriftSide;
  readonly stores: ReadonlyMap<string, SavedStore>;
  readonly certificates: ReadonlyMap<string, SavedCertificate>;
  readonly advisories: ReadonlyMap<string, readonly string[]>;
  /** By store, then by certificate. */
  readonly held: ReadonlyMap<string, ReadonlyMap<string, Held>>;
  /** Certificates that some store trusts. */
  readonly trusted: ReadonlySet<string>;
}

interface Held extends TrustState {
  readonly path: string;
}

/** What the blocklist at hand knows. */
export interface Listed {
  readonly advisoriesOf: (certificate: SavedCertificate) => readonly string[];
  readonly severityOf: (advisory: string) => Severity | undefined;
}

const NOTHING_LISTED: Listed = { advisoriesOf: () => [], severityOf: () => undefined };

/** Both are of the same kind: two reports, or two inventories. */
export function compareAudits(
  tool: Report['tool'],
  before: { readonly name: string; readonly saved: SavedReport | SavedInventory },
  after: { readonly name: string; readonly saved: SavedReport | SavedInventory },
  listed = NOTHING_LISTED,
): Drift {
  const a = auditedOf(before.name, before.saved);
  const b = auditedOf(after.name, after.saved);
  const pairs = [...pairsOf(a, b)];
  const compared = 'findings' in after.saved ? 'findings' : 'roots';
  const changes = (of: (pair: Pair) => boolean, everywhere: (sha256: string) => boolean): DriftChange[] =>
    Array.from(
      groupBy(pairs.filter(of), ({ sha256 }) => sha256),
      ([sha256, places]) => {
        const certificate = b.certificates.get(sha256) ??
          a.certificates.get(sha256) ?? { sha256, subject: '' };
        const inReports = [...(b.advisories.get(sha256) ?? []), ...(a.advisories.get(sha256) ?? [])];
        const advisories = compared === 'findings' ? inReports : listed.advisoriesOf(certificate);
        const severity = worstOf(advisories.map(listed.severityOf));
        return {
          certificate: { sha256, subject: certificate.subject },
          advisories: [...new Set(advisories)],
          ...(severity && { severity }),
          everywhere: everywhere(sha256),
          places: places.map(({ place }) => place),
        };
      },
    ).toSorted(listedFirst);
  return {
    schemaVersion: SCHEMA_VERSION,
    tool,
    before: a.side,
    after: b.side,
    compared,
    becameTrusted: changes(
      ({ sha256, place, shared }) => gained(place) && (shared || !a.trusted.has(sha256)),
      (sha256) => !a.trusted.has(sha256),
    ),
    stoppedBeingTrusted: changes(
      ({ sha256, place, shared }) => lost(place) && (shared || !b.trusted.has(sha256)),
      (sha256) => !b.trusted.has(sha256),
    ),
    changedTrust: changes(
      ({ place, shared }) => shared && isOther(place),
      () => false,
    ),
    appearedStores: storesOf(b).filter(({ id }) => !a.stores.has(id)),
    vanishedStores: storesOf(a).filter(({ id }) => !b.stores.has(id)),
  };
}

export function hasChanges(drift: Drift): boolean {
  const { becameTrusted, stoppedBeingTrusted, changedTrust, appearedStores, vanishedStores } = drift;
  return [becameTrusted, stoppedBeingTrusted, changedTrust, appearedStores, vanishedStores].some(
    ({ length }) => length > 0,
  );
}

/** The one audit in a file; what holds several cannot be compared. */
export function onlyAudit(file: SavedFile): SavedReport | SavedInventory | undefined {
  if (file.is === 'inventory') return file.inventory;
  return file.reports.length === 1 ? file.reports[0] : undefined;
}

function auditedOf(name: string, saved: SavedReport | SavedInventory): Audited {
  const certificates = new Map<string, SavedCertificate>();
  const advisories = new Map<string, string[]>();
  const held = new Map<string, Map<string, Held>>();
  const trusted = new Set<string>();
  const add = (entry: SavedEntry, certificate: SavedCertificate): void => {
    const { sha256 } = certificate;
    // What a store knows by its hash alone has a name where another holds it.
    if ((certificates.get(sha256)?.subject ?? '') === '') certificates.set(sha256, certificate);
    const inStore = held.get(entry.store) ?? new Map<string, Held>();
    held.set(entry.store, inStore);
    inStore.set(sha256, strongest(inStore.get(sha256), entry));
    if (isTrusted(entry)) trusted.add(sha256);
  };
  if ('entries' in saved) for (const entry of saved.entries) add(entry, entry.certificate);
  else {
    for (const { advisory, certificate, locations } of saved.findings) {
      advisories.set(certificate.sha256, [...(advisories.get(certificate.sha256) ?? []), advisory]);
      for (const location of locations) add(location, certificate);
    }
  }
  const { kind, reference, complete } = saved;
  return {
    side: { name, kind, reference, complete },
    stores: new Map(saved.stores.map((store) => [store.id, store])),
    certificates,
    advisories,
    held,
    trusted,
  };
}

const STRENGTH: readonly DriftTrust[] = ['absent', 'deleted', 'present', 'mitigated', 'embedded', 'trusted'];

/** A store may hold a certificate more than once. */
function strongest(held: Held | undefined, { trust, purposes, path }: SavedEntry): Held {
  if (!held) return { trust, purposes, path };
  const all = new Set([...held.purposes, ...purposes]);
  const more = STRENGTH.indexOf(trust) > STRENGTH.indexOf(held.trust);
  return {
    ...(more ? { trust, path } : held),
    purposes: PURPOSES.filter((purpose) => all.has(purpose)),
  };
}

interface Pair {
  readonly sha256: string;
  /** Both sides have the store. */
  readonly shared: boolean;
  readonly place: DriftPlace;
}

const ABSENT: TrustState = { trust: 'absent', purposes: [] };

function* pairsOf(a: Audited, b: Audited): Generator<Pair> {
  for (const id of new Set([...a.held.keys(), ...b.held.keys()])) {
    const [before, after] = [a.held.get(id), b.held.get(id)];
    const store = b.stores.get(id) ?? a.stores.get(id);
    const shared = a.stores.has(id) && b.stores.has(id);
    for (const sha256 of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) {
      const [was, is] = [before?.get(sha256), after?.get(sha256)];
      const place: DriftPlace = {
        store: id,
        application: store?.application ?? '',
        path: is?.path ?? was?.path ?? '',
        before: was ? { trust: was.trust, purposes: was.purposes } : ABSENT,
        after: is ? { trust: is.trust, purposes: is.purposes } : ABSENT,
      };
      yield { sha256, shared, place };
    }
  }
}

const isTrusted = ({ trust }: TrustState): boolean => trust === 'trusted' || trust === 'embedded';

function gained({ before, after }: DriftPlace): boolean {
  return !isTrusted(before) && isTrusted(after);
}

function lost({ before, after }: DriftPlace): boolean {
  return isTrusted(before) && !isTrusted(after);
}

/** Databases gather certificates that they do not trust as people browse: whether one is held makes no difference. */
function isOther({ before, after }: DriftPlace): boolean {
  if (isTrusted(before) !== isTrusted(after)) return false;
  if (isTrusted(before)) return before.purposes.join() !== after.purposes.join();
  return (before.trust === 'mitigated') !== (after.trust === 'mitigated');
}

function storesOf({ stores }: Audited): readonly DriftStore[] {
  return Array.from(stores.values(), ({ id, application, path, trusted }) => ({
    id,
    application,
    path,
    trusted,
  }));
}

function worstOf(severities: readonly (Severity | undefined)[]): Severity | undefined {
  return SEVERITIES.findLast((severity) => severities.includes(severity));
}

function listedFirst(a: DriftChange, b: DriftChange): number {
  const rank = ({ advisories, severity }: DriftChange): number =>
    Number(advisories.length > 0) + (severity ? 1 + SEVERITIES.indexOf(severity) : 0);
  const [x, y] = [a, b].map(({ certificate }) => `${certificate.subject} ${certificate.sha256}`);
  return rank(b) - rank(a) || ((x ?? '') < (y ?? '') ? -1 : 1);
}
