import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ImageProgress, type ImageProgressState } from '../../src/images/progress.ts';
import type { ImageSource } from '../../src/images/image-source.ts';
import { openReference } from '../../src/images/open.ts';
import { openRegistryImages } from '../../src/images/registry.ts';
import { OPTIONS } from '../support/image-registry-client.ts';
import { gzipLayer, ImageRegistry } from '../support/image-registry.ts';
import { makeFilesTar } from '../support/tar.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

async function* stream(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield await Promise.resolve(new Uint8Array(size));
}

async function read(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const piece of bytes) length += piece.length;
  return length;
}

function image(layers: readonly (readonly number[])[]): ImageSource {
  return {
    reference: 'an image',
    environment: {},
    notes: [],
    layers: layers.map((sizes) => ({
      digest: '',
      content: { kind: 'stream', open: () => stream(...sizes) },
    })),
    close: () => Promise.resolve(),
  };
}

async function readAll({ layers }: ImageSource): Promise<void> {
  for (const { content } of layers) if (content.kind === 'stream') await read(content.open());
}

function recorder(): { readonly progress: ImageProgress; readonly states: ImageProgressState[] } {
  const states: ImageProgressState[] = [];
  return { progress: new ImageProgress((state) => states.push(state)), states };
}

describe('the progress of images', () => {
  it('counts layers and what is in them', async () => {
    const { progress, states } = recorder();
    await readAll(progress.watch(image([[10, 20], [5]])));
    expect(states.map(({ done, layers, bytes }) => [done, layers, bytes])).toEqual([
      [0, 2, 0],
      [0, 2, 10],
      [0, 2, 30],
      [1, 2, 30],
      [1, 2, 35],
      [2, 2, 35],
    ]);
  });

  it('begins anew with the layers of the next image, and goes on with its bytes', async () => {
    const { progress, states } = recorder();
    await readAll(progress.watch(image([[1], [2], [3]])));
    await readAll(progress.watch(image([[4]])));
    expect(states.at(-1)).toMatchObject({ done: 1, layers: 1, bytes: 10 });
  });

  it('counts what is received, of what was announced', async () => {
    const { progress, states } = recorder();
    progress.expect(100);
    expect(await read(progress.receiving(stream(60, 40)))).toBe(100);
    expect(states.at(-1)).toEqual({ layers: 0, done: 0, bytes: 0, received: 100, size: 100 });
  });

  it('does not count a layer whose reading was given up', async () => {
    const { progress, states } = recorder();
    const [layer] = progress.watch(image([[1, 1, 1]])).layers;
    if (layer?.content.kind !== 'stream') throw new Error('a stream expected');
    for await (const piece of layer.content.open()) {
      expect(piece.length).toBe(1);
      break;
    }
    expect(states.at(-1)).toMatchObject({ done: 0, bytes: 1 });
  });

  it('is told while an archive is read', async () => {
    const file = join(makeTemporaryDirectory(), 'root.tar.gz');
    writeFileSync(file, gzipSync(makeFilesTar({ 'etc/os-release': 'ID=debian\n' })));
    const { progress, states } = recorder();
    for await (const target of openReference(`tar:${file}`, { verify: false, progress }))
      await target.close?.();
    expect(states.at(-1)).toMatchObject({ layers: 1, done: 1 });
    expect(states.at(-1)?.bytes).toBeGreaterThan(500);
  });

  it('knows from the beginning how much a registry will send, also when a layer is read again', async () => {
    const registry = await ImageRegistry.start();
    const layers = [gzipLayer(randomBytes(200_000)), gzipLayer(randomBytes(1000))];
    registry.addImage(layers, { tag: '1' });
    const size = layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { progress, states } = recorder();
    const [source] = await openRegistryImages(registry.reference(), { ...OPTIONS, progress });
    expect(states.at(-1)).toMatchObject({ received: 0, size });
    if (!source) throw new Error('an image expected');
    const watched = progress.watch(source);
    await readAll(watched);
    expect(states.at(-1)).toMatchObject({ layers: 2, done: 2, bytes: 201_000, received: size, size });
    await readAll(watched);
    expect(states.at(-1)).toMatchObject({ received: 2 * size, size: 2 * size });
    await source.close();
  });
});
