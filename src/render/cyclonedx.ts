/**
 * CycloneDX 1.6 (ECMA-424) as JSON: each certificate is a cryptographic asset with the places where it lies; advisories
 * are vulnerabilities that affect them. What a scan names is the listed certificates; `list` names them all.
 */

import { sha256OfText } from '../core/certificate.ts';
import { groupBy } from '../core/collections.ts';
import { visible } from '../core/text.ts';
import type {
  CertificateSummary,
  Finding,
  FindingStatus,
  Report,
  StoreSummary,
  TargetSummary,
} from '../report/report.ts';
import type { Renderer, Reports } from './renderer.ts';
import { jsonPieces, rawPieces } from './shared/json-text.ts';
import { vulnerabilitiesOf } from './shared/cyclonedx-vulnerabilities.ts';
import { properDate, targetNamer } from './shared/words.ts';

interface Part {
  readonly tool: Report['tool'];
  readonly target: TargetSummary;
  readonly complete: boolean;
  readonly certificates: readonly HeldCertificate[];
  readonly findings: readonly Finding[];
}

interface HeldCertificate {
  readonly certificate: CertificateSummary;
  readonly places: readonly PlaceOfOne[];
}

interface PlaceOfOne {
  readonly path: string;
  readonly entry: string;
  readonly trust: FindingStatus;
  readonly expressed: string;
  readonly line?: number;
  readonly store: StoreSummary | undefined;
}

export const renderer: Renderer<'reports' | 'inventory'> = {
  reports: (reports) => bom(() => partsOf(reports), reports.length > 1),
  inventory({ tool, target, complete, stores }) {
    const held = stores.flatMap((store) => store.entries.map((entry) => ({ ...entry, store })));
    const certificates = Array.from(
      groupBy(held, ({ certificate }) => certificate.sha256).values(),
      (places) => ({ certificate: readable(places), places }),
    );
    return [...bom(() => [{ tool, target, complete, certificates, findings: [] }], false)].join('');
  },
};

/** A store may know a certificate by its hash alone; another then has its details. */
function readable(places: readonly { readonly certificate: CertificateSummary }[]): CertificateSummary {
  const known = places.find(({ certificate }) => certificate.subject !== '') ?? places[0];
  if (!known) throw new RangeError('a certificate without a place');
  return known.certificate;
}

function* partsOf(reports: Reports): Generator<Part> {
  for (const report of reports) yield partOfReport(report);
}

function partOfReport({ tool, target, complete, findings, stores }: Report): Part {
  const storeById = new Map(stores.map((store) => [store.id, store]));
  // One certificate can be on several advisories, and is at the same places for each.
  const certificates = Array.from(
    groupBy(findings, ({ certificate }) => certificate.sha256).values(),
    ([finding]) => finding,
  ).flatMap((finding) =>
    finding
      ? [
          {
            certificate: finding.certificate,
            places: finding.locations.map(({ store, lines, ...location }) => ({
              ...location,
              ...(lines && { line: lines.first }),
              store: storeById.get(store),
            })),
          },
        ]
      : [],
  );
  return { tool, target, complete, certificates, findings };
}

/** What there is to be said is gone through once for the serial number, and once more for the text. */
function bom(parts: () => Iterable<Part>, several: boolean): Generator<string> {
  const [first] = parts();
  if (!first) throw new RangeError('nothing to render');
  const component = targetComponent(first, 0, targetNamer(LIVE)(first));
  const metadata = {
    tools: { components: [{ type: 'application', name: first.tool.name, version: first.tool.version }] },
    ...(!several && { component }),
  };
  const lists = {
    components: () => componentsOf(parts(), several),
    vulnerabilities: () => allVulnerabilities(parts()),
  };
  const uuid = uuidOf(sha256OfText(rawPieces({ metadata }, lists, 0)));
  const head = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
  };
  return jsonPieces({ ...head, metadata }, lists);
}

const LIVE = 'this machine';

/** Of several targets, each has its certificates below it. */
function* componentsOf(parts: Iterable<Part>, several: boolean): Generator<object> {
  const nameOf = targetNamer(LIVE);
  let index = 0;
  for (const part of parts) {
    const ref = index;
    const components = part.certificates.map((held) =>
      certificateComponent(held, refOf(ref, held.certificate)),
    );
    if (several) yield { ...targetComponent(part, ref, nameOf(part)), components };
    else yield* components;
    index++;
  }
}

function* allVulnerabilities(parts: Iterable<Part>): Generator<object> {
  let index = 0;
  for (const { findings, tool } of parts) {
    const ref = index++;
    yield* vulnerabilitiesOf(findings, tool, `target-${ref + 1}`, ({ certificate }) =>
      refOf(ref, certificate),
    );
  }
}

/** The same for the same content: version 8 of RFC 9562, made of a digest. */
function uuidOf(hex: string): string {
  const variant = (8 + (Number.parseInt(hex.slice(16, 17), 16) % 4)).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}

function refOf(index: number, { sha256: fingerprint }: CertificateSummary): string {
  return `target-${index + 1}/certificate/${fingerprint}`;
}

const TARGET_TYPES = {
  live: 'device',
  directory: 'operating-system',
  image: 'container',
  'disk-image': 'operating-system',
} as const;

function targetComponent({ target, complete }: Part, index: number, name: string): object {
  const { kind, platform, image } = target;
  return {
    type: isKnownKind(kind) ? TARGET_TYPES[kind] : 'operating-system',
    'bom-ref': `target-${index + 1}`,
    name: visible(image?.name ?? name),
    ...(image?.digest !== undefined && { version: visible(image.digest) }),
    properties: properties({
      kind,
      reference: target.reference,
      platform,
      // Without this, nothing found and nothing readable look alike.
      complete: String(complete),
    }),
  };
}

function isKnownKind(kind: string): kind is keyof typeof TARGET_TYPES {
  return Object.hasOwn(TARGET_TYPES, kind);
}

function certificateComponent({ certificate, places }: HeldCertificate, ref: string): object {
  const { subject, issuer, sha256: fingerprint, sha1, spkiSha256, serialNumber } = certificate;
  const notBefore = properDate(certificate.notBefore);
  const notAfter = properDate(certificate.notAfter);
  return {
    type: 'cryptographic-asset',
    'bom-ref': ref,
    name: visible(subject, 4000) || fingerprint,
    hashes: [
      { alg: 'SHA-256', content: fingerprint },
      { alg: 'SHA-1', content: sha1 },
    ],
    cryptoProperties: {
      assetType: 'certificate',
      certificateProperties: {
        subjectName: visible(subject, 4000),
        issuerName: visible(issuer, 4000),
        ...(notBefore !== undefined && { notValidBefore: notBefore }),
        ...(notAfter !== undefined && { notValidAfter: notAfter }),
        certificateFormat: 'X.509',
      },
    },
    evidence: { occurrences: places.map((place, index) => occurrence(place, `${ref}/place-${index + 1}`)) },
    properties: properties({ serialNumber, spkiSha256: spkiSha256 ?? undefined }),
  };
}

function occurrence({ path, entry, trust, expressed, line, store }: PlaceOfOne, ref: string): object {
  const where = store ? `${store.type}, ${store.application}` : '';
  const context = [`${trust}: ${expressed}`, where].filter((part) => part !== '').join('; ');
  return {
    'bom-ref': ref,
    location: visible(path, 4000) || '/',
    ...(line !== undefined && { line }),
    symbol: visible(entry),
    additionalContext: visible(context),
  };
}

function properties(values: Readonly<Record<string, string | undefined>>): readonly object[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name: `rootaudit:${name}`, value: visible(value, 4000) }],
  );
}
