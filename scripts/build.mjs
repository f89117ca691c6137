// Builds dist/: the bundled command, and the blocklist in the form a scan loads.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli/main.ts', 'blocklist-compiler': 'src/blocklist/load.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  // Some dependencies are CommonJS and call require().
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  logLevel: 'warning',
});

const { openBlocklist } = await import(pathToFileURL(join(dist, 'blocklist-compiler.js')).href);
const { compiled } = openBlocklist(join(root, 'blocklists'));
writeFileSync(join(dist, 'blocklist.json'), JSON.stringify(compiled));
console.error(
  `built dist/ for Node ${engines.node}: blocklist ${compiled.version}, ${compiled.certificates.length} certificates`,
);
