import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { pax, tar as hostile, tarHeader } from '../support/hostile-tar.ts';
import type { TestImage } from '../support/images.ts';
import {
  bad,
  good,
  LOCAL,
  BASE,
  layersOf,
  archive,
  layout,
  FOUND,
  scan,
  placesOf,
} from '../support/planted-images.ts';

const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const LOOP = [
  { name: 'etc/ssl/certs/ca-certificates.crt', link: 'loop' },
  { name: 'etc/ssl/certs/loop', link: 'ca-certificates.crt' },
];
const SPARSE = [
  tarHeader({ name: BUNDLE, type: 'S', magic: 'ustar  \0', content: 'x' }),
  Buffer.alloc(512, 'x'),
];

/** Each in a layer of its own above a clean one; with what the report has to say about it. */
const HOSTILE: readonly (readonly [string, Buffer, object])[] = [
  [
    'a store that is too large',
    hostile({ name: BUNDLE, content: Buffer.alloc(65 << 20, '\n') }),
    { code: 'too-large' },
  ],
  ['a store that is sparse', hostile(...SPARSE), { code: 'unreadable', path: `/${BUNDLE}` }],
  ['links that never end', hostile(...LOOP), { code: 'link-loop', path: `/${BUNDLE}` }],
  [
    'paths that lead out',
    hostile({ name: '../../etc/x', content: 'x' }),
    { code: 'malformed', path: expect.stringMatching(/^layer 2/) },
  ],
  ['a name of 5,000 bytes', hostile(pax({ path: 'a/'.repeat(2500) }), { name: 'x' }), { code: 'too-large' }],
  [
    'a layer that is cut off',
    hostile({ name: 'opt/x', content: 'x'.repeat(900) }).subarray(0, 1000),
    { code: 'truncated' },
  ],
];

describe('scan of a hostile image', () => {
  it.each(HOSTILE)('says once what it could not read, and ends with 3: %s', (_, layer, problem) => {
    const [base] = layersOf(BASE).layers;
    const image = (packed: Uint8Array): TestImage => ({
      platform: 'linux/amd64',
      layers: base ? [base, { plain: layer, packed }] : [],
    });
    for (const path of [layout(image(gzipSync(layer))), archive(image(layer))]) {
      const { status, reports } = scan(path);
      const [report] = reports;
      expect([status, report?.complete, report?.findings]).toEqual([3, false, []]);
      expect(report?.problems).toEqual([expect.objectContaining(problem)]);
    }
  });

  it('opens no devices', () => {
    const device = hostile({ name: BUNDLE, type: '4', device: [8, 1] });
    expect(scan(layout(layersOf(BASE, device)))).toMatchObject({ status: 0, reports: [{ complete: true }] });
  });

  it('takes the last of several entries of one name, as it would be unpacked', () => {
    const twice = [bad, good, bad].map(({ pem }) => ({ name: LOCAL.slice(1), content: pem }));
    const image = layersOf(BASE, hostile(...twice));
    expect(placesOf(scan(layout(image)))).toEqual([[FOUND]]);
    const [first, second] = twice;
    const last = layersOf(BASE, first && second ? hostile(first, second) : BASE);
    expect(placesOf(scan(layout(last)))).toEqual([[]]);
  });

  it('stops at a layer that unpacks to more than it may', () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    const packed = Buffer.concat(Array.from({ length: 24 }, () => bomb));
    const result = scan(layout({ platform: 'linux/amd64', layers: [{ plain: BASE, packed }] }));
    expect(result).toMatchObject({ status: 2, reports: [] });
    expect(result.stderr).toContain('unpacks to more than 200 times its size');
  });
});
