/** The policy: what somebody decided about roots, besides what the blocklist says. `rootaudit.yaml` as data. */

import type { Severity } from '../blocklist/advisory.ts';
import type { NameAttribute } from '../core/name.ts';

/** What a scan fails on. Policy violations fail it in any case. */
export interface FailOn {
  /** Undefined where only `unrecognised` is asked for: then the default holds. */
  readonly severity?: Severity;
  /** Trusted roots that no root programme ships and no rule of the policy knows. */
  readonly unrecognised: boolean;
}

export const UNRECOGNISED = 'unrecognised';

/** Where a rule or waiver applies; without limits everywhere. */
export interface PlaceLimits {
  /** Ids of store types, `*` standing for any characters. Empty: every type. */
  readonly stores: readonly string[];
  /** Patterns of `glob.ts`. Empty: every path. */
  readonly paths: readonly string[];
}

/** Which certificates are meant: all that is given has to fit. With nothing given, every certificate. */
export interface Identity {
  /** One of them. */
  readonly sha256?: ReadonlySet<string>;
  readonly spki?: string;
  /** Each of these attributes is in the subject. */
  readonly subject?: readonly NameAttribute[];
  readonly organisation?: string;
}

export interface Rule extends PlaceLimits, Identity {
  readonly reason?: string;
  /** The rule as people say it: "sha256 00309c73…" */
  readonly words: string;
  /** In the policy file. */
  readonly line: number;
}

/** A finding (or violation) that is accepted for a while. */
export interface Waiver extends PlaceLimits {
  readonly advisory?: string;
  readonly sha256?: string;
  readonly spki?: string;
  readonly reason: string;
  readonly owner: string;
  /** ISO 8601 day (UTC), the last one on which it holds. */
  readonly expires: string;
  readonly line: number;
}

export interface Policy {
  /** As it was found or named; shown in reports. */
  readonly file: string;
  readonly failOn?: FailOn;
  readonly allow: readonly Rule[];
  readonly forbid: readonly Rule[];
  readonly require: readonly Rule[];
  /** Undefined: anything may be trusted. */
  readonly only?: readonly Rule[];
  readonly waivers: readonly Waiver[];
}

/** What `--fail-on unrecognised` is judged by where there is no file. */
export const NO_POLICY: Policy = { file: '', allow: [], forbid: [], require: [], waivers: [] };
