import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { a, b, REMOVAL_CASES } from '../support/removal-cases.ts';
import { makeRoot } from '../support/root.ts';
import { scriptFor } from '../support/scripts.ts';
it('x', async () => {
  for (const { store, files, prepare, needs = true } of REMOVAL_CASES) {
    if (!needs) continue;
    const root = makeRoot(files()); prepare?.(root);
    writeFileSync(`/tmp/show-${store}.sh`, await scriptFor('sh', root.target, [a.sha256, b.sha256]));
  }
});
