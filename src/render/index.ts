/** The output formats. One line each; loaded when asked for. */

import type { Renderer } from './renderer.ts';

export const RENDERERS = {
  table: async () => (await import('./table.ts')).renderer,
  json: async () => (await import('./json.ts')).renderer,
} satisfies Record<string, () => Promise<Renderer>>;

export type Format = keyof typeof RENDERERS;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its own keys
export const FORMATS = Object.keys(RENDERERS) as readonly Format[];
