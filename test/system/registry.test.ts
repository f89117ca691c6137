/** Images that skopeo pushed into Debian's docker-registry, with each kind of access and of layer. */

import { sign } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ImageSource } from '../../src/images/image-source.ts';
import { parseImageDocument } from '../../src/images/manifest.ts';
import { openImage } from '../../src/images/open-image.ts';
import { openRegistryImages, type RegistryOptions } from '../../src/images/registry.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { failureOf, layerBytes } from '../support/image-registry-client.ts';
import { OCI, serve, sha256 } from '../support/image-registry.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { startRegistry, stopRegistries } from './support/docker-registry.ts';
import { describeWith, run } from './support/tools.ts';

const PLANTED = '/usr/local/share/ca-certificates/corp.crt';
const REF_NAME = 'org.opencontainers.image.ref.name';
const USER = 'ann';
const PASSWORD = 'S3cr3t';

/** An image of two layers in an OCI layout, for one platform; the upper layer has the certificate. */
function makeImage(layout: string, architecture: string, certificate: TestCertificate): void {
  const image = `${layout}:${architecture}`;
  const files = makeTemporaryDirectory();
  mkdirSync(join(files, 'etc'));
  writeFileSync(join(files, 'etc/os-release'), 'ID=debian\n');
  writeFileSync(join(files, 'etc/big'), Buffer.alloc(3 << 20, architecture));
  writeFileSync(join(files, 'corp.crt'), certificate.pem);
  run('umoci', ['new', '--image', image]);
  run('umoci', [
    'config',
    '--image',
    image,
    '--architecture',
    architecture,
    '--os',
    'linux',
    '--config.env',
    'A=b',
  ]);
  run('umoci', ['insert', '--image', image, join(files, 'etc'), '/etc']);
  run('umoci', [
    'insert',
    '--image',
    image,
    '--history.created_by',
    'COPY corp.crt',
    join(files, 'corp.crt'),
    PLANTED,
  ]);
}

/** Puts an index of the images that the layout has, by their architecture, into it under the name `multi`. */
function addIndex(layout: string): void {
  const file = join(layout, 'index.json');
  const document = parseImageDocument(readFileSync(file), file);
  const images = (document.kind === 'index' ? document.manifests : []).map(({ annotations, ...image }) => ({
    ...image,
    annotations: Object.fromEntries(annotations),
  }));
  const manifests = images.map(({ annotations, ...image }) => ({
    ...image,
    platform: { os: 'linux', architecture: annotations[REF_NAME] },
  }));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests }));
  const digest = sha256(bytes);
  writeFileSync(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
  const index = { mediaType: OCI.index, digest, size: bytes.length, annotations: { [REF_NAME]: 'multi' } };
  writeFileSync(file, JSON.stringify({ schemaVersion: 2, manifests: [...images, index] }));
}

