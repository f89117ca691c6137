import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { store } from '../../src/stores/java-app.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor } from '../support/certificate-files.ts';
import { hasKeytool, hasSamples, jks, jksTrusted, sample } from '../support/keystores.ts';
import { makeRoot, runCommands } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
let one: Buffer;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
  one = jks([jksTrusted('a', a.der)]);
});

describe('keystores of Java programs', () => {
  it.each([
    '/etc/tomcat10/trust.jks',
    '/opt/apache-tomcat-10/conf/my.truststore',
    '/etc/kafka/secrets/kafka.server.truststore.jks',
    '/etc/elasticsearch/certs/ca-trust.p12',
    '/var/lib/jenkins/cacerts',
    '/opt/oracle/wlserver/server/lib/DemoTrust.jks',
    '/opt/wildfly/standalone/configuration/application.jks',
    '/home/ann/.keystore',
    '/home/ann/.config/JetBrains/IntelliJIdea2024.1/ssl/cacerts',
    '/home/ann/.java/deployment/security/trusted.jssecacerts',
  ])('are found at %s', (path) => {
    expect(foundIn([store], makeRoot({ [path]: one }))).toEqual([
      `java-app ${path}: trustedCertEntry (trusted)`,
    ]);
  });

  it.each([
    ['/etc/default/tomcat10', 'JAVA_OPTS="-Xmx1g -Djavax.net.ssl.trustStore=/srv/t.ks"\n'],
    [
      '/etc/systemd/system/app.service',
      '[Service]\nEnvironment="JAVA_OPTS=-Djavax.net.ssl.trustStore=/srv/t.ks"\n',
    ],
    ['/home/ann/.gradle/gradle.properties', 'systemProp.javax.net.ssl.trustStore=/srv/t.ks\n'],
    ['/etc/kafka/server.properties', 'ssl.truststore.location=/srv/t.ks\n'],
  ])('are named in %s', (path, text) => {
    expect(foundIn([store], makeRoot({ [path]: text, '/srv/t.ks': one }))).toEqual([
      'java-app /srv/t.ks: trustedCertEntry (trusted)',
    ]);
  });

  it.each(['/etc/elasticsearch/elasticsearch.keystore', '/etc/kafka/server.p12', '/etc/tomcat10/server.xml'])(
    'are not looked for in %s',
    (path) => {
      expect(foundIn([store], makeRoot({ [path]: 'x' }))).toEqual([]);
    },
  );

  it('that are no keystores are a problem', () => {
    expect(foundIn([store], makeRoot({ '/etc/kafka/a.jks': 'this is no keystore' }))).toEqual([
      'java-app /etc/kafka/a.jks ! malformed',
    ]);
  });

  it.skipIf(!hasSamples)('of Bouncy Castle are read, and not readable when they are UBER', () => {
    const root = makeRoot({
      '/opt/app/conf/a.bks': sample('java/trust.bks'),
      '/opt/app/conf/b.bcfks': sample('java/trust.bcfks'),
      '/opt/app/conf/c.truststore': sample('java/christmas.uber'),
    });
    const trusted = 'trustedCertEntry (trusted)';
    expect(foundIn([store], root)).toEqual([
      `java-app /opt/app/conf/a.bks: ${trusted}`,
      `java-app /opt/app/conf/a.bks: ${trusted}`,
      `java-app /opt/app/conf/b.bcfks: ${trusted}`,
      `java-app /opt/app/conf/b.bcfks: ${trusted}`,
      'java-app /opt/app/conf/c.truststore ! unsupported',
    ]);
    const { target } = root;
    const [location] = store.locate(target);
    if (!location) throw new Error('no keystore');
    const anchors = [...store.read(target, location, { storePasswords: [] })].flatMap((each) => each.anchors);
    const plan = store.planRemoval(target, location, anchors.slice(0, 1));
    expect(plan).toMatchObject({ disposition: 'manual' });
    expect(plan.note).toContain('-storetype BKS');
  });

  it.skipIf(!hasKeytool)('lose the entry with the real keytool, and get it back (skipped without it)', () => {
    const path = '/home/ann/.keystore';
    const root = makeRoot({ [path]: jks([jksTrusted('a', a.der), jksTrusted('b', b.der)]) });
    const before = readFileSync(root.at(path));
    const { commands, undo, elevated } = planFor([store], root, a);
    expect(elevated).toBe(false);
    runCommands(commands);
    const listed = spawnSync('keytool', ['-list', '-keystore', root.at(path), '-storepass', 'changeit'], {
      encoding: 'utf8',
    });
    expect(listed.stdout).toMatch(/\bb, .*trustedCertEntry/);
    expect(listed.stdout).not.toMatch(/^a, /m);
    writeFileSync(root.at('/listed.txt'), listed.stdout);
    expect(foundIn([store], root)).toHaveLength(1);
    runCommands(undo);
    expect(readFileSync(root.at(path)).equals(before)).toBe(true);
  });
});
