/** Bundles and settings of Ruby, Perl, Erlang and Elixir, R and Julia. */

import type { Target } from '../core/target.ts';
import { trustFor } from '../core/trust.ts';
import { certificateFileStore, type CertificateFile } from './shared/certificate-files.ts';
import { expandDirectories, expandInHome, expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import { expandFilesInHome, filesOfVariables } from './shared/named-files.ts';
import { bundlesOfPackages, type PackageBundles } from './shared/package-bundles.ts';

/** Directories of gems. */
const GEMS = [
  '/usr/lib/ruby/gems/*/gems',
  '/usr/lib64/ruby/gems/*/gems',
  '/usr/local/lib/ruby/gems/*/gems',
  '/usr/share/rubygems-integration/*/gems',
  '/usr/share/gems/gems',
  '/usr/local/share/gems/gems',
  '/var/lib/gems/*/gems',
  '/usr/local/bundle/gems',
  '/usr/local/rvm/gems/*/gems',
  '/opt/*/embedded/lib/ruby/gems/*/gems',
  '/opt/*/lib/ruby/gems/*/gems',
  '/opt/homebrew/lib/ruby/gems/*/gems',
  '/Library/Ruby/Gems/*/gems',
  '/Ruby*/lib/ruby/gems/*/gems',
];
const USER_GEMS = [
  '.gem/ruby/*/gems',
  '.local/share/gem/ruby/*/gems',
  '.rbenv/versions/*/lib/ruby/gems/*/gems',
  '.rvm/gems/*/gems',
  '.rubies/*/lib/ruby/gems/*/gems',
  '.asdf/installs/ruby/*/lib/ruby/gems/*/gems',
  '.local/share/mise/installs/ruby/*/lib/ruby/gems/*/gems',
];
const GEM_BUNDLES: PackageBundles = {
  certifi: ['lib/cacert.pem', 'certs/cacert.pem'],
  excon: ['data/cacert.pem'],
  httpclient: ['lib/httpclient/cacert.pem', 'lib/httpclient/cacert1024.pem'],
  stripe: ['lib/data/ca-certificates.crt'],
  'aws-sdk-core': ['ca-bundle.crt'],
  'aws-sdk-v1': ['ca-bundle.crt'],
  'aws-sdk': ['ca-bundle.crt'],
  'twilio-ruby': ['conf/cacert.pem'],
  koala: ['lib/koala/http_service/cacert.pem'],
  braintree: ['lib/ssl/api_braintreegateway_com.ca.crt'],
};
/** rubygems and bundler hold the roots of one site. */
const GEM_SITES = [
  '/usr/lib/ruby/*/rubygems/ssl_certs/*/*.pem',
  '/usr/lib/ruby/*/bundler/ssl_certs/*/*.pem',
  '/usr/local/lib/ruby/*/rubygems/ssl_certs/*/*.pem',
  '/usr/share/rubygems/rubygems/ssl_certs/*/*.pem',
  '/opt/*/embedded/lib/ruby/*/rubygems/ssl_certs/*/*.pem',
];
const USER_GEM_SITES = ['.rbenv/versions/*/lib/ruby/*/rubygems/ssl_certs/*/*.pem'];

function* ruby(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  const directories = [
    ...GEMS.flatMap((pattern) => expandDirectories(target, drive + pattern)),
    ...target.homes.flatMap(({ path }) => expandInHome(target, path, USER_GEMS)),
  ];
  for (const directory of directories) yield* bundlesOfPackages(target, directory, 'Ruby', GEM_BUNDLES);
  const trust = trustFor({ serverAuth: 'trusted' }, 'for the sites of rubygems only');
  const sites = [
    ...GEM_SITES.flatMap((pattern) => expandPaths(target, pattern)),
    ...target.homes.flatMap((home) => expandFilesInHome(target, home, USER_GEM_SITES)),
  ];
  for (const path of sites) yield { path, application: 'rubygems', trust };
  const rvm = target.homes.map(({ path }) => `${path}/.rvm/usr/ssl/cert.pem`);
  const installer = expandPaths(target, `${drive}/Ruby*/ssl/cert.pem`);
  for (const path of [...rvm, ...installer]) yield { path, application: 'Ruby' };
}

const PERL = [
  '/usr/share/perl5',
  '/usr/share/perl5/vendor_perl',
  '/usr/local/share/perl5',
  '/usr/share/perl/*',
  '/usr/local/share/perl/*',
  '/usr/lib/perl5/vendor_perl/*',
  '/usr/lib/perl5/site_perl/*',
  '/usr/local/lib/perl5/site_perl',
  '/usr/local/lib/perl5/site_perl/*',
  '/opt/*/lib/perl5',
  '/Strawberry/perl/vendor/lib',
];
const USER_PERL = [
  'perl5/lib/perl5',
  '.plenv/versions/*/lib/perl5/site_perl/*',
  'perl5/perlbrew/perls/*/lib/site_perl/*',
];

function* perl(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  const directories = [
    ...PERL.flatMap((pattern) => expandDirectories(target, drive + pattern)),
    ...target.homes.flatMap(({ path }) => expandInHome(target, path, USER_PERL)),
  ];
  for (const directory of directories) {
    yield { path: `${directory}/Mozilla/CA/cacert.pem`, application: 'Perl: Mozilla::CA' };
  }
  const names = ['PERL_LWP_SSL_CA_FILE', 'PERL_LWP_SSL_CA_PATH', 'HTTPS_CA_FILE', 'HTTPS_CA_DIR'];
  yield* filesOfVariables(target, [{ program: 'Perl', names, replaces: 'its usual roots' }]);
}

/** Directories of applications, of releases and of dependencies. */
const BEAM = [
  '/usr/lib/erlang/lib',
  '/usr/local/lib/erlang/lib',
  '/usr/lib/rabbitmq/lib/*/plugins',
  '/opt/*/lib',
  '/opt/*/deps',
  '/app/lib',
  '/app/deps',
  '/srv/*/lib',
  '/srv/*/deps',
];
const USER_BEAM = ['*/deps', 'src/*/deps', 'projects/*/deps', '.mix/archives', '.cache/rebar3/lib'];
const BEAM_BUNDLES: PackageBundles = {
  castore: ['priv/cacerts.pem'],
  certifi: ['priv/cacerts.pem', 'priv/certs.pem'],
};

function* erlang(target: Target): Generator<CertificateFile> {
  const directories = [
    ...BEAM.flatMap((pattern) => expandDirectories(target, pattern)),
    ...target.homes.flatMap(({ path }) => expandInHome(target, path, USER_BEAM)),
  ];
  for (const directory of directories) yield* bundlesOfPackages(target, directory, 'Erlang', BEAM_BUNDLES);
}

const R_AND_JULIA: readonly (readonly [string, string])[] = [
  ['R', '/usr/lib/R/etc/curl-ca-bundle.crt'],
  ['R', '/usr/local/lib/R/etc/curl-ca-bundle.crt'],
  ['R', '/opt/R/*/lib/R/etc/curl-ca-bundle.crt'],
  ['R', '/Program Files/R/*/etc/curl-ca-bundle.crt'],
  ['Julia', '/usr/share/julia/cert.pem'],
  ['Julia', '/usr/local/share/julia/cert.pem'],
  ['Julia', '/usr/local/julia*/share/julia/cert.pem'],
  ['Julia', '/opt/julia*/share/julia/cert.pem'],
  ['Julia', '/opt/julia*/*/share/julia/cert.pem'],
  ['Julia', '/Applications/Julia*.app/Contents/Resources/julia/share/julia/cert.pem'],
];
const USER_JULIA = [
  '.julia/juliaup/*/share/julia/cert.pem',
  '.julia/artifacts/*/cacert.pem',
  'AppData/Local/Programs/Julia*/share/julia/cert.pem',
];

function* rAndJulia(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  for (const [application, pattern] of R_AND_JULIA) {
    for (const path of expandPaths(target, drive + pattern)) yield { path, application };
  }
  for (const home of target.homes) {
    for (const path of expandFilesInHome(target, home, USER_JULIA)) yield { path, application: 'Julia' };
  }
}

const COMES_BACK = 'The next update of the package brings the bundle back as it was.';

export const stores = [
  certificateFileStore({
    id: 'ruby',
    title: 'Ruby: bundles of gems, rubygems, RubyInstaller',
    find: ruby,
    comesBack: COMES_BACK,
  }),
  certificateFileStore({
    id: 'perl',
    title: 'Perl: Mozilla::CA, and the variables of LWP',
    find: perl,
    comesBack: COMES_BACK,
  }),
  certificateFileStore({
    id: 'erlang',
    title: 'Erlang and Elixir: castore and certifi',
    find: erlang,
    comesBack: COMES_BACK,
  }),
  certificateFileStore({
    id: 'r-julia',
    title: 'R and Julia: the bundles they bring',
    find: rAndJulia,
    comesBack: COMES_BACK,
  }),
];
