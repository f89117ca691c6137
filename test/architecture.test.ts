import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Which layer may import which, and which packages and Node modules: the table of docs/architecture.md. */
const LAYERS: Readonly<Record<string, { layers: readonly string[]; modules: readonly string[] }>> = {
  core: { layers: [], modules: ['node:crypto'] },
  formats: { layers: ['core'], modules: ['node:crypto', 'node:module', 'node:zlib', 'node-forge'] },
  stores: { layers: ['core', 'formats'], modules: ['node:buffer', 'node:crypto', 'node:path'] },
  targets: { layers: ['core'], modules: ['node:child_process', 'node:fs', 'node:os', 'node:path'] },
  network: { layers: ['core'], modules: ['node:net', 'node:url', 'undici'] },
  images: {
    layers: ['core', 'formats', 'network', 'targets'],
    modules: [
      'node:child_process',
      'node:crypto',
      'node:fs',
      'node:os',
      'node:path',
      'node:stream',
      'node:util',
      'node:zlib',
      'fzstd',
    ],
  },
  provenance: { layers: ['core', 'formats'], modules: ['node:crypto', 'node:path'] },
  blocklist: { layers: ['core'], modules: ['node:fs', 'node:path'] },
  match: { layers: ['core', 'blocklist'], modules: ['node:crypto'] },
  report: { layers: ['core', 'blocklist', 'match'], modules: [] },
  policy: { layers: ['core', 'blocklist', 'report'], modules: ['node:fs', 'node:path', 'yaml'] },
  render: { layers: ['core', 'blocklist', 'report'], modules: ['chalk', 'cli-table3'] },
  scripts: { layers: ['core', 'report'], modules: [] },
  audit: { layers: ['core', 'blocklist', 'match', 'provenance', 'report', 'scripts'], modules: [] },
  deep: { layers: ['core', 'formats'], modules: [] },
  selftest: {
    layers: ['core', 'audit', 'blocklist', 'deep', 'match', 'report', 'targets'],
    modules: ['node:crypto', 'node:fs', 'node:os', 'node:path', 'node:zlib'],
  },
  removal: {
    layers: ['core', 'targets'],
    modules: ['node:child_process', 'node:crypto', 'node:fs', 'node:path'],
  },
  watch: {
    layers: ['core', 'audit', 'blocklist', 'match', 'network', 'report', 'targets'],
    modules: ['node:child_process', 'node:fs', 'node:timers'],
  },
  api: {
    layers: [
      'core',
      'audit',
      'blocklist',
      'deep',
      'images',
      'match',
      'policy',
      'report',
      'stores',
      'targets',
    ],
    modules: ['node:fs', 'node:path'],
  },
  // The library: what may be had from the package.
  'index.ts': { layers: ['core', 'api', 'blocklist', 'match', 'report'], modules: ['node:url'] },
  cli: {
    layers: [
      'core',
      'api',
      'audit',
      'blocklist',
      'deep',
      'images',
      'match',
      'network',
      'policy',
      'provenance',
      'removal',
      'render',
      'report',
      'scripts',
      'selftest',
      'stores',
      'targets',
      'watch',
    ],
    modules: ['node:fs', 'node:path', 'node:readline', 'chalk', 'commander'],
  },
};

/** Their members are alternatives: what two of them share lives in `shared/`. */
const REGISTRIES = new Set(['stores']);

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));
const IMPORT = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)'([^']+)'/g;

interface Import {
  readonly file: string;
  readonly layer: string;
  readonly specifier: string;
  /** Path below src/, for a file of ours. */
  readonly target: string | undefined;
}

function importsOf(file: string): Import[] {
  const path = relative(SOURCE, file).split(sep).join('/');
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, specifier = '']) => ({
    file: path,
    layer: path.split('/')[0] ?? '',
    specifier,
    target: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined,
  }));
}

const imports = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap((name) => importsOf(join(SOURCE, name)));

function isAllowed({ layer, specifier, target }: Import): boolean {
  const rule = LAYERS[layer];
  if (!rule) return false;
  if (target === '../package.json') return layer === 'api';
  const other = target?.split('/')[0];
  if (other !== undefined) return other === layer || rule.layers.includes(other);
  return rule.modules.some((module) => specifier === module || specifier.startsWith(`${module}/`));
}

function words(cell = ''): string[] {
  return cell
    .replace('node:', '')
    .split(/[,;]/)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

const byLayer = (a: { layer?: string | undefined }, b: { layer?: string | undefined }): number =>
  (a.layer ?? '').localeCompare(b.layer ?? '');

describe('architecture', () => {
  it('sees imports of every layer', () => {
    expect(new Set(imports.map(({ layer }) => layer))).toEqual(new Set(Object.keys(LAYERS)));
    expect(imports.length).toBeGreaterThan(100);
  });

  it('lets each layer import only what its row allows', () => {
    const broken = imports.filter((each) => !isAllowed(each));
    expect(broken.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
  });

  it('is told in docs/architecture.md', () => {
    const text = readFileSync(join(SOURCE, '../docs/architecture.md'), 'utf8');
    const rows = Array.from(
      text.matchAll(/^\| `([a-z.]+)` +\|([^|]*)\|([^|]*)\|$/gm),
      ([, layer, layers, modules]) => ({
        layer,
        layers: words(layers).toSorted(),
        modules: words(modules).toSorted(),
      }),
    );
    const rules = Object.entries(LAYERS).map(([layer, rule]) => ({
      layer,
      layers: rule.layers.toSorted(),
      modules: rule.modules.map((module) => module.replace('node:', '')).toSorted(),
    }));
    expect(rows.toSorted(byLayer)).toEqual(rules.toSorted(byLayer));
    for (const layer of Object.keys(LAYERS)) expect(text).toMatch(new RegExp(`^ {2}${layer}/? +`, 'm'));
  });

  it('keeps the members of a registry apart', () => {
    const between = imports.filter(({ file, layer, target }) => {
      if (!REGISTRIES.has(layer) || target === undefined || file === `${layer}/index.ts`) return false;
      return target.startsWith(`${layer}/`) && !target.startsWith(`${layer}/shared/`);
    });
    expect(between.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
  });

  it('leaves exit codes to the command line', () => {
    const files = new Set(imports.map(({ file }) => file).filter((file) => !file.startsWith('cli/')));
    const exiting = [...files].filter((file) =>
      /process\.exit/.test(readFileSync(join(SOURCE, file), 'utf8')),
    );
    expect(exiting).toEqual([]);
  });
});
