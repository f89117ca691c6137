/**
 * Keeps the blocklist consistent.
 *
 *   node scripts/blocklist.mjs [folder]          rewrites the file digests in manifest.json
 *   node scripts/blocklist.mjs --check [folder]  lints; one line per problem, exit code 1 if there is any
 */

import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const options = process.argv.slice(2);
const root =
  options.find((option) => !option.startsWith('--')) ??
  fileURLToPath(new URL('../blocklists', import.meta.url));
const problems = [];

const BASE64 = '[A-Za-z0-9+/=]';
const PEM = new RegExp(
  `^-----BEGIN CERTIFICATE-----\\n((?:${BASE64}{64}\\n)*${BASE64}{1,64}\\n)-----END CERTIFICATE-----\\n$`,
);

if (options.includes('--check')) check();
else writeManifest();

function problem(file, text) {
  problems.push(`${file}: ${text}`);
}

/** Files the manifest covers, as paths below the root with forward slashes. */
function coveredFiles() {
  const inFolder = (folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  const files = [...inFolder('advisories'), ...inFolder('certificates'), 'root-programs.json'];
  return files.toSorted((a, b) => (a < b ? -1 : 1));
}

function writeManifest() {
  const path = join(root, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  manifest.files = Object.fromEntries(coveredFiles().map((file) => [file, digest(file)]));
  writeFileSync(path, toJson(manifest));
  console.log(`${coveredFiles().length} digests written to manifest.json`);
}

function digest(file) {
  return hash('sha256', readFileSync(join(root, file)), 'hex');
}

function toJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function check() {
  const validators = compileSchemas();
  const manifest = readJson('manifest.json', validators.manifest);
  const programs = readJson('root-programs.json', validators['root-programs']);
  const files = coveredFiles();
  const advisories = files
    .filter((file) => file.startsWith('advisories/'))
    .map((file) => ({ file, advisory: readJson(file, validators.advisory) }))
    .filter(({ advisory }) => advisory !== undefined);

  if (manifest) checkDigests(manifest, files);
  checkUnique(advisories);
  for (const { file, advisory } of advisories) checkAdvisory(file, advisory, programs);
  checkCertificateFiles(files, advisories);

  for (const line of problems) console.error(line);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(summaryOf(manifest, advisories, files));
}

function compileSchemas() {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false });
  addFormats(ajv);
  const schema = (name) => JSON.parse(readFileSync(join(root, `schema/${name}.schema.json`), 'utf8'));
  const names = ['advisory', 'manifest', 'root-programs'];
  return Object.fromEntries(names.map((name) => [name, ajv.compile(schema(name))]));
}

/** The file's value when it has the right shape; otherwise undefined, and the problems are noted. */
function readJson(file, validate) {
  let value;
  const text = readFileSync(join(root, file), 'utf8');
  try {
    value = JSON.parse(text);
  } catch (error) {
    return problem(file, `not JSON: ${error.message}`);
  }
  if (text !== toJson(value)) problem(file, 'not in the standard form (2 spaces, one newline at the end)');
  if (validate(value)) return value;
  for (const error of validate.errors) {
    // What is missing from every alternative is said once, by the alternative's own error.
    if (error.schemaPath.includes('/anyOf/')) continue;
    const detail = error.params.additionalProperty ?? error.params.allowedValues?.join(', ') ?? '';
    const what =
      error.keyword === 'anyOf'
        ? 'cannot be identified: needs sha256, sha1, spkiSha256, or issuer with serialNumber'
        : error.message + (detail && ` (${detail})`);
    problem(file, `${error.instancePath || '/'} ${what}`);
  }
  return undefined;
}

function checkDigests(manifest, files) {
  for (const file of files) {
    if (!(file in manifest.files)) problem('manifest.json', `${file} is not listed`);
    else if (manifest.files[file] !== digest(file)) problem('manifest.json', `wrong digest for ${file}`);
  }
  for (const file of Object.keys(manifest.files)) {
    if (!files.includes(file)) problem('manifest.json', `${file} is listed but missing`);
  }
}

function checkUnique(advisories) {
  const seen = new Map();
  const claim = (file, kind, value) => {
    if (value === undefined) return;
    const key = `${kind} ${value}`;
    if (seen.has(key)) problem(file, `${key} is already in ${seen.get(key)}`);
    else seen.set(key, file);
  };
  for (const { file, advisory } of advisories) {
    claim(file, 'advisory', advisory.id);
    for (const { id, sha256 } of advisory.certificates) {
      claim(file, 'certificate', id);
      claim(file, 'sha256', sha256);
    }
    for (const { id } of advisory.names) claim(file, 'name rule', id);
  }
}

