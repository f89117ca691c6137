/** The integrations, with the programs that they are for. */

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { listedCertificate } from '../support/listed.ts';
import { openNpmRegistry, packProject, run as runAside } from '../support/npm-registry.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';
import { describeWith, TOOL_ENVIRONMENT } from './support/tools.ts';

const INTEGRATIONS = join(PROJECT, 'integrations');
const listed = listedCertificate();
const bad = makeTree({ '/usr/local/share/ca-certificates/planted.crt': listed.pem });
const clean = makeTree({ '/etc/hostname': 'clean\n' });
/** Has `rootaudit`, as an installation would. */
const bin = makeTemporaryDirectory();
symlinkSync(join(PROJECT, 'bin/rootaudit.js'), join(bin, 'rootaudit'));
const home = makeTemporaryDirectory();

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

function run(
  command: string,
  args: readonly string[],
  { cwd, environment = {} }: { cwd?: string; environment?: Readonly<Record<string, string>> } = {},
): Outcome {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    cwd,
    env: { ...TOOL_ENVIRONMENT, PATH: `${bin}:${TOOL_ENVIRONMENT.PATH}`, HOME: home, ...environment },
  });
  return { status, output: stdout + stderr };
}

describeWith(['pre-commit', 'git'], 'the hook for pre-commit', () => {
  const hooks = makeTemporaryDirectory();
  const repository = makeTree({ '/certs/good.txt': 'nothing to see\n' });
  const git = (cwd: string, ...args: readonly string[]): string => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
    const { status, output } = run('git', [...identity, ...args], { cwd });
    expect({ args, status, output: status === 0 ? '' : output }).toEqual({ args, status: 0, output: '' });
    return output.trim();
  };
  const preCommit = (...args: readonly string[]): Outcome => run('pre-commit', args, { cwd: repository });

  beforeAll(() => {
    cpSync(join(PROJECT, '.pre-commit-hooks.yaml'), join(hooks, '.pre-commit-hooks.yaml'));
    git(hooks, 'init', '--quiet');
    git(hooks, 'add', '.');
    git(hooks, 'commit', '--quiet', '-m', 'hooks');
    const rev = git(hooks, 'rev-parse', 'HEAD');
    writeFileSync(
      join(repository, '.pre-commit-config.yaml'),
      `repos:\n- repo: ${hooks}\n  rev: ${rev}\n  hooks: [{id: rootaudit-system}]\n`,
    );
    git(repository, 'init', '--quiet');
    git(repository, 'add', '.');
  });

  it('has a manifest that pre-commit takes', () => {
    const { status, output } = run('pre-commit', [
      'validate-manifest',
      join(PROJECT, '.pre-commit-hooks.yaml'),
    ]);
    expect({ status, output }).toEqual({ status: 0, output: '' });
  });

  it('looks at no other file', () => {
    expect(preCommit('run').output).toContain('(no files to check)');
  });

  it.each(['certs/ca.pem', 'a b; touch pwned.crt', '--version.pem', '$(touch pwned).cer'])(
    'stops a commit of %s',
    (name) => {
      writeFileSync(join(repository, name), name.endsWith('.cer') ? listed.der : listed.pem);
      git(repository, 'add', '--', name);
      const { status, output } = preCommit('run');
      expect(status).toBe(1);
      expect(output).toContain(`${name}: critical: CN=Superfish`);
      expect(existsSync(join(repository, 'pwned'))).toBe(false);
      git(repository, 'rm', '--quiet', '--force', '--', name);
    },
  );
});

