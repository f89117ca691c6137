import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { proxyFor, unusedProxyHint } from '../../src/network/proxy.ts';

const PROXY = 'http://proxy.test:3128';
const at = (address: string, environment: Readonly<Record<string, string>>): string | undefined =>
  proxyFor(new URL(address), environment)?.origin;

describe('the proxy for an address', () => {
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: PROXY }, PROXY],
    [{ https_proxy: PROXY }, PROXY],
    [{ HTTPS_PROXY: PROXY, https_proxy: 'http://other.test' }, PROXY],
    [{ HTTPS_PROXY: '', https_proxy: PROXY }, PROXY],
    [{ HTTPS_PROXY: ' ' }, undefined],
    [{ HTTPS_PROXY: `\t${PROXY}/ ` }, PROXY],
    [{ HTTPS_PROXY: 'proxy.test:3128' }, PROXY],
    [{ HTTPS_PROXY: 'proxy.test' }, 'http://proxy.test'],
    [{ HTTPS_PROXY: '10.0.0.1:3128' }, 'http://10.0.0.1:3128'],
    [{ HTTPS_PROXY: '[fd00::1]:3128' }, 'http://[fd00::1]:3128'],
    [{ HTTPS_PROXY: 'HTTPS://proxy.test' }, 'https://proxy.test'],
    [{ HTTP_PROXY: PROXY, ALL_PROXY: PROXY }, undefined],
  ])('with %j is %s', (environment: Readonly<Record<string, string>>, expected) => {
    expect(at('https://registry.test/v2/', environment)).toBe(expected);
  });

  it.each([
    'https://localhost',
    'https://127.0.0.1:5000',
    'https://127.3.2.1',
    'https://[::1]:1',
    'http://registry.test',
  ])('is none for %s', (address) => {
    expect(at(address, { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY })).toBeUndefined();
  });

  it.each([
    ['*', 'registry.test', true],
    ['a.test,*', 'registry.test', true],
    ['registry.test', 'registry.test', true],
    ['Registry.TEST', 'registry.test', true],
    ['registry.test', 'eu.registry.test', true],
    ['registry.test', 'myregistry.test', false],
    ['.registry.test', 'eu.registry.test', true],
    ['.registry.test', 'registry.test', false],
    ['*.registry.test', 'eu.registry.test', true],
    ['*.registry.test', 'registry.test', false],
    ['test', 'registry.test', true],
    ['a.test, registry.test ,b.test', 'registry.test', true],
    ['a.test registry.test', 'registry.test', true],
    ['registry.test:443', 'registry.test', true],
    ['registry.test:5000', 'registry.test', false],
    ['registry.test:5000', 'registry.test:5000', true],
    ['.test:5000', 'registry.test:5000', true],
    ['registry.test', 'registry.test:5000', true],
    ['bücher.test', 'xn--bcher-kva.test', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.30', false],
    ['10.1.2.3:5000', '10.1.2.3:5000', true],
    ['10.1.2.3:5000', '10.1.2.3', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/8', 'registry.test', false],
    ['10.0.0.0/33', '10.1.2.3', false],
    ['0.0.0.0/0', '10.1.2.3', true],
    ['fd00::/8', '[fd12::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['fd00::/8', '10.1.2.3', false],
    ['fd00::1', '[fd00:0::1]', true],
    ['[fd00::1]', '[fd00::1]', true],
    ['[fd00::1]:5000', '[fd00::1]:5000', true],
    ['[fd00::1]:5000', '[fd00::1]', false],
    ['', 'registry.test', false],
    [',, ,', 'registry.test', false],
    ['.', 'registry.test', false],
    ['*.', 'registry.test', false],
    [':443', 'registry.test', false],
    ['http://registry.test', 'registry.test', false],
  ])('with NO_PROXY=%j is none for %s: %s', (exceptions, host, isNone) => {
    for (const name of ['NO_PROXY', 'no_proxy']) {
      const environment = { HTTPS_PROXY: PROXY, [name]: exceptions };
      expect(at(`https://${host}/v2/`, environment)).toBe(isNone ? undefined : PROXY);
    }
  });

  it('has its user and password apart from its address', () => {
    const proxy = proxyFor(new URL('https://registry.test'), {
      HTTPS_PROXY: 'http://ann%40corp:p%3Ass@proxy.test:3128',
    });
    expect(proxy).toEqual({
      variable: 'HTTPS_PROXY',
      name: 'proxy.test:3128',
      origin: PROXY,
      authorization: `Basic ${Buffer.from('ann@corp:p:ss').toString('base64')}`,
    });
  });

  it.each([
    ['ann@', 'ann:'],
    ['ann:50%@', 'ann:50%'],
    [':pass@', ':pass'],
    ['än:ö@', 'än:ö'],
  ])('with %j in its address gets %j', (prefix, expected) => {
    const { authorization = '' } =
      proxyFor(new URL('https://registry.test'), { https_proxy: `${prefix}proxy.test` }) ?? {};
    expect(Buffer.from(authorization.slice('Basic '.length), 'base64').toString()).toBe(expected);
  });

  it.each([
    ['http://', 'https_proxy is no address of a proxy'],
    ['http://ann:S3cret@', 'https_proxy is no address of a proxy'],
    ['http://ann:S3cret@proxy.test:99999', 'https_proxy is no address of a proxy'],
    ['ann:S3cret@a b', 'https_proxy is no address of a proxy'],
    ['socks5://ann:S3cret@proxy.test', 'https_proxy names a proxy of the kind socks5, which cannot be used'],
  ])('that is %j is refused, without telling what it is', (value, message) => {
    const environment = { https_proxy: value };
    try {
      proxyFor(new URL('https://registry.test'), environment);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof RootauditError)) throw error;
      expect(error.message).toBe(message);
      expect(error.hint).toContain('http://HOST:PORT');
      expect(inspect(error, { showHidden: true })).not.toContain('S3cret');
    }
    // Where it is not used, it does not matter.
    expect(proxyFor(new URL('https://a.test'), { ...environment, NO_PROXY: 'a.test' })).toBeUndefined();
  });

  it('is found, or refused, whatever the variables say', () => {
    const word = fc.oneof(
      fc.constantFrom(':', '//', '@', '/', '[', ']', '%', '.', '*', ',', ' ', 'http', '10.0.0.0', '::'),
      fc.string({ maxLength: 5 }),
    );
    const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
    fc.assert(
      fc.property(text, text, (proxy, exceptions) => {
        try {
          proxyFor(new URL('https://registry.test'), { HTTPS_PROXY: proxy, NO_PROXY: exceptions });
        } catch (error) {
          expect(error).toBeInstanceOf(RootauditError);
        }
      }),
    );
  });
});

describe('a proxy that is not used', () => {
  it.each([
    [{}, undefined],
    [{ ALL_PROXY: PROXY }, 'ALL_PROXY is not for addresses with TLS: name the proxy in HTTPS_PROXY.'],
    [{ http_proxy: PROXY }, 'http_proxy is not for addresses with TLS: name the proxy in HTTPS_PROXY.'],
    [{ ALL_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: '*' }, undefined],
  ])('%j is told about: %s', (environment: Readonly<Record<string, string>>, expected) => {
    expect(unusedProxyHint(new URL('https://registry.test'), environment)).toBe(expected);
    expect(unusedProxyHint(new URL('https://localhost'), environment)).toBeUndefined();
  });
});
