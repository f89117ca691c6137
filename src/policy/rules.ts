/** Rules and waivers against certificates and places. Compiled once, asked for every trusted anchor. */

import { foldValue, type NameAttribute } from '../core/name.ts';
import type { CertificateSummary, Location, StoreSummary } from '../report/report.ts';
import { matchPart, pathTest } from './glob.ts';
import type { Identity, PlaceLimits, Policy } from './policy.ts';
import { parseSubject } from './subject.ts';

export type CertificateTest = (certificate: CertificateSummary) => boolean;

/** Of a store and the file in it. */
type PlaceTest = (store: StoreSummary | undefined, path: string) => boolean;

function certificateTest(identity: Identity): CertificateTest {
  const { sha256, spki } = identity;
  const nameFits = subjectTest(identity);
  return (certificate) =>
    (sha256 === undefined || sha256.has(certificate.sha256)) &&
    (spki === undefined || spki === certificate.spkiSha256) &&
    (nameFits === undefined || nameFits(certificate.subject));
}

/** Case, spaces and look-alikes of letters make no difference; attributes that are not named may be there. */
function subjectTest({ subject, organisation }: Identity): ((subject: string) => boolean) | undefined {
  const wanted = [
    ...(subject ?? []),
    ...(organisation === undefined ? [] : [{ type: 'O', value: organisation }]),
  ].map(attributeKey);
  if (wanted.length === 0) return undefined;
  return (written) => {
    const attributes = new Set(parseSubject(written)?.map(attributeKey));
    return wanted.every((each) => attributes.has(each));
  };
}

function attributeKey({ type, value }: NameAttribute): string {
  return `${type.toLowerCase()}=${foldValue(value)}`;
}

export function placeTest({ stores, paths }: PlaceLimits): PlaceTest {
  const tests = paths.map(pathTest);
  return (store, path) =>
    (stores.length === 0 || (store !== undefined && stores.some((each) => matchPart(each, store.type)))) &&
    (tests.length === 0 ||
      [path, ...(store ? [store.path, ...store.aliases] : [])].some((each) =>
        tests.some((fits) => fits(each)),
      ));
}

export function hasLimits({ stores, paths }: PlaceLimits): boolean {
  return stores.length > 0 || paths.length > 0;
}

export interface CompiledRule<Each extends PlaceLimits> {
  readonly rule: Each;
  readonly fitsCertificate: CertificateTest;
  readonly fitsPlace: PlaceTest;
}

export function compileRule<Each extends PlaceLimits & Identity>(rule: Each): CompiledRule<Each> {
  return { rule, fitsCertificate: certificateTest(rule), fitsPlace: placeTest(rule) };
}

/**
 * Tells which certificates {@link evaluate} has to see where they are trusted. It looks at the certificate alone, so
 * that one that is seen is seen in every place. Asked once for each certificate.
 */
export function interestOf(policy: Policy): CertificateTest {
  const wanted = [...policy.forbid, ...policy.require].map(certificateTest);
  const everywhere = policy.only && [...policy.only, ...policy.allow].filter((rule) => !hasLimits(rule));
  const permitted = everywhere?.map(certificateTest);
  return (certificate) =>
    wanted.some((fits) => fits(certificate)) || permitted?.some((fits) => fits(certificate)) === false;
}

/** The copies that are generated from accepted places are accepted with them, and the copies of those. */
export function withCopies(
  locations: readonly Location[],
  accepted: (location: Location) => boolean,
): ReadonlySet<Location> {
  const result = new Set(locations.filter(accepted));
  const holds = new Set(locations.map(({ store }) => store));
  for (let size = -1; size !== result.size;) {
    size = result.size;
    const open = new Set(locations.filter((each) => !result.has(each)).map(({ store }) => store));
    for (const location of locations) {
      const sources = location.generatedFrom.filter((store) => holds.has(store));
      if (sources.length > 0 && sources.every((store) => !open.has(store))) result.add(location);
    }
  }
  return result;
}
