/** The template for GitLab CI, its lines run the way the runner of GitLab runs them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { parse } from 'yaml';
import { listedCertificate } from '../support/listed.ts';
import { openNpmRegistry, packProject, run, type NpmRegistry } from '../support/npm-registry.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

interface Job {
  readonly variables: Readonly<Record<string, string>>;
  readonly before_script: readonly string[];
  readonly script: readonly string[];
  readonly artifacts: { readonly paths: readonly string[]; readonly reports: { readonly junit: string } };
  readonly allow_failure: { readonly exit_codes: readonly number[] };
}

const TEMPLATE = join(PROJECT, 'integrations/gitlab/rootaudit.gitlab-ci.yml');
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form is checked with GitLab's schema in test/system
const job = (parse(readFileSync(TEMPLATE, 'utf8')) as Readonly<Record<string, Job>>)['.rootaudit'];
if (!job) throw new Error('the template has no job');
const bad = makeTree({ '/usr/local/share/ca-certificates/planted.crt': listedCertificate().pem });
let registry: NpmRegistry;

beforeAll(async () => {
  registry = await openNpmRegistry(await packProject());
});
afterAll(() => registry.close());

/** One shell for all lines, which stops at the first that fails; npm installs below `home`. */
async function runJob(variables: Readonly<Record<string, string>>, home = makeTemporaryDirectory()) {
  const workspace = makeTemporaryDirectory();
  const script = join(home, 'job.sh');
  writeFileSync(script, ['set -eu', ...(job?.before_script ?? []), ...(job?.script ?? [])].join('\n'));
  const result = await run('sh', [script], {
    cwd: workspace,
    environment: {
      ...registry.environment,
      ...job?.variables,
      ...variables,
      HOME: home,
      npm_config_prefix: home,
      PATH: `${home}/bin:${process.env['PATH']}`,
    },
  });
  return { ...result, workspace, home };
}

describe('the template', () => {
  it('asks for the version that it comes with', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own
    const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(job.variables['ROOTAUDIT_JOB_VERSION']).toBe(version);
  });

  it('fails for a dangerous root and writes every artifact', async () => {
    const { status, stdout, workspace } = await runJob({ ROOTAUDIT_JOB_TARGETS: `dir:${bad}` });
    expect(status).toBe(1);
    expect(job.allow_failure.exit_codes).not.toContain(1);
    expect(stdout).toContain('CN=Superfish');
    for (const path of job.artifacts.paths)
      expect(readFileSync(join(workspace, path), 'utf8')).toContain('superfish');
    const { errors } = await validateXML({
      xml: [
        {
          fileName: 'rootaudit.xml',
          contents: readFileSync(join(workspace, job.artifacts.reports.junit), 'utf8'),
        },
      ],
      schema: [readFileSync(join(PROJECT, 'test/fixtures/junit.xsd'), 'utf8')],
    });
    expect(errors).toEqual([]);
  });

  it('runs nothing that is in its variables, and takes no star for files', async () => {
    const { status, stdout, stderr } = await runJob({
      ROOTAUDIT_JOB_TARGETS: '$(touch pwned) `touch pwned` ; touch pwned * --version',
      ROOTAUDIT_JOB_ARGS: '--fail-on high',
    });
    expect({ status, stdout: stdout.includes('pwned;') }).toEqual({ status: 2, stdout: false });
    expect(stderr).toContain('there is no *');
    expect(stderr).toContain('there is no --version');
  });

  it('leaves the credentials of the registry where rootaudit finds them, for nobody else', async () => {
    const { home } = await runJob({
      CI_REGISTRY: 'registry.example.org',
      CI_REGISTRY_USER: 'gitlab-ci-token',
      CI_REGISTRY_PASSWORD: 'a"b%s\\c',
      ROOTAUDIT_JOB_TARGETS: `dir:${bad}`,
    });
    const file = join(home, '.docker/config.json');
    const auth = Buffer.from('gitlab-ci-token:a"b%s\\c').toString('base64');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ auths: { 'registry.example.org': { auth } } });
  });
});
