// Builds dist/: the bundled command, the library with its types, and the blocklist in the form a scan loads.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeTypes } from './library-types.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** commander loads node:child_process for a feature we do not use, which would slow every start. */
const commanderWithoutChildProcesses = {
  name: 'commander-without-child-processes',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: 'none', namespace: 'empty' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

/** What speaks to proxies is half as large as all the rest, and hardly ever used: it is a file of its own. */
const proxiesApart = {
  name: 'proxies-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/through-proxy\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './through-proxy.cjs', external: true },
    );
  },
};

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: {
    cli: 'src/cli/main.ts',
    'blocklist-compiler': 'src/blocklist/load.ts',
    'through-proxy': 'src/network/through-proxy.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  // One CommonJS file: Node starts it faster than a graph of modules, and what is imported lazily stays lazy.
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  define: { 'import.meta.url': '__moduleUrl' },
  banner: { js: "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;" },
  // import() of a file would need a loader that bin/rootaudit.js does not give to the bundle: it becomes require().
  supported: { 'dynamic-import': false },
  plugins: [commanderWithoutChildProcesses, proxiesApart],
  logLevel: 'warning',
});

// The library. Its dependencies stay outside, and what is imported lazily stays in files of its own.
await build({
  absWorkingDir: root,
  entryPoints: { index: 'src/index.ts' },
  outdir: 'dist',
  chunkNames: 'library/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
});
writeTypes(root, join(dist, 'types'));

// bin/rootaudit.js reads it as ASCII, which esbuild does not make of templates with tags and of regular expressions.
const bundle = join(dist, 'cli.cjs');
writeFileSync(
  bundle,
  readFileSync(bundle, 'utf8').replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  ),
);

const { openBlocklist } = createRequire(import.meta.url)('../dist/blocklist-compiler.cjs');
const { compiled } = openBlocklist(join(root, 'blocklists'));
writeFileSync(join(dist, 'blocklist.json'), JSON.stringify(compiled));
// One run of the command fills the code cache that bin/rootaudit.js loads.
spawnSync(process.execPath, [join(root, 'bin/rootaudit.js'), 'scan', '--format', 'json'], {
  env: { ...process.env, ROOTAUDIT_BUILD_CACHE: bundle },
  stdio: 'ignore',
});
console.error(
  `built dist/ for Node ${engines.node}: blocklist ${compiled.version}, ${compiled.certificates.length} certificates`,
);
