/** The report as JSON, documented by `docs/report.schema.json`. */

import { SCHEMA_VERSION } from '../report/report.ts';
import type { Renderer } from './renderer.ts';
import { jsonPieces, jsonText } from './shared/json-text.ts';

export const renderer: Renderer = {
  reports: (reports) =>
    reports.length === 1
      ? Array.from(reports, (report) => jsonText(report))
      : jsonPieces({ schemaVersion: SCHEMA_VERSION }, { reports: () => reports }),
  inventory: (inventory) => jsonText(inventory),
  drift: (drift) => jsonText(drift),
  explanations: (explanations) => jsonText(explanations.length === 1 ? explanations[0] : explanations),
};
