// npm runs this after `npm ci`, before it packs, and for who installs from the repository: `npm install -g git+https://…`,
// pre-commit. In the last case npm has not installed what the build needs, because it takes its own -g for that as well.
import { buildIfStale, install } from './setup.mjs';

for (const name of Object.keys(process.env))
  if (/^npm_config_(global|location|prefix|local_prefix)$/i.test(name)) delete process.env[name];
install();
buildIfStale();