describeWith(['ansible-playbook'], 'the role for Ansible', () => {
  const directory = makeTemporaryDirectory();
  const environment = {
    ANSIBLE_HOME: join(home, 'ansible'),
    ANSIBLE_LOCAL_TEMP: join(home, 'ansible-tmp'),
    ANSIBLE_REMOTE_TEMP: join(home, 'ansible-tmp'),
    ANSIBLE_ROLES_PATH: join(INTEGRATIONS, 'ansible/roles'),
  };
  const variablesFor = (name: string): Readonly<Record<string, unknown>> => ({
    ansible_connection: 'local',
    ansible_python_interpreter: '/usr/bin/python3',
    rootaudit_install: false,
    rootaudit_config_directory: join(directory, name, 'etc'),
    rootaudit_state_directory: join(directory, name, 'var'),
    rootaudit_reports: join(directory, name, 'reports'),
  });
  const argumentsFor = (name: string, variables: Readonly<Record<string, unknown>>): readonly string[] => {
    mkdirSync(join(directory, name), { recursive: true });
    const playbook = join(directory, name, 'playbook.yml');
    writeFileSync(playbook, '- hosts: all\n  gather_facts: false\n  roles: [rootaudit]\n');
    return ['-i', 'host-1,', '-e', JSON.stringify(variables), playbook];
  };
  const play = (name: string, variables: Readonly<Record<string, unknown>>): Outcome =>
    run('ansible-playbook', argumentsFor(name, { ...variablesFor(name), ...variables }), { environment });

  it('has a playbook that Ansible takes', () => {
    const playbook = join(INTEGRATIONS, 'ansible/playbook.yml');
    expect(
      run('ansible-playbook', ['--syntax-check', '-i', 'host-1,', playbook], { environment }).status,
    ).toBe(0);
  });

  it('fetches the report and then fails on findings', () => {
    const { status, output } = play('bad', { rootaudit_arguments: ['--root', bad] });
    expect({ status, output }).toMatchObject({ status: 2 });
    expect(output).toContain('superfish');
    expect(JSON.parse(readFileSync(join(directory, 'bad/reports/host-1.json'), 'utf8'))).toMatchObject({
      findings: [{ advisory: 'superfish' }],
    });
  });

  it('passes for a clean host', () => {
    expect(play('clean', { rootaudit_arguments: ['--root', clean] }).status).toBe(0);
  });

  it('installs rootaudit with npm, once', async () => {
    const registry = await openNpmRegistry(await packProject());
    const prefix = makeTemporaryDirectory();
    const path = `${prefix}/bin:${TOOL_ENVIRONMENT.PATH}`;
    const npm = { ...registry.environment, npm_config_prefix: prefix };
    const variables = {
      ...variablesFor('install'),
      rootaudit_install: true,
      rootaudit_arguments: ['--root', clean],
    };
    try {
      const again = async (): Promise<string> => {
        const { status, stdout } = await runAside('ansible-playbook', argumentsFor('install', variables), {
          environment: { ...TOOL_ENVIRONMENT, ...environment, ...npm, HOME: home, PATH: path },
        });
        expect({ status, stdout: status === 0 ? '' : stdout }).toEqual({ status: 0, stdout: '' });
        return stdout;
      };
      expect(await again()).toMatch(/TASK \[rootaudit : Install rootaudit\] \*+\nchanged/);
      expect(await again()).toMatch(/TASK \[rootaudit : Install rootaudit\] \*+\nskipping/);
    } finally {
      registry.close();
    }
  });

  it('brings the policy', () => {
    const policy = join(
      makeTree({ '/policy.yaml': 'version: 1\nfail-on: critical\nrequire:\n  - subject: CN=Nobody\n' }),
      'policy.yaml',
    );
    const { status, output } = play('policy', {
      rootaudit_policy: policy,
      rootaudit_arguments: ['--root', clean],
    });
    expect(status).toBe(2);
    expect(output).toContain('CN=Nobody');
  });

  it('can leave failing to somebody else', () => {
    expect(play('calm', { rootaudit_fail: false, rootaudit_arguments: ['--root', bad] }).status).toBe(0);
  });
});

describeWith(['ansible-lint'], 'the role for Ansible, as ansible-lint sees it', () => {
  it('has nothing to complain about', () => {
    const { status, output } = run('ansible-lint', ['--offline', '-q', '.'], {
      cwd: join(INTEGRATIONS, 'ansible'),
      environment: { ANSIBLE_HOME: join(home, 'lint') },
    });
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  });
});

describeWith(['systemd-analyze'], 'the units of systemd', () => {
  const root = makeTree({ '/usr/bin/rootaudit': '#!/bin/sh\n' });
  chmodSync(join(root, 'usr/bin/rootaudit'), 0o755);
  mkdirSync(join(root, 'usr/lib/systemd'), { recursive: true });
  if (existsSync('/usr/lib/systemd/system'))
    cpSync('/usr/lib/systemd/system', join(root, 'usr/lib/systemd/system'), {
      recursive: true,
      verbatimSymlinks: true,
    });
  cpSync(join(INTEGRATIONS, 'systemd'), join(root, 'etc/systemd/system'), { recursive: true });

  it('have nothing that systemd does not know', () => {
    const verify = ['verify', `--root=${root}`, 'rootaudit.service', 'rootaudit.timer'];
    expect(run('systemd-analyze', verify)).toEqual({ status: 0, output: '' });
  });

  it('expose as little as a service can that reads everything', () => {
    const security = [
      'security',
      '--offline=yes',
      `--root=${root}`,
      '--threshold=20',
      '--no-pager',
      'rootaudit.service',
    ];
    const { status, output } = run('systemd-analyze', security);
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  });
});

