/**
 * Certificate files that the variables and settings of tools name: curl, Wget, aria2, Subversion, Mercurial, the AWS,
 * Google Cloud and Azure tools, Terraform, Vault, Nomad, Consul, Ansible.
 */

import type { Target } from '../core/target.ts';
import { certificateFileStore, type CertificateFile } from './shared/certificate-files.ts';
import { systemDrive } from './shared/drive.ts';
import { expandPaths } from './shared/directories.ts';
import {
  filesOfSettings,
  filesOfVariables,
  type SettingsRule,
  type VariableRule,
} from './shared/named-files.ts';

const SYSTEM = 'the roots of the system';

/** A bundle beside curl.exe is used before anything else. */
const CURL_ON_WINDOWS = [
  '/Program Files/curl/bin/curl-ca-bundle.crt',
  '/Program Files/curl/curl-ca-bundle.crt',
  '/Windows/System32/curl-ca-bundle.crt',
  '/Windows/curl-ca-bundle.crt',
  '/ProgramData/chocolatey/bin/curl-ca-bundle.crt',
  '/opt/local/share/curl/curl-ca-bundle.crt',
];

const CURL_KEYS = ['cacert', 'capath', 'proxy-cacert', 'proxy-capath', 'doh-cacert'];

function* curl(target: Target): Generator<CertificateFile> {
  yield* filesOfVariables(target, [
    { program: 'curl', names: ['CURL_CA_BUNDLE'], replaces: SYSTEM },
    { program: 'curl', names: ['CURL_CA_PATH'], replaces: SYSTEM },
  ]);
  yield* filesOfSettings(target, [
    {
      program: 'curl',
      keys: CURL_KEYS,
      system: ['/etc/curlrc'],
      user: ['.curlrc', '.config/curlrc', 'AppData/Roaming/.curlrc', 'AppData/Roaming/_curlrc', '_curlrc'],
      replaces: SYSTEM,
    },
  ]);
  for (const pattern of CURL_ON_WINDOWS) {
    for (const path of expandPaths(target, systemDrive(target) + pattern))
      yield { path, application: 'curl' };
  }
}

const FETCHERS: readonly SettingsRule[] = [
  {
    program: 'Wget',
    keys: [
      'ca_certificate',
      'ca_directory',
      'ca-certificate',
      'ca-directory',
      'cacertificate',
      'cadirectory',
    ],
    system: ['/etc/wgetrc', '/etc/wget2rc', '/usr/local/etc/wgetrc', '/opt/homebrew/etc/wgetrc'],
    user: ['.wgetrc', '.config/wget/wget2rc', '.wget2rc', 'wget.ini'],
    replaces: SYSTEM,
  },
  {
    program: 'aria2',
    keys: ['ca-certificate'],
    user: ['.aria2/aria2.conf', '.config/aria2/aria2.conf'],
    replaces: SYSTEM,
  },
  {
    program: 'Subversion',
    keys: ['ssl-authority-files'],
    system: ['/etc/subversion/servers'],
    user: ['.subversion/servers', 'AppData/Roaming/Subversion/servers'],
    separator: /;/,
  },
  {
    program: 'Mercurial',
    keys: ['cacerts'],
    system: ['/etc/mercurial/hgrc', '/etc/mercurial/hgrc.d/*.rc'],
    user: ['.hgrc', '.config/hg/hgrc', 'mercurial.ini', 'Mercurial.ini'],
    replaces: SYSTEM,
  },
];

function* wget(target: Target): Generator<CertificateFile> {
  yield* filesOfVariables(target, [{ program: 'Wget', names: ['WGET_CA_CERTIFICATE'], replaces: SYSTEM }]);
  yield* filesOfSettings(target, FETCHERS);
}

const AWS_ROOTS = 'the roots of botocore';

function* aws(target: Target): Generator<CertificateFile> {
  yield* filesOfVariables(target, [{ program: 'AWS', names: ['AWS_CA_BUNDLE'], replaces: AWS_ROOTS }]);
  yield* filesOfSettings(target, [
    {
      program: 'AWS',
      keys: ['ca_bundle'],
      user: ['.aws/config', '.aws/credentials', '.boto'],
      replaces: AWS_ROOTS,
    },
  ]);
}

const CLOUD_VARIABLES: readonly VariableRule[] = [
  { program: 'Google Cloud', names: ['CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE'], replaces: 'its own roots' },
  { program: 'Vault', names: ['VAULT_CACERT', 'VAULT_CAPATH'], replaces: SYSTEM },
  { program: 'Nomad', names: ['NOMAD_CACERT', 'NOMAD_CAPATH'], replaces: SYSTEM },
  { program: 'Consul', names: ['CONSUL_CACERT', 'CONSUL_CAPATH'], replaces: SYSTEM },
  { program: 'OpenStack', names: ['OS_CACERT'], replaces: SYSTEM },
  { program: 'Hex', names: ['HEX_CACERTS_PATH'], replaces: 'its own roots' },
  { program: 'Cargo', names: ['CARGO_HTTP_CAINFO'], replaces: SYSTEM },
];

const CLOUD_SETTINGS: readonly SettingsRule[] = [
  {
    program: 'Google Cloud',
    keys: ['custom_ca_certs_file', 'ca_certificates_file'],
    system: [
      '/usr/lib/google-cloud-sdk/properties',
      '/usr/local/google-cloud-sdk/properties',
      '/etc/boto.cfg',
    ],
    user: [
      '.config/gcloud/properties',
      '.config/gcloud/configurations/config_*',
      'AppData/Roaming/gcloud/properties',
      'AppData/Roaming/gcloud/configurations/config_*',
      'google-cloud-sdk/properties',
      '.boto',
    ],
    replaces: 'its own roots',
  },
  {
    program: 'Cargo',
    keys: ['cainfo', 'http.cainfo'],
    user: ['.cargo/config.toml', '.cargo/config'],
    replaces: SYSTEM,
  },
  {
    program: 'Vault, Nomad, Consul',
    keys: ['ca_file', 'ca_path', 'tls_client_ca_file'],
    private: true,
    system: ['/etc/vault.d/*.hcl', '/etc/nomad.d/*.hcl', '/etc/consul.d/*.hcl', '/etc/consul.d/*.json'],
    replaces: SYSTEM,
  },
  {
    program: 'OpenStack',
    keys: ['cacert'],
    system: ['/etc/openstack/clouds.yaml'],
    user: ['.config/openstack/clouds.yaml'],
    replaces: SYSTEM,
  },
];

function* clouds(target: Target): Generator<CertificateFile> {
  yield* filesOfVariables(target, CLOUD_VARIABLES);
  yield* filesOfSettings(target, CLOUD_SETTINGS);
}

export const stores = [
  certificateFileStore({
    id: 'curl',
    title: 'curl: variables, .curlrc, the bundle beside curl.exe',
    find: curl,
  }),
  certificateFileStore({
    id: 'wget',
    title: 'Wget, aria2, Subversion, Mercurial: their settings',
    find: wget,
  }),
  certificateFileStore({ id: 'aws', title: 'AWS tools: AWS_CA_BUNDLE and ca_bundle', find: aws }),
  certificateFileStore({
    id: 'cloud-tools',
    title: 'Google Cloud, OpenStack, Vault, Nomad, Consul, Hex, Cargo: variables and settings',
    find: clouds,
  }),
];
