/** A renderer turns report data into text; it sees nothing but the data. */

import type { Explanation } from '../report/explanation.ts';
import type { Inventory, Report } from '../report/report.ts';
import type { Style } from './style.ts';

export interface Renderer {
  /** One report for each target, in the order they were named; never empty. */
  reports(reports: readonly Report[], style: Style): string;
  inventory(inventory: Inventory, style: Style): string;
  /** Never empty: one or more stories. */
  explanations(explanations: readonly Explanation[], style: Style): string;
}
