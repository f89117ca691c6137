/**
 * Roots that somebody added: trusted, on no blocklist, and shipped by no root programme. Each with what the file
 * system knows of how it came: the time of its file, its owner, the package that it belongs to.
 */

import type { Certificate } from '../core/certificate.ts';
import type { TrustAnchor } from '../core/store.ts';
import { unlessRefused, type Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import type { Programs } from '../match/programs.ts';
import { packageOwners, type PackageOwner } from '../provenance/packages.ts';
import { privateKeysNear } from '../provenance/private-keys.ts';
import { readText } from '../provenance/text.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import type { FileOrigin, UnrecognisedRoot } from '../report/report.ts';
import { fileOf } from './embedded.ts';
import type { FoundStore } from './read-stores.ts';
import { locationOf } from './scan.ts';
import { sourcesOf, type Held } from './sources.ts';

/** Nobody looks at more of them one by one; a store full of them is told by its number. */
const MAX_ROOTS = 1000;
/** A certificate in more places than this is told with the first ones. */
const MAX_PLACES = 100;

export class UnrecognisedRoots {
  readonly #target: Target;
  readonly #isKnown: (certificate: Certificate) => boolean;
  readonly #held = new Map<string, Held[]>();
  #more = 0;

  /** `isListed`: a finding tells of it already. */
  constructor(target: Target, programs: Programs, isListed: (certificate: Certificate) => boolean) {
    this.#target = target;
    this.#isKnown = (certificate) => programs(certificate.sha256).length > 0 || isListed(certificate);
  }

  readonly visit = (anchor: TrustAnchor, store: FoundStore): void => {
    const { certificate, trust } = anchor;
    if (trustStatus(trust) !== 'trusted') return;
    const known = this.#held.get(certificate.sha256);
    if (known) {
      if (known.length < MAX_PLACES) known.push({ anchor, store });
    } else if (!this.#isKnown(certificate)) {
      if (this.#held.size < MAX_ROOTS) this.#held.set(certificate.sha256, [{ anchor, store }]);
      else this.#more++;
    }
  };

  /** What is not in {@link list}, in words; undefined when all is. */
  note(): string | undefined {
    return this.#more === 0
      ? undefined
      : `more than ${MAX_ROOTS} roots are shipped by no root programme: the rest is not listed`;
  }

  list(): readonly UnrecognisedRoot[] {
    const own = [...this.#held.values()].map((held) => ({ held, sources: sourcesOf(held, this.#target) }));
    const files = new Set(
      own.flatMap(({ held, sources }) =>
        held.filter((each) => sources.get(each)?.length === 0).map(({ anchor }) => fileOf(anchor.path)),
      ),
    );
    const owners = packageOwners(this.#target.fs, [...files].filter(mayBePackaged));
    const anchors = own.flatMap(({ held }) => held.map(({ anchor }) => anchor));
    const keys = privateKeysNear(this.#target, anchors);
    return own.flatMap(({ held, sources }) => {
      const [first] = held;
      if (!first) return [];
      // A store may know the certificate by its hash alone; another then has its details.
      const { certificate } = (held.find(({ anchor }) => anchor.certificate.layout) ?? first).anchor;
      const privateKey = keys.get(certificate.sha256);
      return {
        certificate: summariseCertificate(certificate),
        locations: held.map((each) => locationOf(each, sources, this.#target)),
        origins: originsOf(
          held.map(({ anchor }) => fileOf(anchor.path)).filter((path) => files.has(path)),
          this.#target,
          owners,
        ),
        ...(privateKey !== undefined && { privateKey }),
      };
    });
  }
}

/** What an administrator or a user puts there is no package's; asking would cost more than the whole scan. */
function mayBePackaged(path: string): boolean {
  return path.startsWith('/') && !/^\/(?:usr\/local|home|root|Users|tmp|srv)\//.test(path);
}

function originsOf(
  paths: readonly string[],
  target: Target,
  owners: ReadonlyMap<string, PackageOwner>,
): readonly FileOrigin[] {
  return [...new Set(paths)].map((path) => {
    const stat = statOf(target, path);
    const owner = owners.get(path);
    const user = stat?.uid === undefined ? undefined : userOf(target, stat.uid);
    return {
      path,
      modified: stat ? new Date(stat.modified).toISOString() : null,
      ...(user !== undefined && { user }),
      ...(owner && { package: owner.version === '' ? owner.name : `${owner.name} ${owner.version}` }),
    };
  });
}

function statOf({ fs }: Target, path: string): ReturnType<Target['fs']['stat']> {
  if (!path.startsWith('/')) return undefined;
  return unlessRefused(() => fs.stat(path));
}

function userOf({ fs }: Target, uid: number): string {
  const line = readText(fs, '/etc/passwd')
    .split('\n')
    .find((entry) => entry.split(':', 3)[2] === String(uid));
  return line?.split(':', 1)[0] ?? `uid ${uid}`;
}
