/**
 * The bundles that Python packages bring (certifi and the copies of it inside others), in every place where packages
 * are installed: the system, environments, conda, pipx, pyenv, uv; and the settings of pip, requests, conda, poetry.
 */

import { FsError, type Target } from '../core/target.ts';
import { heldOnly } from '../core/trust.ts';
import { certificateFileStore, type CertificateFile } from './shared/certificate-files.ts';
import { exists } from './shared/content.ts';
import { expandDirectories, expandInHome, expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import {
  filesOfSettings,
  filesOfVariables,
  type SettingsRule,
  type VariableRule,
} from './shared/named-files.ts';
import {
  CONDA_PREFIXES,
  PACKAGE_PLACES,
  PREFIXES,
  USER_CONDA,
  USER_PACKAGE_PLACES,
  USER_PREFIXES,
} from './shared/python-places.ts';

/** Below a directory of packages. */
const KNOWN_BUNDLES = [
  'certifi/cacert.pem',
  'pip/_vendor/certifi/cacert.pem',
  'pip/_vendor/requests/cacert.pem',
  'pipenv/patched/pip/_vendor/certifi/cacert.pem',
  'pipenv/patched/notpip/_vendor/certifi/cacert.pem',
  'pipenv/vendor/certifi/cacert.pem',
  'requests/packages/certifi/cacert.pem',
  'botocore/vendored/requests/cacert.pem',
  'awscli/botocore/cacert.pem',
  'httplib2/cacerts.txt',
  'httplib2/python2/cacerts.txt',
  'httplib2/python3/cacerts.txt',
  'httplib2/python2/httplib2/cacerts.txt',
  'httplib2/python3/httplib2/cacerts.txt',
  'httplib2/httplib2/cacerts.txt',
  'certifi/certifi/cacert.pem',
  'boto/cacerts/cacerts.txt',
  'grpc/_cython/_credentials/roots.pem',
  'tornado/ca-certificates.crt',
  'stripe/data/ca-certificates.crt',
  'dropbox/trusted-certs.crt',
  'twilio/conf/cacert.pem',
  'braintree/ssl/api_braintreegateway_com.ca.crt',
  'snowflake/connector/vendored/requests/cacert.pem',
];

/** `pip` keeps its own wheel in a directory for new environments, which is an archive and no store. */
const NO_PACKAGE = /\.(?:dist-info|egg-info|libs|data)$|^__pycache__$|^\./;
/** Places of packages on one target; a machine for building has some hundred. */
const MAX_PLACES = 5000;

function* find(target: Target): Generator<CertificateFile> {
  const prefixes = prefixesOf(target);
  const places = new Set([
    ...PACKAGE_PLACES.flatMap((pattern) => expandDirectories(target, systemDrive(target) + pattern)),
    ...target.homes.flatMap(({ path }) => expandInHome(target, path, USER_PACKAGE_PLACES)),
    ...prefixes.flatMap((prefix) => packagesOf(target, prefix)),
  ]);
  for (const place of [...places].slice(0, MAX_PLACES)) yield* bundlesIn(target, place);
  for (const prefix of condaOf(target)) yield* condaBundles(target, prefix);
  yield* filesOfVariables(target, VARIABLES);
  yield* filesOfSettings(target, [
    ...SETTINGS,
    { ...PIP, system: prefixes.flatMap((prefix) => [`${prefix}/pip.conf`, `${prefix}/pip.ini`]) },
  ]);
}

/** Directories that hold a Python or an environment: `lib/python3.12/site-packages` lies below. */
function prefixesOf(target: Target): string[] {
  const drive = systemDrive(target);
  const system = PREFIXES.flatMap((pattern) => expandDirectories(target, drive + pattern));
  const users = target.homes.flatMap(({ path }) => expandInHome(target, path, USER_PREFIXES));
  const own = ['VIRTUAL_ENV', 'CONDA_PREFIX', 'PYTHONHOME'].flatMap((name) => {
    const path = target.environment[name];
    return path?.startsWith('/') === true ? [path] : [];
  });
  return [...new Set([...system, ...users, ...condaOf(target), ...own])].filter((path) =>
    exists(target, path),
  );
}

function condaOf(target: Target): string[] {
  const drive = systemDrive(target);
  const bases = [
    ...CONDA_PREFIXES.flatMap((pattern) => expandDirectories(target, drive + pattern)),
    ...target.homes.flatMap(({ path }) => expandInHome(target, path, USER_CONDA)),
  ];
  return [...new Set(bases.flatMap((base) => [base, ...expandDirectories(target, `${base}/envs/*`)]))];
}

function packagesOf(target: Target, prefix: string): string[] {
  return target.platform === 'win32'
    ? [`${prefix}/Lib/site-packages`]
    : ['lib', 'lib64'].flatMap((lib) =>
        expandDirectories(target, `${prefix}/${lib}/python*`).map((path) => `${path}/site-packages`),
      );
}

function* bundlesIn(target: Target, place: string): Generator<CertificateFile> {
  let entries;
  try {
    entries = target.fs.list(place);
  } catch (error) {
    if (error instanceof FsError) return;
    throw error;
  }
  const names = new Set(entries.map(({ name }) => name));
  const known = KNOWN_BUNDLES.filter((path) => names.has(path.slice(0, path.indexOf('/'))));
  const any = entries.flatMap(({ name, kind }) => {
    if (kind === 'file' || NO_PACKAGE.test(name)) return [];
    if (name.endsWith('.egg')) return KNOWN_BUNDLES.map((path) => `${name}/${path}`);
    return [`${name}/cacert.pem`];
  });
  for (const path of new Set([...known, ...any])) {
    const name = path.split('/').slice(0, -1).join('/');
    yield { path: `${place}/${path}`, application: `Python: ${name} (${place})` };
  }
}

function* condaBundles(target: Target, prefix: string): Generator<CertificateFile> {
  for (const path of ['ssl/cacert.pem', 'ssl/cert.pem', 'Library/ssl/cacert.pem', 'Library/ssl/cert.pem']) {
    yield { path: `${prefix}/${path}`, application: `conda (${prefix})` };
  }
  const cached = ['ssl/cacert.pem', 'Library/ssl/cacert.pem'].flatMap((path) =>
    expandDirectories(target, `${prefix}/pkgs/ca-certificates-*`).map((directory) => `${directory}/${path}`),
  );
  const certifi = expandDirectories(target, `${prefix}/pkgs/certifi-*/site-packages/certifi`);
  for (const path of [...cached, ...certifi.map((directory) => `${directory}/cacert.pem`)]) {
    const trust = heldOnly('in the package cache: new environments get a copy');
    yield { path, application: `conda package cache (${prefix})`, trust };
  }
}

const CERTIFI = 'the roots of certifi';

const VARIABLES: readonly VariableRule[] = [
  { program: 'Python requests', names: ['REQUESTS_CA_BUNDLE'], replaces: CERTIFI },
  { program: 'pip', names: ['PIP_CERT'], replaces: 'its usual roots' },
  { program: 'Python httplib2', names: ['HTTPLIB2_CA_CERTS'], replaces: CERTIFI },
  { program: 'Python websocket-client', names: ['WEBSOCKET_CLIENT_CA_BUNDLE'], replaces: CERTIFI },
  { program: 'gRPC', names: ['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH'], replaces: 'its own roots' },
  { program: 'conda', names: ['CONDA_SSL_VERIFY'], replaces: CERTIFI },
];

const PIP: SettingsRule = { program: 'pip', keys: ['cert'], replaces: 'its usual roots' };

const SETTINGS: readonly SettingsRule[] = [
  {
    ...PIP,
    system: [
      '/etc/pip.conf',
      '/etc/xdg/pip/pip.conf',
      '/Library/Application Support/pip/pip.conf',
      '/ProgramData/pip/pip.ini',
    ],
    user: [
      '.config/pip/pip.conf',
      '.pip/pip.conf',
      'Library/Application Support/pip/pip.conf',
      'AppData/Roaming/pip/pip.ini',
      'pip/pip.ini',
    ],
  },
  {
    program: 'conda',
    keys: ['ssl_verify'],
    replaces: CERTIFI,
    system: ['/etc/conda/.condarc', '/etc/conda/condarc', '/etc/conda/condarc.d/*', '/opt/*/.condarc'],
    user: ['.condarc', '.conda/.condarc', '.config/conda/.condarc', '.mambarc'],
  },
  {
    program: 'poetry',
    keys: ['cert'],
    replaces: CERTIFI,
    user: [
      '.config/pypoetry/auth.toml',
      'Library/Application Support/pypoetry/auth.toml',
      'AppData/Roaming/pypoetry/auth.toml',
    ],
  },
];

const COMES_BACK = 'The next update of the package, or a new environment, brings the bundle back as it was.';

/** "Install Certificates.command" of python.org links this file to certifi. */
function pythonMac(target: Target): CertificateFile[] {
  const pattern = '/Library/Frameworks/Python.framework/Versions/*/etc/openssl/cert.pem';
  return expandPaths(target, pattern).map((path) => ({
    path,
    application: `Python (${path.split('/')[5]})`,
  }));
}

export const stores = [
  certificateFileStore({
    id: 'python',
    title:
      'Python: certifi and its copies in every place of packages and environment, pip, requests, conda, poetry',
    find,
    comesBack: COMES_BACK,
  }),
  certificateFileStore({
    id: 'python-macos',
    title: 'Python of python.org for macOS',
    platforms: ['darwin'],
    find: pythonMac,
    comesBack: COMES_BACK,
  }),
];
