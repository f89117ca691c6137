import { describe, expect, it } from 'vitest';
import { readStores } from '../../src/audit/read-stores.ts';
import type { Target } from '../../src/core/target.ts';
import { scanPrograms } from '../../src/deep/deep.ts';
import { openImage } from '../../src/images/open-image.ts';
import { makeCertificate } from '../../src/selftest/certificates.ts';
import { PLANTS } from '../../src/selftest/plants.ts';
import type { Plant } from '../../src/selftest/plant.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { seekable, streamed, tar, testImage } from '../support/hostile-tar.ts';

const certificate = makeCertificate({ subject: { C: 'XX', O: 'rootaudit', CN: 'In An Image' } });

function archiveOf(plant: Plant): Buffer {
  return tar(...Object.entries(plant.files(certificate)).map(([name, content]) => ({ name, content })));
}

/** Types of the stores in which the certificate was found, or which say what they should. */
async function findIn(target: Target, { says, deep }: Plant): Promise<string[]> {
  if (deep) {
    const wanted = ({ sha256 }: { readonly sha256: string }): boolean => sha256 === certificate.sha256;
    const { programs } = await scanPrograms({ target, directories: [], wanted });
    return programs.map(() => 'embedded');
  }
  const found = new Set<string>();
  const { stores, problems } = readStores(target, STORE_TYPES, { storePasswords: [] }, (anchor, { type }) => {
    if (anchor.certificate.sha256 === certificate.sha256) found.add(type.id);
  });
  for (const { type, id, notes } of stores) {
    const told = [...notes, ...problems.filter(({ store }) => store === id).map(({ message }) => message)];
    if (says !== undefined && told.some((words) => words.includes(says))) found.add(type);
  }
  return [...found];
}

describe('every store in an image', () => {
  it.each(PLANTS.map((plant) => [plant.store, plant.form, plant] as const))(
    '%s: %s',
    async (store, _, plant) => {
      const archive = archiveOf(plant);
      const whole = await openImage(testImage([seekable(archive)]));
      expect(await findIn(whole, plant)).toContain(store);
      const stream = await openImage(testImage([streamed(archive, 1 << 16)]));
      let found = await findIn(stream, plant);
      while (await stream.fetchMissing?.()) found = await findIn(stream, plant);
      expect(found).toContain(store);
    },
  );
});
