/** A renderer turns report data into text; it sees nothing but the data. */

import type { Drift } from '../report/drift.ts';
import type { Explanation } from '../report/explanation.ts';
import type { Inventory, Report } from '../report/report.ts';
import type { Style } from './style.ts';

/** Reports that can be gone through as often as a format wants to; they need not all be in memory at once. */
export interface Reports extends Iterable<Report> {
  readonly length: number;
}

/** A text, one piece after the other. Each is asked for when the one before is written. */
export type Pieces = readonly string[] | Generator<string>;

/** What there is to be rendered; a format need not make sense for everything. */
interface Renderings {
  /** One report for each target, in the order they were named; never empty. */
  readonly reports: (reports: Reports, style: Style) => Pieces;
  readonly inventory: (inventory: Inventory, style: Style) => string;
  /** Never empty: one or more stories. */
  readonly explanations: (explanations: readonly Explanation[], style: Style) => string;
  /** What changed between two audits. */
  readonly drift: (drift: Drift, style: Style) => string;
}

export type Subject = keyof Renderings;

export type Renderer<Kind extends Subject = Subject> = Pick<Renderings, Kind>;
