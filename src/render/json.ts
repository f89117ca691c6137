/** The report as JSON, documented by `docs/report.schema.json`. */

import { SCHEMA_VERSION } from '../report/report.ts';
import type { Renderer } from './renderer.ts';

/** JSON.stringify leaves C1 and bidirectional controls as they are; a terminal must not see them. */
function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replaceAll(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}\n`;
}

export const renderer: Renderer = {
  reports: (reports) =>
    toJson(reports.length === 1 ? reports[0] : { schemaVersion: SCHEMA_VERSION, reports }),
  inventory: toJson,
  explanations: (explanations) => toJson(explanations.length === 1 ? explanations[0] : explanations),
};
