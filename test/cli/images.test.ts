import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { ociFiles, writeFiles, writeTemporary } from '../support/images.ts';
import {
  bad,
  LOCAL,
  BLOCKLIST,
  BASE,
  PLANT,
  UNRELATED,
  PLANTED,
  CLEANED,
  archive,
  layout,
  COMMAND,
  FOUND,
  scan,
  placesOf,
  layersOf,
} from '../support/planted-images.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { makeFilesTar } from '../support/tar.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

describe('scan of an image', () => {
  it.each([
    ['docker save archive', () => archive(PLANTED)],
    [
      'docker save archive that is compressed',
      () => writeTemporary('a.tgz', gzipSync(readFileSync(archive(PLANTED)))),
    ],
    ['OCI layout', () => layout(PLANTED)],
    ['OCI layout named as one', () => `oci:${layout(PLANTED)}`],
  ])('finds the planted root in the right layer: %s', (_, make) => {
    const result = scan(make());
    expect(result).toMatchObject({ status: 1 });
    expect(placesOf(result)).toEqual([[FOUND]]);
    const [report] = result.reports;
    expect(report).toMatchObject({ complete: true, target: { kind: 'image', platform: 'linux' } });
    expect(report?.target.image?.layers[1]?.createdBy).toBe('COPY 1 /');
  });

  it('keeps to the schema of the report', () => {
    const ajv = addFormats.default(new Ajv2020({ strict: true, allowUnionTypes: true }));
    const schema: unknown = JSON.parse(readFileSync(join(PROJECT, 'docs/report.schema.json'), 'utf8'));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ajv checks it
    const validate = ajv.compile(schema as object);
    for (const report of scan('--all-layers', archive(CLEANED), archive(PLANTED), '/does/not/exist')
      .reports) {
      expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    }
  });

  it('reads a tar of a root file system, packed or not, without layers', () => {
    const root = makeFilesTar({ 'etc/os-release': 'ID=debian\n', [LOCAL.slice(1)]: bad.pem });
    for (const file of [writeTemporary('root.tar', root), writeTemporary('root.tar.gz', gzipSync(root))]) {
      expect(placesOf(scan(file))).toEqual([[{ ...FOUND, layer: undefined }]]);
    }
  });

  it('reads standard input', () => {
    const command = [COMMAND, 'scan', '--no-policy', '--blocklist', BLOCKLIST];
    const { status, stdout } = spawnSync(process.execPath, [...command, '-'], {
      input: readFileSync(archive(PLANTED)),
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stdout).toContain('Planted Root');
  });

  it('tells a root that an upper layer deleted with --all-layers only', () => {
    expect(placesOf(scan(layout(CLEANED)))).toEqual([[]]);
    const result = scan('--all-layers', layout(CLEANED));
    expect(result.status).toBe(0);
    expect(placesOf(result)).toEqual([[{ ...FOUND, trust: 'deleted' }]]);
    expect(result.reports[0]?.findings[0]).toMatchObject({
      status: 'deleted',
      locations: [{ deletedIn: 2 }],
    });
  });

  it('heeds the variables of its configuration', () => {
    const app = makeFilesTar({ 'srv/trust.dat': bad.pem });
    const image = { ...layersOf(BASE, app), env: ['NODE_EXTRA_CA_CERTS=/srv/trust.dat'] };
    const result = scan(layout(image));
    expect(placesOf(result)).toEqual([
      [{ id: 'planted', path: '/srv/trust.dat', layer: 1, trust: 'trusted' }],
    ]);
  });

  it('fetches what it did not keep when it went by', () => {
    // No name or beginning of it tells what it is.
    const app = makeFilesTar({ 'srv/trust.dat': `${'comment\n'.repeat(1_000_000)}${bad.pem}` });
    const image = { ...layersOf(BASE, app), env: ['SSL_CERT_FILE=/srv/trust.dat'] };
    expect(placesOf(scan(layout(image)))).toEqual([
      [{ id: 'planted', path: '/srv/trust.dat', layer: 1, trust: 'trusted' }],
    ]);
  });

  it('reads the layers no more often for --deep than once', () => {
    const app = makeFilesTar({
      'srv/trust.dat': `${'comment\n'.repeat(10_000)}${bad.pem}`,
      'opt/program': `\x7fELF${'x'.repeat(100_000)}${bad.pem}`,
    });
    const image = { ...layersOf(BASE, app), env: ['SSL_CERT_FILE=/srv/trust.dat'] };
    const result = scan(layout(image), '--deep', '/');
    expect(placesOf(result)).toEqual([
      [
        { id: 'planted', path: '/srv/trust.dat', layer: 1, trust: 'trusted' },
        { id: 'planted', path: '/opt/program', layer: 1, trust: 'embedded' },
      ],
    ]);
    const [report] = result.reports;
    expect(report?.notes.filter((note) => note.includes('--deep looked into'))).toHaveLength(1);
    expect(report).toMatchObject({ complete: true });
  });

  it('takes a digest that does not fit for an error', () => {
    const files = ociFiles([PLANTED]);
    const [path] =
      [...files].find(([, bytes]) => bytes.length === gzipSync(PLANT).length && bytes[0] === 0x1f) ?? [];
    files.set(path ?? '', gzipSync(UNRELATED));
    const result = scan(writeFiles(files));
    expect(result).toMatchObject({ status: 2, reports: [] });
    expect(result.stderr).toMatch(/digest|bytes/);
  });
});

describe('scan of several targets', () => {
  it('reports each, and ends with the worst of their exit codes', () => {
    const clean = makeTree({ '/etc/os-release': 'ID=debian\n' });
    const result = scan(clean, archive(PLANTED), `dir:${clean}`);
    expect(result.status).toBe(1);
    expect(placesOf(result)).toEqual([[], [FOUND], []]);
  });

  it('goes on after one that cannot be read, and says so in the report and the exit code', () => {
    const result = scan('/does/not/exist', archive(PLANTED));
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('/does/not/exist');
    expect(placesOf(result)).toEqual([[], [FOUND]]);
    expect(result.reports[0]).toMatchObject({
      complete: false,
      target: { kind: 'unreadable', reference: '/does/not/exist' },
      problems: [{ code: 'unreadable' }],
    });
  });

  it('does not mix targets with --root', () => {
    expect(scan('--root', '/', archive(PLANTED))).toMatchObject({ status: 2, reports: [] });
  });

  it('prints each target for people too', () => {
    const args = ['scan', '--no-policy', '--blocklist', BLOCKLIST, archive(PLANTED), layout(CLEANED)];
    const { stdout } = rootaudit(args);
    expect(stdout.match(/rootaudit \d/g)).toHaveLength(2);
  });
});

describe('an archive that tar(1) made', () => {
  it('is read like ours', () => {
    const root = makeTree({ '/etc/os-release': 'ID=debian\n', [LOCAL]: bad.pem });
    const file = join(makeTemporaryDirectory(), 'root.tar');
    execFileSync('tar', ['-cf', file, '-C', root, '.']);
    expect(placesOf(scan(`tar:${file}`))).toEqual([[{ ...FOUND, layer: undefined }]]);
  });
});

describe('how a root leaves an image', () => {
  it.each(['table', 'markdown', 'html'])('is said as lines of a Dockerfile (%s)', (format) => {
    const { stdout } = rootaudit([
      'scan',
      '--no-policy',
      '--blocklist',
      BLOCKLIST,
      '-f',
      format,
      archive(PLANTED),
    ]);
    expect(stdout).toContain('in a Dockerfile');
    expect(stdout).toMatch(/RUN .*\/usr\/local\/share\/ca-certificates\/corp\.crt/);
    expect(stdout).not.toContain('/var/backups');
  });
});
