import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { describe, expect, it } from 'vitest';
import {
  cleanReport,
  diskReport,
  hostileInventory,
  HOSTILE_NAMES,
  hostileReport,
  imageReport,
  inventory,
} from '../support/reports.ts';
import { renderInventory, renderReports } from '../support/render.ts';

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

async function problemsOf(bom: string): Promise<string> {
  return JSON.stringify((await validator.validate(bom)) ?? 'none');
}

/** Each name that a bill of materials gives, and each that it refers to. */
function references(bom: string): { readonly given: readonly string[]; readonly used: readonly string[] } {
  const given: string[] = [];
  const used: string[] = [];
  JSON.parse(bom, (key, value: unknown) => {
    if (key === 'bom-ref' && typeof value === 'string') given.push(value);
    if (key === 'ref' && typeof value === 'string') used.push(value);
    return value;
  });
  return { given, used };
}

describe('cyclonedx', () => {
  it.each([
    ['a disk', [diskReport]],
    ['an image', [imageReport]],
    ['a clean machine', [cleanReport]],
    ['several', [diskReport, imageReport, diskReport]],
  ])('is a valid bill of materials for %s', async (_what, reports) => {
    const bom = await renderReports('cyclonedx', reports);
    expect(await problemsOf(bom)).toBe('"none"');
    const { given, used } = references(bom);
    expect(new Set(given).size).toBe(given.length);
    expect(given).toEqual(expect.arrayContaining([...used]));
  });

  it('names each certificate of a list once, with every place', async () => {
    const bom = await renderInventory('cyclonedx', inventory);
    expect(await problemsOf(bom)).toBe('"none"');
    expect(bom.match(/"assetType": "certificate"/g)).toHaveLength(4);
  });

  it('has the same serial number for the same content, and another for another', async () => {
    const serial = async (report = diskReport): Promise<string | undefined> =>
      /urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/.exec(
        await renderReports('cyclonedx', [report]),
      )?.[0];
    expect(await serial()).toBe(await serial());
    expect(await serial()).toBeDefined();
    expect(await serial({ ...diskReport, complete: true })).not.toBe(await serial());
  });

  it.each(HOSTILE_NAMES)('is valid with %s as a name', async (_what, name) => {
    expect(await problemsOf(await renderReports('cyclonedx', [hostileReport(name), diskReport]))).toBe(
      '"none"',
    );
    expect(await problemsOf(await renderInventory('cyclonedx', hostileInventory(name)))).toBe('"none"');
  });
});
