import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { fullName, parseReference } from '../../src/images/reference.ts';
import { isLoopback } from '../../src/network/loopback.ts';

const SHA256 = `sha256:${'0123456789abcdef'.repeat(4)}`;
const SHA512 = `sha512:${'0123456789abcdef'.repeat(8)}`;

describe('a reference to an image in a registry', () => {
  it.each([
    ['registry:debian', 'docker.io/library/debian:latest', 'registry-1.docker.io'],
    ['registry:debian:12', 'docker.io/library/debian:12', 'registry-1.docker.io'],
    ['registry:registry:2', 'docker.io/library/registry:2', 'registry-1.docker.io'],
    ['registry:bitnami/nginx', 'docker.io/bitnami/nginx:latest', 'registry-1.docker.io'],
    ['registry:docker.io/debian:12', 'docker.io/library/debian:12', 'registry-1.docker.io'],
    ['registry:index.docker.io/debian:12', 'docker.io/library/debian:12', 'registry-1.docker.io'],
    ['registry:registry-1.docker.io/a/b', 'docker.io/a/b:latest', 'registry-1.docker.io'],
    ['registry:localhost/app', 'localhost/app:latest', 'localhost'],
    ['registry:localhost:5000/app:1.0-rc_1', 'localhost:5000/app:1.0-rc_1', 'localhost:5000'],
    ['registry:127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000'],
    ['registry:127.1/a', '127.0.0.1/a:latest', '127.0.0.1'],
    ['registry:[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000'],
    ['registry:[0:0::1]/app', '[::1]/app:latest', '[::1]'],
    ['registry:Quay.IO/team/app__x.y---z:1', 'quay.io/team/app__x.y---z:1', 'quay.io'],
    ['registry:REGISTRY/app', 'registry/app:latest', 'registry'],
    ['registry:quay.io:443/app', 'quay.io:443/app:latest', 'quay.io:443'],
    [`registry:quay.io/app@${SHA256}`, `quay.io/app@${SHA256}`, 'quay.io'],
    [`registry:quay.io/app:1@${SHA512}`, `quay.io/app:1@${SHA512}`, 'quay.io'],
  ])('%s is %s at %s', (text, name, host) => {
    const reference = parseReference(text);
    expect([fullName(reference), reference.host]).toEqual([name, host]);
  });

  it.each([
    ['debian:12', 'begin with registry:'],
    ['registry:', 'of a-z and 0-9'],
    ['registry:https://quay.io/app', 'no URL'],
    ['registry:docker://quay.io/app', 'no URL'],
    ['registry:quay.io/', 'of a-z and 0-9'],
    ['registry:quay.io/App', 'of a-z and 0-9'],
    ['registry:quay.io/../v2', 'of a-z and 0-9'],
    ['registry:quay.io/a//b', 'of a-z and 0-9'],
    ['registry:quay.io/a?b=c', 'of a-z and 0-9'],
    ['registry:quay.io/a%2fb', 'of a-z and 0-9'],
    ['registry:quay.io/-a', 'of a-z and 0-9'],
    ['registry:quay.io/a___b', 'of a-z and 0-9'],
    ['registry:quay.io/a..b', 'of a-z and 0-9'],
    ['registry:user:secret@quay.io/app', 'after @'],
    ['registry:quay.io:99999/app', 'host'],
    ['registry:quay.io:/app', 'host'],
    ['registry:-quay.io/app', 'host'],
    ['registry:quay..io/app', 'host'],
    ['registry:1.2.3.999/app', 'host'],
    ['registry:[::zz]/app', 'host'],
    ['registry:[1:2]/app', 'host'],
    ['registry:quay.io/app:', 'tag'],
    ['registry:quay.io/app:.1', 'tag'],
    ['registry:quay.io/app:a/b:c d', 'tag'],
    [`registry:quay.io/app:${'x'.repeat(129)}`, 'tag'],
    ['registry:quay.io/app@', 'after @'],
    ['registry:quay.io/app@sha256:abc', 'after @'],
    [`registry:quay.io/app@${SHA256.toUpperCase()}`, 'after @'],
    [`registry:quay.io/app@md5:${'0'.repeat(32)}`, 'after @'],
    [`registry:quay.io/app@${SHA256}@${SHA256}`, 'more than one @'],
    [`registry:quay.io/${'a/'.repeat(140)}a`, 'too long'],
    [`registry:${'a'.repeat(2000)}`, 'too long'],
    ['registry:quay.io/a\nb', 'of a-z and 0-9'],
  ])('%j is refused: %s', (text, reason) => {
    expect(() => parseReference(text)).toThrow(RootauditError);
    expect(() => parseReference(text)).toThrow(reason);
  });

  it.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.255.0.3', true],
    ['[::1]', true],
    ['127.example.com', false],
    ['localhost.example.com', false],
    ['128.0.0.1', false],
    ['[::2]', false],
  ])('%s is this computer: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('either is refused or gives parts that are safe in a URL, whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom('/', ':', '@', '.', '..', '[', ']', '%2f', '?', '#', '\\', SHA256, '127.1'),
      fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let reference;
        try {
          reference = parseReference(`registry:${pieces.join('')}`);
        } catch (error) {
          expect(error).toBeInstanceOf(RootauditError);
          return;
        }
        const { host, repository, tag, digest } = reference;
        const path = `/v2/${repository}/manifests/${digest ?? tag}`;
        const url = new URL(`http://${host}${path}`);
        expect([url.pathname, url.search, url.hash, url.username]).toEqual([path, '', '', '']);
        expect(parseReference(`registry:${fullName(reference)}`)).toEqual(reference);
      }),
    );
  });
});
