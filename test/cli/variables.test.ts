import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { ociFiles, writeFiles } from '../support/images.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { makeFilesTar } from '../support/tar.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'low', certificates: [blocked(bad)] })],
});
const LOCAL = '/usr/local/share/ca-certificates';
const clean = makeTree({ '/etc/ca-certificates.conf': '' });
const planted = makeTree({ '/etc/ca-certificates.conf': '', [`${LOCAL}/planted.crt`]: bad.pem });
const files = makeTree({
  '/planted.pem': bad.pem,
  '/policy.yaml': 'version: 1\nfail-on: high\n',
  '/passwords': 'secret\n',
  '/empty/x': '',
});
const file = (name: string): string => join(files, name);
writeFileSync(file('baseline.json'), rootaudit(['scan', '--root', clean, '-f', 'json']).stdout);

/** Each makes sense for `scan`. */
const VARIABLES = {
  ROOTAUDIT_FORMAT: `markdown\nhtml=${file('out.html')}`,
  ROOTAUDIT_FAIL_ON: 'medium,unrecognised',
  ROOTAUDIT_POLICY: file('policy.yaml'),
  ROOTAUDIT_BASELINE: file('baseline.json'),
  ROOTAUDIT_PLATFORM: 'all',
  ROOTAUDIT_NO_CACHE: '1',
  ROOTAUDIT_JOURNAL: file('empty'),
  ROOTAUDIT_STORE_PASSWORD: 'secret',
  ROOTAUDIT_STORE_PASSWORD_FILE: file('passwords'),
  ROOTAUDIT_BLOCKLIST: BLOCKLIST,
  ROOTAUDIT_COLOR: 'never',
  ROOTAUDIT_NO_PROGRESS: '1',
  ROOTAUDIT_NOBODY_KNOWS_IT: 'x',
};

const withBlocklist = ['--blocklist', BLOCKLIST];

describe('a variable that makes sense for another command', () => {
  it.each([
    ['list', ['list', '--root', planted]],
    ['list, of an archive', ['list', planted]],
    ['explain', ['explain', 'planted', ...withBlocklist]],
    ['check', ['check', file('planted.pem'), '--no-policy', '--fail-on', 'medium', ...withBlocklist]],
    ['remove', ['remove', '--root', planted, '--severity', 'low', ...withBlocklist]],
    ['undo', ['undo', '--list', '--journal', file('empty')]],
    ['snapshot', ['snapshot', '--root', planted, '-o', file('snapshot.json')]],
    ['diff', ['diff', clean, planted, ...withBlocklist]],
    ['completion', ['completion', 'bash']],
    ['help', ['help', 'list']],
  ])('changes nothing for %s', (_what, args) => {
    const plain = rootaudit(args, {}, files);
    expect(plain.stdout).not.toBe('');
    expect(rootaudit(args, VARIABLES, files)).toEqual(plain);
    expect(existsSync(file('out.html'))).toBe(false);
  });

  it.each([
    ['what it has of them is taken', 'sarif=x.sarif\njson', /^\{/],
    ['a file alone leaves nothing to print', `json=${file('list.json')}`, /^$/],
    ['its own default stands in for it', `sarif\njson=${file('list.json')}`, /Planted Root/],
    ['its own default stands in for all', `sarif\njunit=${file('x.xml')}`, /Planted Root/],
  ])('ROOTAUDIT_FORMAT with several formats: %s', (_what, formats, stdout) => {
    const run = rootaudit(['list', '--root', planted], { ROOTAUDIT_FORMAT: formats }, files);
    expect(run).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(stdout) });
  });

  it('is told with --verbose', () => {
    const { stderr } = rootaudit(['list', '-v', '--root', planted], VARIABLES, files);
    expect(stderr).toContain('rootaudit: list does not print markdown, which ROOTAUDIT_FORMAT asks for\n');
    expect(stderr).toContain(`rootaudit: list does not print html, which ROOTAUDIT_FORMAT asks for\n`);
  });

  it('is a mistake on the command line', () => {
    const { status, stderr } = rootaudit(['list', '--root', planted, '-f', 'sarif']);
    expect(status).toBe(2);
    expect(stderr).toContain('list does not print sarif');
    expect(rootaudit(['list', '--root', planted, '-f', 'jsn']).stderr).toContain('Did you mean json?');
  });

  it('is a mistake when no command knows it', () => {
    for (const command of [
      ['list', '--root', planted],
      ['scan', '--root', clean],
    ])
      expect(rootaudit(command, { ROOTAUDIT_FORMAT: 'jsno' }).stderr).toContain('Did you mean json?');
  });
});

describe('ROOTAUDIT_PLATFORM=all, for a command that takes one image', () => {
  it('leaves that of this machine', () => {
    const layers = [{ plain: makeFilesTar({ [`${LOCAL.slice(1)}/planted.crt`]: bad.pem }) }];
    const images = ['linux/amd64', 'linux/arm64'].map((platform) => ({ layers, platform }));
    const layout = writeFiles(ociFiles(images));
    const args = ['list', layout, '-f', 'json'];
    const plain = rootaudit(args);
    expect(plain.status).toBe(0);
    expect(rootaudit(args, { ROOTAUDIT_PLATFORM: 'all' })).toEqual(plain);
    expect(rootaudit([...args, '--platform', 'all'])).toMatchObject({ status: 2 });
  });
});
