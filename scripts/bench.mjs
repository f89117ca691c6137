// npm run bench: ratios, each measured against a peer in the same run, taking turns. Medians; lower is better.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomFillSync, sign } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { buildIfStale, install, root } from './setup.mjs';

install();
buildIfStale();
if (process.argv.includes('images')) {
  (await import('./bench-images.mjs')).benchImages();
  process.exit();
}

const NODE = process.execPath;
const ROOTAUDIT = join(root, 'bin/rootaudit.js');
const RUNS = 15;
const work = mkdtempSync(join(tmpdir(), 'rootaudit-bench-'));
const { NODE_EXTRA_CA_CERTS: _unset, ...environment } = process.env;

/** Milliseconds of one run, and its peak memory in MiB when the command is ours. */
function run([command, ...args]) {
  const start = performance.now();
  const result = spawnSync(command, args, {
    env: environment,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    maxBuffer: 1 << 30,
  });
  const milliseconds = performance.now() - start;
  if (result.error) throw result.error;
  return { milliseconds, peak: Number(result.output[3] ?? 0) / 1024 };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** A and B in turn, so that both see the same machine. */
function compare(label, a, b, runs = RUNS) {
  run(a);
  run(b);
  const pairs = Array.from({ length: runs }, () => [run(a).milliseconds, run(b).milliseconds]);
  const [timeA, timeB] = [median(pairs.map(([x]) => x)), median(pairs.map(([, y]) => y))];
  const ratio = median(pairs.map(([x, y]) => x / y));
  console.log(
    `${label.padEnd(62)} ${ratio.toFixed(2).padStart(6)}×   ${timeA.toFixed(0)} ms against ${timeB.toFixed(0)} ms`,
  );
}

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const scan = (...args) => [NODE, ROOTAUDIT, 'scan', '-f', 'json', ...args];
const list = (...args) => [NODE, ROOTAUDIT, 'list', '-f', 'json', ...args];

function write(path, content) {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
}

/** A root with ten stores of the 140-odd roots that Node carries. */
function tenStores() {
  const tree = join(work, 'ten');
  const bundle = `${rootCertificates.join('\n')}\n`;
  const certificates = join(tree, 'usr/share/ca-certificates/mozilla');
  rootCertificates.forEach((pem, i) => write(join(certificates, `root-${i}.crt`), `${pem}\n`));
  write(
    join(tree, 'etc/ca-certificates.conf'),
    rootCertificates.map((_, i) => `mozilla/root-${i}.crt\n`).join(''),
  );
  write(join(tree, 'usr/local/share/ca-certificates/own.crt'), `${rootCertificates[0]}\n`);
  for (const path of [
    'etc/ssl/certs/ca-certificates.crt',
    'etc/pki/ca-trust/source/anchors/all.pem',
    'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    'etc/pki/trust/anchors/all.pem',
    'etc/ca-certificates/trust-source/anchors/all.pem',
    'usr/local/ssl/cert.pem',
    'etc/openssl/cert.pem',
  ]) {
    write(join(tree, path), bundle);
  }
  return tree;
}

/** The template with another serial number and another key: distinct in every hash. */
function syntheticBundle(template, count) {
  const parts = [];
  for (let i = 0; i < count; i++) {
    const der = Buffer.from(template);
    randomFillSync(der, template.serialAt, 8);
    randomFillSync(der, template.keyAt, 32);
    parts.push(
      '-----BEGIN CERTIFICATE-----\n',
      der.toString('base64').replace(/.{64}/g, '$&\n'),
      '\n-----END CERTIFICATE-----\n',
    );
  }
  return parts.join('');
}

function tlv(tag, ...parts) {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

/** A self-signed RSA-2048 certificate with names of ordinary length. */
function template() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const algorithm = Buffer.from('300d06092a864886f70d01010b0500', 'hex');
  const attribute = (oid, text) =>
    tlv(0x31, tlv(0x30, Buffer.from(oid, 'hex'), tlv(0x0c, Buffer.from(text))));
  const name = tlv(
    0x30,
    attribute('0603550406', 'KZ'),
    attribute('060355040a', 'A Certification Authority Ltd'),
    attribute('0603550403', 'A Certification Authority Root X1'),
  );
  const validity = tlv(
    0x30,
    tlv(0x17, Buffer.from('200101000000Z')),
    tlv(0x17, Buffer.from('490101000000Z')),
  );
  const serial = tlv(0x02, Buffer.from('1011223344556677889900', 'hex'));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const tbs = tlv(0x30, Buffer.from('a003020102', 'hex'), serial, algorithm, name, validity, name, spki);
  const der = tlv(0x30, tbs, algorithm, tlv(0x03, Buffer.of(0), sign('sha256', tbs, privateKey)));
  return Object.assign(der, { serialAt: der.indexOf(serial) + 3, keyAt: der.indexOf(spki) + 100 });
}

/** Roots with so many distinct certificates, a hundred to a file; by size. */
function bigRoot(count) {
  const tree = join(work, `certificates-${count}`);
  const der = template();
  const files = Math.ceil(count / 100);
  for (let i = 0; i < files; i++) {
    write(join(tree, `usr/local/share/ca-certificates/${i}.crt`), syntheticBundle(der, 100));
  }
  return tree;
}

function benchThroughput() {
  const reporter = join(work, 'peak.cjs');
  writeFileSync(
    reporter,
    "process.on('exit',()=>require('fs').writeSync(3,String(process.resourceUsage().maxRSS)))",
  );
  const sizes = [100, 10_000, 100_000];
  const measured = sizes.map((size) => {
    const tree = bigRoot(size);
    const command = [NODE, '-r', reporter, ...scan('--root', tree).slice(1)];
    run(command);
    const runs = Array.from({ length: 5 }, () => run(command));
    return { size, time: median(runs.map((r) => r.milliseconds)), peak: median(runs.map((r) => r.peak)) };
  });
  const [start] = measured;
  for (const { size, time, peak } of measured.slice(1)) {
    const each = ((time - start.time) * 1000) / (size - start.size);
    console.log(
      `${`${size.toLocaleString('en')} certificates in ${size / 100} files`.padEnd(62)} ${each.toFixed(1).padStart(6)} µs each over start-up, ${(1e6 / each).toFixed(0)} a second, peak ${peak.toFixed(0)} MiB (${start.peak.toFixed(0)} with ${start.size})`,
    );
  }
}

const PROGRAM_BYTES = 500e6;
/** What is packed has to be unpacked first, which `cat` and `grep` do not do. */
const PACKED = /\.(?:jar|jmod|zip|whl|apk|gz|xz|zst|bz2)$/;

/** Programs and libraries of this machine, as many as fit, read in place. */
function programsOf(directories) {
  const files = [];
  let bytes = 0;
  for (const directory of directories) {
    let names = [];
    try {
      names = readdirSync(directory, { recursive: true, withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of names) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      if (!entry.isFile() || PACKED.test(path)) continue;
      const { size } = statSync(path);
      if (size < 50_000 || size > 60e6 || bytes + size > PROGRAM_BYTES) continue;
      bytes += size;
      files.push(path);
    }
  }
  return { files, bytes };
}

/** A root with copies of programs, because `--deep` looks at directories as a whole. */
function benchDeep() {
  const { files, bytes } = programsOf(['/usr/bin', '/usr/lib', '/usr/local', '/opt']);
  if (files.length === 0 || !has('cat') || !has('grep')) return;
  const tree = join(work, 'programs');
  mkdirSync(join(tree, 'opt'), { recursive: true });
  const copies = files.map((file, i) => {
    const copy = join(tree, 'opt', `${i}-${basename(file)}`);
    copyFileSync(file, copy);
    return copy;
  });
  const shell = (command) => [
    'sh',
    '-c',
    `xargs -0 ${command} < "$0" > /dev/null`,
    join(work, 'programs.list'),
  ];
  writeFileSync(join(work, 'programs.list'), copies.join('\0'));
  const what = `--deep over ${(bytes / 1e6).toFixed(0)} MB in ${files.length} programs`;
  compare(`${what} / cat`, scan('--root', tree, '--deep'), shell('cat'), 5);
  compare(`${what} / grep -c BEGIN`, scan('--root', tree, '--deep'), shell('grep -c BEGIN'), 5);
  rmSync(tree, { recursive: true });
}

try {
  console.log(`Node ${process.version}, ${RUNS} runs in turn, medians\n`);
  const bare = [NODE, '-e', '0'];
  const ten = tenStores();
  compare('scan of this machine / node -e 0', scan(), bare);
  compare('scan of a root with ten stores / node -e 0', scan('--root', ten), bare);
  if (has('trust')) {
    // On Debian, p11-kit reads this one file.
    const home = join(work, 'trust');
    const bundle = '/etc/ssl/certs/ca-certificates.crt';
    write(join(home, bundle), readFileSync(bundle));
    compare('list of one PEM bundle / trust list', list('--root', home), ['trust', 'list']);
  }
  if (has('certutil')) {
    const home = join(work, 'nss');
    const db = join(home, 'root/.pki/nssdb');
    mkdirSync(db, { recursive: true });
    spawnSync('certutil', ['-N', '-d', `sql:${db}`, '--empty-password']);
    rootCertificates.forEach((pem, i) => {
      spawnSync('certutil', ['-A', '-d', `sql:${db}`, '-n', `root ${i}`, '-t', 'C,,', '-a'], { input: pem });
    });
    compare('list of one NSS database / certutil -L', list('--root', home), [
      'certutil',
      '-L',
      '-d',
      `sql:${db}`,
    ]);
  }
  if (has('keytool')) {
    const home = join(work, 'java');
    const store = join(home, 'usr/lib/jvm/java/lib/security/cacerts');
    mkdirSync(join(store, '..'), { recursive: true });
    rootCertificates.slice(0, 20).forEach((pem, i) => {
      spawnSync(
        'keytool',
        ['-importcert', '-noprompt', '-alias', `r${i}`, '-keystore', store, '-storepass', 'changeit'],
        { input: pem },
      );
    });
    const keytool = ['keytool', '-list', '-keystore', store, '-storepass', 'changeit'];
    compare('list of one Java keystore / keytool -list', list('--root', home), keytool, 7);
  }
  benchThroughput();
  benchDeep();
} finally {
  rmSync(work, { recursive: true, force: true });
}
