/**
 * Keystores of Java programs beside those of the runtimes: of servers (Tomcat, Kafka, Jenkins, WebLogic …), of JetBrains'
 * programs, of Java Web Start, of people (`~/.keystore`), and those that javax.net.ssl.trustStore names.
 */

import { posix } from 'node:path';
import { certificateFrom } from '../core/certificate.ts';
import type { ReadOptions, StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { count } from '../core/text.ts';
import { heldOnly, trustedForAll } from '../core/trust.ts';
import { parseKeystore } from '../formats/keystore.ts';
import { DESKTOPS, scopeOf } from './shared/certificate-files.ts';
import { diagnosticsContent, exists, mergeContents, readFile } from './shared/content.ts';
import { expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import { environmentSettings } from './shared/environment-settings.ts';
import { entryName, removeWithKeytool } from './shared/keytool.ts';
import { expandFilesInHome, namedValues, resolvePath } from './shared/named-files.ts';
import { oncePerTarget } from './shared/once.ts';

/** Directories whose keystores are read, and who uses them; `*` as in file names. */
const SERVERS: readonly (readonly [string, string])[] = [
  ['Tomcat', '/etc/tomcat*'],
  ['Tomcat', '/var/lib/tomcat*/conf'],
  ['Tomcat', '/usr/share/tomcat*/conf'],
  ['Tomcat', '/usr/local/tomcat*/conf'],
  ['Kafka', '/etc/kafka'],
  ['Kafka', '/etc/kafka/secrets'],
  ['Kafka', '/etc/kafka/ssl'],
  ['Kafka', '/var/private/ssl'],
  ['ZooKeeper', '/etc/zookeeper'],
  ['Elasticsearch', '/etc/elasticsearch'],
  ['Elasticsearch', '/etc/elasticsearch/certs'],
  ['OpenSearch', '/etc/opensearch'],
  ['Logstash', '/etc/logstash'],
  ['Cassandra', '/etc/cassandra'],
  ['Cassandra', '/etc/cassandra/conf'],
  ['Hadoop', '/etc/hadoop/conf'],
  ['Jenkins', '/var/lib/jenkins'],
  ['Jenkins', '/etc/jenkins'],
  ['WebLogic', '/opt/*/wlserver/server/lib'],
  ['WebLogic', '/u01/oracle/wlserver/server/lib'],
  ['Java', '/etc/ssl'],
  ['Java', '/etc/ssl/java'],
  ['Java', '/etc/pki/java'],
  ['Java', '/etc/java'],
  ['$', '/opt/*'],
  ['$', '/opt/*/conf'],
  ['$', '/opt/*/config'],
  ['$', '/opt/*/certs'],
  ['$', '/opt/*/ssl'],
  ['$', '/opt/*/security'],
  ['$', '/opt/*/etc'],
  ['$', '/opt/*/standalone/configuration'],
  ['$', '/srv/*/conf'],
  ['$', '/Program Files/Apache Software Foundation/*/conf'],
];

/** Files by their whole name. */
const USER_FILES: readonly (readonly [string, string])[] = [
  ['keytool', '.keystore'],
  ['JetBrains', '.config/JetBrains/*/ssl/cacerts'],
  ['JetBrains', 'Library/Application Support/JetBrains/*/ssl/cacerts'],
  ['JetBrains', 'AppData/Roaming/JetBrains/*/ssl/cacerts'],
  ['Android Studio', '.config/Google/*/ssl/cacerts'],
  ['Android Studio', 'Library/Application Support/Google/*/ssl/cacerts'],
  ['Android Studio', 'AppData/Roaming/Google/*/ssl/cacerts'],
  ['Java Web Start', '.java/deployment/security/trusted.*'],
  ['Java Web Start', 'Library/Application Support/Oracle/Java/Deployment/security/trusted.*'],
  ['Java Web Start', 'AppData/LocalLow/Sun/Java/Deployment/security/trusted.*'],
  ['IcedTea-Web', '.config/icedtea-web/security/trusted.*'],
  ['IcedTea-Web', '.icedtea/security/trusted.*'],
];
const SYSTEM_FILES: readonly (readonly [string, string])[] = [
  ['Java Web Start', '/etc/.java/deployment/security/trusted.*'],
  ['Java Web Start', '/etc/.java/deployment/trusted.*'],
];
const USER_DIRECTORIES: readonly (readonly [string, string])[] = [
  ['Jenkins', '.jenkins'],
  ['Java', '.ssl'],
  ['Java', '.java'],
];

const ALWAYS = /\.(?:jks|jceks|bks|bcfks|truststore)$|^(?:truststore|cacerts|keystore)$/i;
/** Most of these hold the key of a server, and its certificate: only what is named as trust is read. */
const IF_NAMED = /(?:trust|cacerts|(?:^|[-_.])ca(?:[-_.]|s?certs)).*\.(?:p12|pfx|pkcs12|keystore)$/i;

const OPTION_VARIABLES = [
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  '_JAVA_OPTIONS',
  'JAVA_OPTS',
  'JAVA_ARGS',
  'CATALINA_OPTS',
  'KAFKA_OPTS',
  'ES_JAVA_OPTS',
  'LS_JAVA_OPTS',
  'MAVEN_OPTS',
  'GRADLE_OPTS',
  'SBT_OPTS',
  'JENKINS_OPTS',
];
const TRUST_STORE = /-Djavax\.net\.ssl\.trustStore=(?:"([^"]*)"|'([^']*)'|([^\s"']*))/g;

/** `key = value` files that name a trust store. */
const PROPERTIES: readonly (readonly [string, string])[] = [
  ['Kafka', '/etc/kafka/*.properties'],
  ['Kafka', '/opt/*/config/*.properties'],
  ['ZooKeeper', '/etc/zookeeper/*.cfg'],
];
const USER_PROPERTIES: readonly (readonly [string, string])[] = [
  ['Gradle', '.gradle/gradle.properties'],
  ['Maven', '.mavenrc'],
];
const PROPERTY_KEYS = [
  'ssl.truststore.location',
  'ssl.trustStore.location',
  'ssl.quorum.trustStore.location',
  'systemProp.javax.net.ssl.trustStore',
];

interface Found {
  readonly path: string;
  readonly application: string;
}

const findAll = oncePerTarget((target): readonly Found[] => {
  const found = new Map<string, Found>();
  for (const each of candidates(target)) {
    if (!found.has(each.path) && exists(target, each.path, 'file')) found.set(each.path, each);
  }
  return [...found.values()];
});

function* candidates(target: Target): Generator<Found> {
  yield* named(target);
  const drive = systemDrive(target);
  for (const [name, pattern] of SERVERS) {
    for (const path of expandPaths(target, `${drive}${pattern}/*`)) {
      // The program has the name of its directory.
      const application = name === '$' ? (path.split('/')[pattern.split('/').indexOf('*')] ?? 'Java') : name;
      if (isKeystore(path)) yield { path, application };
    }
  }
  for (const [application, pattern] of SYSTEM_FILES) {
    for (const path of expandPaths(target, pattern)) yield { path, application };
  }
  for (const home of target.homes) {
    const own = (application: string): string => `${application} (${home.user})`;
    for (const [application, pattern] of USER_FILES) {
      for (const path of expandFilesInHome(target, home, [pattern]))
        yield { path, application: own(application) };
    }
    for (const [application, pattern] of USER_DIRECTORIES) {
      for (const path of expandFilesInHome(target, home, [`${pattern}/*`])) {
        if (isKeystore(path)) yield { path, application: own(application) };
      }
    }
  }
}

function isKeystore(path: string): boolean {
  const name = posix.basename(path);
  return ALWAYS.test(name) || IF_NAMED.test(name);
}

function* named(target: Target): Generator<Found> {
  for (const { value, name, file } of environmentSettings(target, OPTION_VARIABLES)) {
    for (const [, double, single, plain] of value.matchAll(TRUST_STORE)) {
      const path = resolvePath(double ?? single ?? plain ?? '', undefined);
      if (path !== undefined) yield { path, application: `Java (${name} in ${file ?? 'the environment'})` };
    }
  }
  const files = [
    ...PROPERTIES.flatMap(([program, pattern]) =>
      expandPaths(target, pattern).map((file) => ({ program, file, home: undefined })),
    ),
    ...target.homes.flatMap((home) =>
      USER_PROPERTIES.flatMap(([program, pattern]) =>
        expandFilesInHome(target, home, [pattern]).map((file) => ({ program, file, home: home.path })),
      ),
    ),
  ];
  for (const { program, file, home } of files) {
    for (const { key, value } of namedValues(target, file, PROPERTY_KEYS)) {
      const path = resolvePath(value, home);
      if (path !== undefined) yield { path, application: `${program} (${key} in ${file})` };
    }
  }
}

const TRUSTED = trustedForAll('trustedCertEntry');
const HELD = heldOnly('no trusted entry: of a key, or without a trust attribute');

function read(target: Target, { path }: StoreLocation, { storePasswords }: ReadOptions): StoreContent {
  const file = readFile(target, path);
  if ('failed' in file) return file.failed;
  const { entries, diagnostics, keys } = parseKeystore(file.bytes, { passwords: storePasswords });
  const anchors = entries.map((entry, index): TrustAnchor => ({
    certificate: certificateFrom(entry.der),
    entry: entryName(entry, index),
    path,
    trust: entry.anchor ? TRUSTED : HELD,
  }));
  const notes = keys > 0 ? [`${path}: also holds ${count(keys, 'private or secret key')}`] : [];
  return mergeContents([{ anchors, problems: [], notes }, diagnosticsContent(path, diagnostics)]);
}

export const store: StoreType = {
  id: 'java-app',
  title:
    'Keystores of Java programs: servers, JetBrains, Java Web Start, ~/.keystore, javax.net.ssl.trustStore',
  platforms: DESKTOPS,
  locate: (target) =>
    findAll(target).map(({ path, application }) => ({
      path,
      application,
      format: 'Java keystore',
      ...scopeOf(target, path),
    })),
  read: (target, location, options) => [read(target, location, options)],
  planRemoval: removeWithKeytool,
};
