import { writeFileSync, mkdirSync, rmSync, cpSync } from 'node:fs';
import { it } from 'vitest';
import { a, b, REMOVAL_CASES } from '../support/removal-cases.ts';
import { makeRoot } from '../support/root.ts';
import { scriptFor } from '../support/scripts.ts';
it('x', async () => {
  for (const { store, files, prepare, needs = true } of REMOVAL_CASES) {
    if (!needs) continue;
    const root = makeRoot(files()); prepare?.(root);
    const at = `/tmp/show/${store}`;
    rmSync(at, { recursive: true, force: true }); mkdirSync(at, { recursive: true });
    cpSync(root.path, `${at}/root`, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    for (const l of ['sh', 'ansible'] as const)
    writeFileSync(`${at}/script.${l === 'sh' ? 'sh' : 'yml'}`, (await scriptFor(l, root.target, [a.sha256, b.sha256])).replaceAll(root.path, `${at}/root`));
    writeFileSync(`${at}/Dockerfile`, await scriptFor('dockerfile', { ...root.target, kind: 'image', hostPath: (p) => p, image: {layers: [{digest: 'x', createdBy: '/bin/sh -c #(nop) ADD file:1 in /'}]}, layerOf: () => 0 }, [a.sha256, b.sha256]));
  }
});
