import { beforeAll, describe, expect, it } from 'vitest';
import { store } from '../../src/stores/services.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const ID = 'vpn-wifi-mail-databases';

describe('authorities of connections', () => {
  it.each([
    ['ca of OpenVPN', '/etc/openvpn/client/work.conf', 'remote vpn.example\nca /opt/ca.pem\n'],
    [
      'ca-cert of NetworkManager',
      '/etc/NetworkManager/system-connections/w',
      '[802-1x]\nca-cert=file:///opt/ca.pem\n',
    ],
    ['ca_cert of wpa_supplicant', '/etc/wpa_supplicant/w.conf', 'network={\n  ca_cert="/opt/ca.pem"\n}\n'],
    ['smtp_tls_CAfile of Postfix', '/etc/postfix/main.cf', 'smtp_tls_CAfile = /opt/ca.pem\n'],
    ['TLS_CACERT of LDAP', '/etc/ldap/ldap.conf', '#TLS_CACERT /opt/x.pem\nTLS_CACERT\t/opt/ca.pem\n'],
    ['ssl-ca of MySQL', '/etc/mysql/conf.d/client.cnf', '[client]\nssl-ca=/opt/ca.pem\n'],
    ['tls_trust_file of mail programs', '/home/ann/.msmtprc', 'tls_trust_file /opt/ca.pem\n'],
  ])('%s in %s', (words, path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem });
    expect(foundIn([store], root)).toEqual([
      `${ID} /opt/ca.pem: ${words}, for its own connections only (trusted)`,
    ]);
  });

  it('lie in directories of strongSwan, and in the home for PostgreSQL', () => {
    const root = makeRoot({
      '/etc/ipsec.d/cacerts/corp.pem': a.pem,
      '/etc/ipsec.d/cacerts/README': 'text',
      '/home/ann/.postgresql/root.crt': b.pem,
    });
    expect(foundIn([store], root)).toEqual([
      `${ID} /etc/ipsec.d/cacerts: strongSwan, for its own connections only (trusted)`,
      `${ID} /home/ann/.postgresql/root.crt: PostgreSQL, for its own connections only (trusted)`,
    ]);
  });

  it('in an OpenVPN profile are those between <ca> and </ca>, and only they go', () => {
    const path = '/home/ann/Downloads/work.ovpn';
    const text = `client\n<ca>\n${a.pem}${b.pem}</ca>\n<cert>\n${b.pem}</cert>\n`;
    const root = makeRoot({ [path]: text });
    const found = `${ID} ${path}: <ca> of OpenVPN, for its own connections only (trusted)`;
    expect(foundIn([store], root)).toEqual([found, found]);
    expect(removeAndUndo([store], root, a, path)).toMatchObject({
      after: `client\n<ca>\n${b.pem}</ca>\n<cert>\n${b.pem}</cert>\n`,
      restored: true,
    });
  });

  it('alone in a profile leave the rest of the profile', () => {
    const path = '/etc/openvpn/one.conf';
    const root = makeRoot({ [path]: `client\n<ca>\n${a.pem}</ca>\n` });
    expect(removeAndUndo([store], root, a, path)).toMatchObject({
      after: 'client\n<ca>\n</ca>\n',
      restored: true,
    });
  });
});