describeWith(['sqlite3'], 'the tables of osquery', () => {
  interface Config {
    readonly auto_table_construction: Readonly<
      Record<string, { readonly query: string; readonly columns: readonly string[] }>
    >;
    readonly schedule: Readonly<Record<string, { readonly query: string }>>;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own
  const config = JSON.parse(readFileSync(join(INTEGRATIONS, 'osquery/rootaudit.conf'), 'utf8')) as Config;
  const directory = makeTemporaryDirectory();
  const database = join(directory, "it's here.db");
  const script = (...args: readonly string[]): Outcome =>
    run(join(INTEGRATIONS, 'osquery/rootaudit-osquery.sh'), [database, ...args]);
  const rows = (sql: string): readonly Readonly<Record<string, unknown>>[] => {
    const { status, output } = run('sqlite3', ['-readonly', '-json', database, sql]);
    expect({ sql, status, output: status === 0 ? '' : output }).toEqual({ sql, status: 0, output: '' });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows are objects
    return output === '' ? [] : (JSON.parse(output) as readonly Readonly<Record<string, unknown>>[]);
  };

  it('are filled by the script', () => {
    expect(script('--root', bad)).toEqual({ status: 0, output: '' });
    const tables = Object.entries(config.auto_table_construction);
    const found = Object.fromEntries(tables.map(([name, { query }]) => [name, rows(query)]));
    expect(found['rootaudit_findings']).toMatchObject([
      {
        advisory: 'superfish',
        sha256: listed.sha256,
        trust: 'trusted',
        file: '/usr/local/share/ca-certificates/planted.crt',
      },
    ]);
    expect(found['rootaudit_scan']).toMatchObject([{ exit_code: 1, problems: 0 }]);
    for (const [name, { columns }] of tables)
      for (const row of found[name] ?? []) expect(Object.keys(row)).toEqual(columns);
  });

  it('are those that the scheduled queries ask', () => {
    // As osquery has it: a table of text for each.
    const views = Object.entries(config.auto_table_construction).map(([name, { query, columns }]) => {
      const texts = columns.map((column) => `CAST(${column} AS TEXT) AS ${column}`).join(', ');
      return `CREATE TEMP VIEW ${name} AS SELECT ${texts} FROM (${query});`;
    });
    const ask = (name: string): readonly unknown[] =>
      rows(`${views.join('')}${config.schedule[name]?.query};`);
    expect(ask('rootaudit_trusted')).toMatchObject([{ advisory: 'superfish' }]);
    expect(ask('rootaudit_violations')).toEqual([]);
    expect(ask('rootaudit_stale')).toEqual([]);
  });

  it('stay as they are when a scan fails, and nothing is left behind', () => {
    const before = readFileSync(database);
    const { status, output } = script('/no/such');
    expect({ status, output: output.includes('/no/such') }).toEqual({ status: 2, output: true });
    expect(readFileSync(database).equals(before)).toBe(true);
    expect(run('ls', ['-A', directory]).output).toBe("it's here.db\n");
  });

  it('are empty after a clean scan', () => {
    expect(script('--root', clean).status).toBe(0);
    expect(rows('SELECT * FROM findings')).toEqual([]);
  });
});

describeWith(['kubernetes-validate'], 'the manifest for Kubernetes', () => {
  it.each(['1.31', '1.33'])('is one, strictly, for version %s', (version) => {
    const manifest = join(INTEGRATIONS, 'kubernetes/cronjob.yaml');
    expect(run('kubernetes-validate', ['--strict', '--quiet', '-k', version, manifest]).status).toBe(0);
  });
});

describeWith(['check-jsonschema'], 'the files for pipelines', () => {
  it.each([
    ['vendor.github-actions', 'action.yml'],
    ['vendor.gitlab-ci', 'integrations/gitlab/rootaudit.gitlab-ci.yml'],
  ])('follow the schema %s', (schema, file) => {
    const check = ['--builtin-schema', schema, join(PROJECT, file)];
    expect(run('check-jsonschema', check)).toEqual({ status: 0, output: 'ok -- validation done\n' });
  });
});
