/** What the tests of renderers share: rendering by name, and validators. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import sarifSchema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' };
import type { Inventory } from '../../src/report/report.ts';
import { loadRenderer, type Format } from '../../src/render/index.ts';
import type { Reports } from '../../src/render/renderer.ts';
import type { Style } from '../../src/render/style.ts';
import { PROJECT } from './rootaudit.ts';

export const STYLE: Style = { colour: 0, width: 100, verbose: false, now: '2026-11-23T12:00:00.000Z' };

export async function renderReports(
  format: Format,
  reports: Reports,
  style: Partial<Style> = {},
): Promise<string> {
  const render = await loadRenderer(format, 'reports');
  return [...render(reports, { ...STYLE, ...style })].join('');
}

export async function renderInventory(format: Format, inventory: Inventory): Promise<string> {
  const render = await loadRenderer(format, 'inventory');
  return render(inventory, STYLE);
}

/** "No errors", or what SARIF's own schema says. */
export function checkSarif(log: unknown): string {
  // The published schema is of an old draft; it uses nothing that changed but the names of two keywords.
  const { $schema: _draft, id: _id, ...schema } = sarifSchema;
  const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  validate(log);
  return ajv.errorsText(validate.errors);
}

/** A schema of ours, with those that it refers to. What it says about a value: empty when that follows it. */
export function schemaCheck(
  name: 'report' | 'records' | 'inventory' | 'watch' | 'drift',
): (value: unknown) => string {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  addFormats.default(ajv);
  if (name !== 'report') ajv.addSchema(readSchema('report'));
  const validate = ajv.compile(readSchema(name));
  return (value) => (validate(value) ? '' : ajv.errorsText(validate.errors));
}

function readSchema(name: string): AnySchema {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ajv checks what it is given
  return JSON.parse(readFileSync(join(PROJECT, `docs/${name}.schema.json`), 'utf8')) as AnySchema;
}