/** A token service as docker-registry trusts it: ES256, with the certificate in the token. */
async function startTokenService(signer: TestCertificate, asked: string[]): Promise<string> {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return serve(({ url = '', headers }, response) => {
    asked.push(url);
    const expected = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
    if (headers.authorization !== expected) return response.writeHead(401).end();
    const [type, name, action] = (new URL(url, 'http://x').searchParams.get('scope') ?? '').split(':');
    const now = Math.floor(Date.now() / 1000);
    const head = encode({ typ: 'JWT', alg: 'ES256', x5c: [signer.der.toString('base64')] });
    const access = [{ type, name, actions: [action] }];
    const times = { exp: now + 60, nbf: now - 10, iat: now - 10 };
    const claims = encode({
      iss: 'test',
      sub: USER,
      aud: 'the registry',
      ...times,
      jti: String(now),
      access,
    });
    const key = { key: signer.key.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const signature = sign('sha256', Buffer.from(`${head}.${claims}`), key).toString('base64url');
    return response.end(JSON.stringify({ token: `${head}.${claims}.${signature}` }));
  });
}

describeWith(
  ['docker-registry', 'skopeo', 'umoci', 'htpasswd', 'openssl'],
  'images in a real registry',
  () => {
    const directory = makeTemporaryDirectory();
    const certificate = makeCertificate({ subject: { CN: 'Corp Root' } });
    const layout = join(directory, 'layout');
    let host = '';
    let zstdHost = '';
    afterAll(stopRegistries);

    beforeAll(async () => {
      host = await startRegistry(directory);
      run('umoci', ['init', '--layout', layout]);
      for (const architecture of ['amd64', 'arm64']) makeImage(layout, architecture, certificate);
      addIndex(layout);
      const push = (tag: string, source: string, ...options: readonly string[]): string =>
        run('skopeo', [
          'copy',
          '--dest-tls-verify=false',
          ...options,
          `oci:${layout}:${source}`,
          `docker://${host}/team/app:${tag}`,
        ]);
      push('gzip', 'amd64', '--format', 'v2s2');
      push('oci', 'amd64');
      push('old', 'amd64', '--format', 'v2s1');
      push('multi', 'multi', '--all');
      // A registry that has the layers in gzip would be left with those.
      zstdHost = await startRegistry(join(directory, 'zstd'));
      const plain = `dir:${join(directory, 'plain')}`;
      run('skopeo', ['copy', '--dest-decompress', `oci:${layout}:amd64`, plain]);
      const zstd = ['--dest-tls-verify=false', '--format', 'oci', '--dest-compress-format', 'zstd'];
      run('skopeo', ['copy', ...zstd, plain, `docker://${zstdHost}/team/app:zstd`]);
    });

    const options = (config: unknown = {}): RegistryOptions => {
      const home = makeTemporaryDirectory();
      writeFileSync(join(home, 'config.json'), JSON.stringify(config));
      return { plainHttp: true, home, environment: { DOCKER_CONFIG: home } };
    };
    const loggedIn = (at: string, password = PASSWORD): RegistryOptions =>
      options({ auths: { [at]: { auth: Buffer.from(`${USER}:${password}`).toString('base64') } } });
    const digestIn = (tag: string, at = host): string =>
      run('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--format',
        '{{.Digest}}',
        `docker://${at}/team/app:${tag}`,
      ]).trim();

    async function expectPlanted(image: ImageSource | undefined): Promise<void> {
      if (!image) throw new Error('no image');
      const target = await openImage(image);
      expect(Buffer.from(target.fs.read(PLANTED) ?? []).toString()).toBe(certificate.pem);
      expect(target.layerOf?.(PLANTED)).toBe(1);
      expect(target.image?.layers[1]?.createdBy).toBe('COPY corp.crt');
      expect(target.environment).toMatchObject({ A: 'b' });
      expect(target.problems ?? []).toEqual([]);
      await target.close?.();
    }

    it.each([
      ['gzip', '1f8b08'],
      ['oci', '1f8b08'],
      ['zstd', '28b52f'],
    ])('are read with %s', async (tag, magic) => {
      const at = tag === 'zstd' ? zstdHost : host;
      const [image, ...others] = await openRegistryImages(`registry:${at}/team/app:${tag}`, options());
      expect([image?.digest, image?.platform, others]).toEqual([digestIn(tag, at), 'linux/amd64', []]);
      const blob = await fetch(`http://${at}/v2/team/app/blobs/${image?.layers[0]?.digest}`);
      expect(Buffer.from(await blob.arrayBuffer()).toString('hex', 0, 3)).toBe(magic);
      await expectPlanted(image);
    });

    it('are read by digest', async () => {
      const digest = digestIn('oci');
      const [image] = await openRegistryImages(`registry:${host}/team/app@${digest}`, options());
      expect(image?.digest).toBe(digest);
      await expectPlanted(image);
    });

    it.each([
      ['linux/amd64', ['linux/amd64']],
      ['linux/arm64', ['linux/arm64']],
      ['all', ['linux/amd64', 'linux/arm64']],
    ])('are read for %s', async (platform, expected) => {
      const images = await openRegistryImages(`registry:${host}/team/app:multi`, { ...options(), platform });
      expect(images.map((image) => image.platform)).toEqual(expected);
      for (const image of images) await expectPlanted(image);
    });

    it('are refused in the first format', async () => {
      const failure = await failureOf(() => openRegistryImages(`registry:${host}/team/app:old`, options()));
      expect(failure.message).toContain("Docker's first format");
    });

    it('that are not there are told apart from those that are', async () => {
      for (const name of ['team/app:none', 'team/none:1', `team/app@${sha256('x')}`]) {
        const failure = await failureOf(() => openRegistryImages(`registry:${host}/${name}`, options()));
        expect(failure.message).toBe(`${host} has no ${host}/${name}`);
      }
    });

    it('are read with user and password, and not without', async () => {
      const file = join(directory, 'htpasswd');
      writeFileSync(file, run('htpasswd', ['-Bbn', USER, PASSWORD]));
      const at = await startRegistry(directory, { auth: { htpasswd: { realm: 'r', path: file } } });
      const reference = `registry:${at}/team/app:gzip`;
      const [image] = await openRegistryImages(reference, loggedIn(at));
      await expectPlanted(image);
      const anonymous = await failureOf(() => openRegistryImages(reference, options()));
      expect([anonymous.message, anonymous.hint]).toEqual([
        `${at} does not hand out ${at}/team/app:gzip without credentials, or does not have it`,
        `Log in with an account that may read it: docker login ${at}`,
      ]);
      const wrong = await failureOf(() => openRegistryImages(reference, loggedIn(at, 'wr0ng')));
      expect(wrong.message).toContain('does not accept the credentials');
      expect(wrong.everything).not.toMatch(/wr0ng|d3IwbmM/);
    });

    it('are read with what skopeo login left', async () => {
      const file = join(directory, 'htpasswd');
      writeFileSync(file, run('htpasswd', ['-Bbn', USER, PASSWORD]));
      const at = await startRegistry(directory, { auth: { htpasswd: { realm: 'r', path: file } } });
      const authFile = join(directory, 'auth.json');
      run('skopeo', ['login', '--tls-verify=false', '--authfile', authFile, '-u', USER, '-p', PASSWORD, at]);
      const environment = { REGISTRY_AUTH_FILE: authFile };
      const [image] = await openRegistryImages(`registry:${at}/team/app:gzip`, { ...options(), environment });
      await expectPlanted(image);
    });

    it('are read with a token', async () => {
      const signer = makeCertificate({ subject: { CN: 'tokens' } });
      const asked: string[] = [];
      const service = await startTokenService(signer, asked);
      const rootcertbundle = join(directory, 'tokens.pem');
      writeFileSync(rootcertbundle, signer.pem);
      const token = {
        realm: `http://${service}/token`,
        service: 'the registry',
        issuer: 'test',
        rootcertbundle,
      };
      const at = await startRegistry(directory, { auth: { token } });
      const [image] = await openRegistryImages(`registry:${at}/team/app:oci`, loggedIn(at));
      await expectPlanted(image);
      expect(asked).toEqual(['/token?service=the+registry&scope=repository%3Ateam%2Fapp%3Apull']);
      const failure = await failureOf(() => openRegistryImages(`registry:${at}/team/app:oci`, options()));
      expect(failure.hint).toContain('docker login');
    });

    it('are read over TLS when the root of the registry is trusted, and not otherwise', async () => {
      const [certificate, key] = [join(directory, 'tls.pem'), join(directory, 'tls.key')];
      const subject = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1'];
      const made = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        certificate,
      ];
      run('openssl', ['req', '-x509', '-days', '2', ...made, ...subject]);
      const at = await startRegistry(directory, { tls: { certificate, key } });
      const reference = `registry:${at}/team/app:oci`;
      const failure = await failureOf(() =>
        openRegistryImages(reference, { ...options(), plainHttp: false }),
      );
      expect(failure.message).toBe(`${at} cannot be reached: its certificate is signed by itself`);

      // Node.js takes further roots when it starts, and only then.
      const program = join(directory, 'program.mjs');
      const entry = `import { openRegistryImages } from ${JSON.stringify(join(import.meta.dirname, '../../src/images/registry.ts'))};
      const [image] = await openRegistryImages(${JSON.stringify(reference)});
      let length = 0;
      for await (const piece of image.layers[0].content.open()) length += piece.length;
      console.log(image.digest, length);`;
      buildSync({
        stdin: { contents: entry, resolveDir: directory },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile: program,
        banner: {
          js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
        },
      });
      const env = { PATH: process.env['PATH'], HOME: directory, NODE_EXTRA_CA_CERTS: certificate };
      const [digest, length] = execFileSync(process.execPath, [program], { env, encoding: 'utf8' })
        .trim()
        .split(' ');
      expect([digest, Number(length) > 3 << 20]).toEqual([digestIn('oci'), true]);
    });

    it('are no longer read when the storage has changed', async () => {
      const [image] = await openRegistryImages(`registry:${host}/team/app:oci`, options());
      const digest = image?.layers[1]?.digest.slice('sha256:'.length) ?? '';
      const file = join(
        directory,
        'storage/docker/registry/v2/blobs/sha256',
        digest.slice(0, 2),
        digest,
        'data',
      );
      const bytes = readFileSync(file);
      const changed = Buffer.from(bytes);
      // The flags and the time in the head of gzip: it unpacks as before.
      changed[4] = (changed[4] ?? 0) ^ 1;
      writeFileSync(file, changed);
      try {
        const failure = await failureOf(() => layerBytes(image, 1));
        expect(failure.message).toContain('does not have the digest that it should have');
      } finally {
        writeFileSync(file, bytes);
      }
    });
  },
);
