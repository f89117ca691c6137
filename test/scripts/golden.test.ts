import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/certificate.ts';
import type { Action } from '../../src/core/remediation.ts';
import type { RemovalPlan } from '../../src/report/removal-plan.ts';
import { writeScript } from '../../src/scripts/index.ts';
import type { ScriptLanguage } from '../../src/scripts/languages.ts';
import type { ScriptInput } from '../../src/scripts/script.ts';
import { planOfActions } from '../support/scripts.ts';

const BUNDLE = Buffer.from('# kept\n-----gone-----\n# kept too\n');
const [BUNDLE_PATH, OWN, CONF, KEYSTORE] = [
  '/srv/bundle.pem',
  "/usr/local/share/ca's/x.crt",
  '/etc/app.conf',
  '/srv/trust.jks',
];
const hash = (text: string): string => sha256(Buffer.from(text));

const actions: readonly Action[] = [
  { kind: 'delete', path: OWN, sha256: hash('own') },
  { kind: 'cut', path: BUNDLE_PATH, sha256: sha256(BUNDLE), ranges: [{ start: 7, end: 22 }] },
  { kind: 'write', path: CONF, sha256: hash('old'), content: Buffer.from('# new\nx = "1"\n'), mode: 0o644 },
  {
    kind: 'write',
    path: '/etc/new/blocked.pem',
    sha256: null,
    content: Buffer.from('blocked\n'),
    mode: 0o644,
  },
  {
    kind: 'edit',
    path: KEYSTORE,
    directory: false,
    files: [{ path: KEYSTORE, sha256: hash('jks') }],
    argv: ['keytool', '-delete', '-alias', "it's {{ x }}", '-keystore', '{}', '-storepass', 'changeit'],
  },
  { kind: 'run', argv: ['update-ca-certificates', '--fresh'], changes: ['/etc/ssl/certs'] },
];

const KEY = String.raw`HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\0011`;
const SAVED = String.raw`C:\ProgramData\rootaudit\backup\0011.reg`;
const DIRECTORY = String.raw`C:\ProgramData\rootaudit\backup`;
const inRegistry: readonly Action[] = [
  {
    kind: 'run',
    argv: ['cmd', '/d', '/c', 'if', 'not', 'exist', DIRECTORY, 'mkdir', DIRECTORY],
    changes: [],
  },
  {
    kind: 'run',
    argv: ['reg', 'export', KEY, SAVED, '/y'],
    changes: ['/C:/ProgramData/rootaudit/backup/0011.reg'],
  },
  { kind: 'run', argv: ['reg', 'delete', KEY, '/f'], changes: [], undo: [['reg', 'import', SAVED]] },
];

function planFor(language: ScriptLanguage): RemovalPlan {
  const isWindows = language === 'cmd' || language === 'powershell';
  const plan = planOfActions(isWindows ? inRegistry : actions, 'CN=Planted Root', {
    kind: language === 'dockerfile' ? 'image' : 'live',
    reference: language === 'dockerfile' ? 'registry:registry.example/app:1.2' : '/',
    platform: isWindows ? 'win32' : 'linux',
    ...(language === 'dockerfile' && {
      image: {
        name: 'app',
        layers: [
          { digest: 'sha256:0', createdBy: '/bin/sh -c #(nop) ADD file:0 in / ' },
          { digest: 'sha256:1', createdBy: 'COPY x.crt /usr/local/share/ # buildkit' },
        ],
      },
    }),
  });
  if (!isWindows) return plan;
  const certificates = plan.certificates.map((each) => ({
    ...each,
    places: each.places.map((place) => ({ ...place, path: KEY, entry: String.raw`ROOT\0011` })),
  }));
  const stores = plan.stores.filter(({ method }) => method !== 'later');
  return { ...plan, certificates, stores };
}

function inputFor(language: ScriptLanguage): ScriptInput {
  return {
    plan: planFor(language),
    root: '',
    read: (path) => (path === BUNDLE_PATH ? BUNDLE : undefined),
    certificate: () => Buffer.from('3003020100', 'hex'),
    image: { has: (command) => command !== 'keytool', layerOf: (path) => (path === '/x' ? 1 : undefined) },
  };
}

describe('scripts', () => {
  it.each<readonly [ScriptLanguage, string]>([
    ['sh', 'script.sh'],
    ['powershell', 'script.ps1'],
    ['cmd', 'script.cmd'],
    ['ansible', 'playbook.yml'],
    ['dockerfile', 'Dockerfile'],
  ])('for %s look as they did', async (language, name) => {
    const text = await writeScript(language, inputFor(language));
    await expect(text).toMatchFileSnapshot(`golden/${name}`);
  });

  it.each<readonly [ScriptLanguage, ScriptLanguage, string]>([
    ['sh', 'dockerfile', 'An image is changed by a Dockerfile'],
    ['ansible', 'dockerfile', 'An image is changed by a Dockerfile'],
    ['powershell', 'dockerfile', 'An image is changed by a Dockerfile'],
    ['sh', 'cmd', 'Windows has no sh'],
    ['ansible', 'cmd', 'take --script powershell'],
    ['cmd', 'sh', 'It is for a running Windows'],
    ['powershell', 'sh', 'It is for a running Windows'],
    ['dockerfile', 'sh', 'It is for an image'],
  ])('for %s are refused for a plan that is for %s', async (language, other, hint) => {
    const refused: unknown = await writeScript(language, inputFor(other)).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      message: `no ${language} script can be written for this`,
      hint: expect.stringContaining(hint),
    });
  });

  it.each<readonly [string, readonly Action[], string]>([
    ['changes files', actions.slice(0, 1), 'cmd.exe cannot do this safely: delete'],
    [
      'names %',
      [{ kind: 'run', argv: ['reg', 'delete', `${KEY}%PATH%`, '/f'], changes: [] }],
      'cmd.exe cannot do this safely',
    ],
    [
      'runs what is no tool of the registry',
      [{ kind: 'run', argv: ['calc'], changes: [] }],
      'cmd.exe cannot do this safely',
    ],
  ])('for cmd are refused when the plan %s', async (_, steps, message) => {
    const plan = {
      ...planFor('cmd'),
      steps: steps.map((action) => ({ stores: [], certificates: [], elevated: true, action })),
    };
    await expect(writeScript('cmd', { ...inputFor('cmd'), plan })).rejects.toThrow(message);
  });

  it('for cmd are refused for a name that cmd.exe would change', async () => {
    const key = `${KEY}%PATH%`;
    const plan = planFor('cmd');
    const certificates = plan.certificates.map((each) => ({
      ...each,
      places: each.places.map((place) => ({ ...place, path: key })),
    }));
    const action: Action = { kind: 'run', argv: ['reg', 'delete', key, '/f'], changes: [] };
    const changed = {
      ...plan,
      certificates,
      steps: [{ stores: [], certificates: [], elevated: true, action }],
    };
    await expect(writeScript('cmd', { ...inputFor('cmd'), plan: changed })).rejects.toThrow(
      'cmd.exe cannot carry',
    );
  });

  it('are refused when a file is no longer the one that was planned for', async () => {
    const input = { ...inputFor('sh'), read: () => Buffer.from('other') };
    await expect(writeScript('sh', input)).rejects.toThrow('/srv/bundle.pem changed since it was looked at');
  });
});
