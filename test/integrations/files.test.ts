/** What can be told of the other integrations without their programs; test/system has those. */

import { Ajv } from 'ajv';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { PROJECT } from '../support/rootaudit.ts';

const INTEGRATIONS = join(PROJECT, 'integrations');
const read = (path: string): string => readFileSync(join(INTEGRATIONS, path), 'utf8');
const files = readdirSync(INTEGRATIONS, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(INTEGRATIONS.length + 1));
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own
const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };

describe('every integration', () => {
  it.each(files.filter((name) => /\.ya?ml$/.test(name)))('%s is YAML', (name) => {
    expect(parseAllDocuments(read(name)).flatMap(({ errors }) => errors)).toEqual([]);
  });

  it.each(files.filter((name) => /rootaudit[:@]|_version|VERSION=/.test(read(name))))(
    '%s names the version that it comes with, or a variable',
    (name) => {
      const named = [
        ...read(name).matchAll(/(?:rootaudit[:@]|VERSION=|rootaudit_version: |JOB_VERSION: ')(\d[\w.]*)/g),
      ];
      expect(named.map(([, each]) => each).filter((each) => each !== version)).toEqual([]);
    },
  );

  it('is told of in docs/integrations.md', () => {
    const document = readFileSync(join(PROJECT, 'docs/integrations.md'), 'utf8');
    const directories = new Set(files.map((name) => name.split('/')[0]));
    expect([...directories].filter((name) => !document.includes(`../integrations/${name}`))).toEqual([]);
  });
});

/** Least privilege, as a schema: what is not said here may not be there. */
const POD = {
  type: 'object',
  additionalProperties: false,
  required: ['automountServiceAccountToken', 'securityContext', 'containers', 'volumes', 'restartPolicy'],
  properties: {
    restartPolicy: { const: 'Never' },
    automountServiceAccountToken: { const: false },
    enableServiceLinks: { const: false },
    affinity: { type: 'object' },
    tolerations: { type: 'array' },
    securityContext: {
      type: 'object',
      required: ['seccompProfile'],
      properties: { seccompProfile: { const: { type: 'RuntimeDefault' } } },
    },
    containers: {
      type: 'array',
      maxItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['securityContext', 'volumeMounts', 'resources'],
        properties: {
          name: { type: 'string' },
          image: { type: 'string' },
          imagePullPolicy: { type: 'string' },
          command: { const: ['sh', '-c'] },
          args: { type: 'array', maxItems: 1, items: { type: 'string', pattern: '--root /host' } },
          resources: { type: 'object', required: ['limits'] },
          securityContext: {
            const: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'], add: ['DAC_READ_SEARCH'] },
            },
          },
          volumeMounts: {
            const: [{ name: 'host', mountPath: '/host', readOnly: true, recursiveReadOnly: 'IfPossible' }],
          },
        },
      },
    },
    volumes: { const: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }] },
  },
};

describe('the manifest for Kubernetes', () => {
  interface Manifest {
    readonly kind: string;
    readonly metadata: { readonly namespace?: string };
    readonly spec?: { readonly jobTemplate?: { readonly spec?: Job } };
  }
  interface Job {
    readonly completions: number;
    readonly parallelism: number;
    readonly completionMode: string;
    readonly backoffLimitPerIndex: number;
    readonly template: { readonly spec: object };
  }
  const manifests = parseAllDocuments(read('kubernetes/cronjob.yaml')).map(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form is checked with Kubernetes' schema in test/system
    (document) => document.toJS() as Manifest,
  );
  const job = manifests.find(({ kind }) => kind === 'CronJob')?.spec?.jobTemplate?.spec;

  it('gives the pod no more than it needs', () => {
    const ajv = new Ajv({ allErrors: true });
    const validate = ajv.compile(POD);
    validate(job?.template.spec);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('goes on after a finding, and cuts the network off', () => {
    expect(job).toMatchObject({ completionMode: 'Indexed', backoffLimitPerIndex: 0 });
    expect(job?.completions).toBe(job?.parallelism);
    expect(manifests.map(({ kind }) => kind)).toEqual(['Namespace', 'NetworkPolicy', 'CronJob']);
    expect(manifests.slice(1).map(({ metadata }) => metadata.namespace)).toEqual(['rootaudit', 'rootaudit']);
  });
});

describe('the hooks for pre-commit', () => {
  interface Hook {
    readonly id: string;
    readonly entry: string;
    readonly args: readonly string[];
    readonly files: string;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pre-commit itself reads it in test/system
  const hooks = parse(readFileSync(join(PROJECT, '.pre-commit-hooks.yaml'), 'utf8')) as readonly Hook[];

  it('take the names of files for names whatever they look like', () => {
    for (const { args } of hooks) expect(args.at(-1)).toBe('--');
  });

  it.each([
    ['certs/ca.pem', true],
    ['CA.CRT', true],
    ['a.p12', true],
    ['jre/lib/security/cacerts', true],
    ['cacerts', true],
    ['mycacerts', false],
    ['notes.pem.md', false],
    ['id_rsa.pub', false],
  ])('look at %s: %s', (path, expected) => {
    for (const { files: pattern } of hooks) {
      // Python's (?i) at the beginning is a flag here.
      expect(new RegExp(pattern.replace(/^\(\?i\)/, ''), 'i').test(path)).toBe(expected);
    }
  });
});

describe('the units of systemd', () => {
  it('give the service no right but to read', () => {
    const service = read('systemd/rootaudit.service');
    expect(service).toContain('\nCapabilityBoundingSet=CAP_DAC_READ_SEARCH\n');
    for (const line of [
      'ProtectSystem=strict',
      'ProtectHome=read-only',
      'PrivateNetwork=yes',
      'NoNewPrivileges=yes',
    ])
      expect(service).toContain(`\n${line}\n`);
  });
});

describe('the tables of osquery', () => {
  interface Config {
    readonly auto_table_construction: Readonly<
      Record<string, { readonly query: string; readonly columns: readonly string[] }>
    >;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own
  const config = JSON.parse(read('osquery/rootaudit.conf')) as Config;

  it.each(Object.entries(config.auto_table_construction))(
    '%s has the columns of its query',
    (_name, table) => {
      expect(table.query).toMatch(new RegExp(`^SELECT ${table.columns.join(', ')} FROM [a-z]+$`));
      // osquery has a column of that name itself.
      expect(table.columns).not.toContain('path');
    },
  );
});
