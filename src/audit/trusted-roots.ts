/** Trusted certificates besides those on the blocklist, for a policy: where they are, and how they leave. */

import type { TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import type { CertificateSummary, Location, StoreRemediation } from '../report/report.ts';
import type { FoundStore } from './read-stores.ts';
import { locationOf, remediationsOf } from './scan.ts';
import { sourcesOf, type Held } from './sources.ts';

interface Root {
  readonly certificate: CertificateSummary;
  readonly held: Held[];
}

/** Collects what a scan shows it ({@link visit}), and tells of it afterwards. */
export class TrustedRoots {
  readonly #target: Target;
  readonly #interest: (certificate: CertificateSummary) => boolean;
  readonly #roots = new Map<string, Root>();
  /** The same certificate is in many stores; undefined: it is of no interest. */
  readonly #summaries = new Map<string, CertificateSummary | undefined>();

  constructor(target: Target, interest: (certificate: CertificateSummary) => boolean) {
    this.#target = target;
    this.#interest = interest;
  }

  readonly visit = (anchor: TrustAnchor, store: FoundStore): void => {
    if (trustStatus(anchor.trust) !== 'trusted') return;
    const certificate = this.#summaryOf(anchor);
    if (!certificate) return;
    const known = this.#roots.get(certificate.sha256);
    const held = known?.held ?? [];
    held.push({ store, anchor });
    // What a store knows by its hash alone has a name where another holds it.
    if (!known || known.certificate.spkiSha256 === null)
      this.#roots.set(certificate.sha256, { certificate, held });
  };

  list(): readonly { readonly certificate: CertificateSummary; readonly locations: readonly Location[] }[] {
    // With its name the certificate turned out to be of no interest.
    const isSettled = ({ certificate: { spkiSha256, sha256 } }: Root): boolean =>
      spkiSha256 === null && this.#summaries.has(sha256) && this.#summaries.get(sha256) === undefined;
    const roots = [...this.#roots.values()].filter((root) => !isSettled(root));
    return roots.map(({ certificate, held }) => {
      const sources = sourcesOf(held, this.#target);
      return { certificate, locations: held.map((each) => locationOf(each, sources, this.#target)) };
    });
  }

  /** For these of the places; a copy elsewhere leaves with its source, which may be none of them. */
  readonly remedies = (
    { sha256 }: CertificateSummary,
    locations: readonly Location[],
  ): readonly StoreRemediation[] => {
    const held = this.#roots.get(sha256)?.held ?? [];
    const sources = sourcesOf(held, this.#target);
    const stores = new Set(locations.flatMap(({ store, generatedFrom }) => [store, ...generatedFrom]));
    const there = held.filter(({ store }) => stores.has(store.id));
    return remediationsOf(there, sources, this.#target);
  };

  #summaryOf({ certificate }: TrustAnchor): CertificateSummary | undefined {
    const key = certificate.der.length === 0 ? '' : certificate.sha256;
    if (key !== '' && this.#summaries.has(key)) return this.#summaries.get(key);
    const summary = summariseCertificate(certificate);
    const wanted = this.#interest(summary) ? summary : undefined;
    if (key !== '' && this.#summaries.size < MEMO_SIZE) this.#summaries.set(key, wanted);
    return wanted;
  }
}

const MEMO_SIZE = 20_000;