function checkAdvisory(file, advisory, programs) {
  if (basename(file) !== `${advisory.id}.json`) problem(file, `id is "${advisory.id}"`);
  if (advisory.certificates.length + advisory.names.length === 0) problem(file, 'lists nothing');
  const lowAtMost = ['info', 'low'].includes(advisory.severity);
  for (const certificate of advisory.certificates) {
    const { id, sha256, distrustedBy } = certificate;
    const limitedOnly =
      distrustedBy.length > 0 && distrustedBy.every(({ action }) => action.endsWith('-limited'));
    if (!lowAtMost && certificate.stillShippedBy) problem(file, `${id} is still shipped, so low at most`);
    if (!lowAtMost && limitedOnly) problem(file, `${id} has date or purpose limits only, so low at most`);
    if (!lowAtMost && programs?.roots[sha256]) problem(file, `${id} is trusted today, so low at most`);
    if (programs?.windowsRequired.includes(sha256)) problem(file, `${id} is required by Windows`);
  }
  for (const { id, attributes } of advisory.names) {
    for (const pattern of Object.values(attributes)) checkPattern(file, id, pattern);
  }
}

function checkPattern(file, id, pattern) {
  try {
    if (new RegExp(`^(?:${pattern})$`, 'u').test('')) problem(file, `${id}: matches an empty value`);
  } catch (error) {
    return problem(file, `${id}: ${error.message}`);
  }
  if (pattern !== pattern.toLowerCase()) problem(file, `${id}: pattern is not lower case`);
  if (/\(\?(?!:)|\\[1-9]/.test(pattern)) problem(file, `${id}: look-around or back-reference`);
  if (hasNestedQuantifier(pattern)) problem(file, `${id}: nested quantifier`);
}

/** True for a repeated group that itself repeats or chooses, as in (a+)+ or (a|aa)*: exponential on hostile names. */
function hasNestedQuantifier(pattern) {
  const tokens = pattern.match(/\\.|\[(?:\\.|[^\]])*\]|\(\?:|[^]/gu) ?? [];
  const groups = [{ varies: false }];
  for (const [index, token] of tokens.entries()) {
    const current = groups[groups.length - 1];
    if (token === '(' || token === '(?:') groups.push({ varies: false });
    else if (['*', '+', '?', '{', '|'].includes(token)) current.varies = true;
    else if (token === ')') {
      groups.pop();
      if (current.varies && ['*', '+', '{'].includes(tokens[index + 1])) return true;
      if (current.varies) groups[groups.length - 1].varies = true;
    }
  }
  return false;
}

function checkCertificateFiles(files, advisories) {
  const expected = new Set();
  for (const { file, advisory } of advisories) {
    for (const certificate of advisory.certificates) {
      const pem = `certificates/${certificate.sha256}.pem`;
      const there = certificate.sha256 !== undefined && existsSync(join(root, pem));
      if (there) expected.add(pem);
      if (certificate.pem && !there) problem(file, `${certificate.id}: pem is true but there is no ${pem}`);
      if (!certificate.pem && there) problem(file, `${certificate.id}: pem is false but there is ${pem}`);
      if (there) checkPem(file, certificate, pem);
    }
  }
  for (const file of files) {
    if (file.startsWith('certificates/') && !expected.has(file)) problem(file, 'belongs to no advisory');
  }
}

function checkPem(file, certificate, pem) {
  const text = readFileSync(join(root, pem), 'utf8');
  const match = PEM.exec(text);
  if (!match) return problem(pem, 'not one plain PEM block with lines of 64 characters');
  const der = Buffer.from(match[1], 'base64');
  const fields = tbsFields(der);
  if (!fields) return problem(pem, 'not a certificate');
  const actual = {
    sha256: hash('sha256', der, 'hex'),
    sha1: hash('sha1', der, 'hex'),
    spkiSha256: hash('sha256', fields.spki, 'hex'),
    serialNumber: fields.serialNumber,
  };
  for (const [field, value] of Object.entries(actual)) {
    if (certificate[field] !== value) problem(file, `${certificate.id}: ${field} of ${pem} is ${value}`);
  }
}

/** Serial number and SubjectPublicKeyInfo of a certificate (RFC 5280, section 4.1), or undefined. */
function tbsFields(der) {
  const outer = readElement(der, 0);
  const tbs = outer.end === der.length ? readElement(der, outer.content) : undefined;
  if (!tbs) return undefined;
  const fields = [];
  for (let at = tbs.content; at < tbs.end; at = fields[fields.length - 1].end)
    fields.push(readElement(der, at));
  if (fields[0]?.tag === 0xa0) fields.shift(); // [0] version, absent in v1
  const [serial, , , , , spki] = fields;
  if (!spki) return undefined;
  const serialHex = der.toString('hex', serial.content, serial.end);
  return {
    serialNumber: serialHex.replace(/^(?:00)+(?=..)/, ''),
    spki: der.subarray(spki.start, spki.end),
  };
}

function readElement(der, start) {
  const first = der[start + 1] ?? 0;
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
  const content = start + 2 + lengthOctets;
  const length = lengthOctets === 0 ? first : Number.parseInt(der.toString('hex', start + 2, content), 16);
  return { tag: der[start], start, content, end: Math.min(content + length || der.length, der.length) };
}

function summaryOf(manifest, advisories, files) {
  const certificates = advisories.flatMap(({ advisory }) => advisory.certificates);
  const rules = advisories.flatMap(({ advisory }) => advisory.names);
  const pems = files.filter((file) => file.startsWith('certificates/'));
  const counts = `${advisories.length} advisories, ${certificates.length} certificates and keys`;
  return `blocklist ${manifest.version}: ${counts}, ${pems.length} PEM files, ${rules.length} name rules`;
}
