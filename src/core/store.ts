/** The domain: trust stores and the anchors they hold. */

import type { Certificate } from './certificate.ts';
import type { Problem } from './errors.ts';
import type { Remediation } from './remediation.ts';
import type { Platform, Target } from './target.ts';
import type { Trust } from './trust.ts';

export type Scope = 'system' | 'user' | 'application';

/** Where one store of a type lies on a target. */
export interface StoreLocation {
  /** The file or directory that is the store. */
  readonly path: string;
  /** Who reads it, in words: "OpenJDK 17", "Firefox (alice)". */
  readonly application: string;
  readonly scope: Scope;
  /** The on-disk format, in words: "PEM", "JKS", "NSS cert9.db". */
  readonly format: string;
  /** Owner of a user store. */
  readonly user?: string;
  /**
   * Store types whose content this store is generated from. An anchor that one of them trusts too is removed
   * there; editing this store would not last.
   */
  readonly generatedFrom?: readonly string[];
}

/** A certificate as held by a store. */
export interface TrustAnchor {
  readonly certificate: Certificate;
  /** The store's own handle on it: nickname, alias, or file name. */
  readonly entry: string;
  /** The file it lies in. */
  readonly path: string;
  readonly trust: Trust;
  /** For a certificate in a text file: its first and last line (from 1), and how many certificates the file has. */
  readonly lines?: { readonly first: number; readonly last: number; readonly certificatesInFile: number };
}

/** What reading (a part of) a store gives. One that holds nothing readable has no anchors and a problem. */
export interface StoreContent {
  readonly anchors: readonly TrustAnchor[];
  readonly problems: readonly Problem[];
  /** Worth telling, but nothing is missing: "the bundle starts with a byte order mark". */
  readonly notes: readonly string[];
}

export interface ReadOptions {
  /** Passwords to try on keystores after the well-known ones. Never printed. */
  readonly storePasswords: readonly string[];
}

/** Who puts a certificate into a store again and again. */
export interface Cause {
  readonly kind: 'policy' | 'configuration profile' | 'automatic update';
  /** In plain words, a sentence. */
  readonly detail: string;
}

/**
 * A kind of trust store: where it lives, what its entries mean, and how one leaves. One file in `src/stores`, one
 * line in `src/stores/index.ts`. `locate` and `read` do their I/O through `target.fs` only and change nothing.
 */
export interface StoreType {
  readonly id: string;
  readonly title: string;
  readonly platforms: readonly Platform[];
  /** Every place on the target where such a store exists. Cheap: looks at names, not at contents. */
  locate(target: Target): readonly StoreLocation[];
  /** In parts, a file at a time where the store has many, so that a large one is never in memory as a whole. */
  read(target: Target, location: StoreLocation, options: ReadOptions): Iterable<StoreContent>;
  /** How what is held as `anchors`, one certificate or several, leaves the store; the steps as data. */
  planRemoval(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation;
  /**
   * How it is refused for good instead, where the store can express that: a refusal also holds when the certificate
   * comes back. Without this, removal is all there is.
   */
  planDistrust?(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation;
  /** For a store that somebody else keeps filled: an administrator's policy, a profile, an update. */
  broughtBackBy?(target: Target, anchor: TrustAnchor): Cause | undefined;
}
