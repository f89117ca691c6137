/** A program that behaves like 7-Zip, and shows whatever disk a test describes. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDirectory } from './tree.ts';

export interface FakeFile {
  readonly path: string;
  /** Of a directory, nothing. */
  readonly content?: string;
  /** How often the content comes. */
  readonly repeat?: number;
  /** Told instead of the length of the content. */
  readonly size?: number;
  /** The name of a file where the list shows another. */
  readonly real?: string;
  readonly mode?: string;
  readonly link?: string;
  /** Further lines of its block. */
  readonly lines?: readonly string[];
}

export interface FakePartition {
  readonly path: string;
  readonly use: string;
  /** Its first bytes. */
  readonly head: Buffer;
  readonly files: readonly FakeFile[];
}

export interface FakeDisk {
  /** What the program says that it is. */
  readonly banner?: string;
  /** A file system without partitions. */
  readonly files?: readonly FakeFile[];
  readonly partitions?: readonly FakePartition[];
  /** Printed by `l` instead of a list. */
  readonly list?: string;
  /** Printed by `l` without end. */
  readonly endless?: string;
  readonly hangsAt?: 'l' | 'x';
  /** Exit codes. */
  readonly listExit?: number;
  readonly readExit?: number;
  readonly says?: string;
}

export interface FakeTool {
  /** To be the only one in PATH. */
  readonly directory: string;
  /** The arguments of each call. */
  readonly calls: () => readonly (readonly string[])[];
}

const SCRIPT = String.raw`
const fs = require('node:fs');
const path = require('node:path');
const here = __dirname;
const disk = JSON.parse(fs.readFileSync(path.join(here, 'disk.json'), 'utf8'));
const args = process.argv.slice(2);
fs.appendFileSync(path.join(here, 'calls'), JSON.stringify(args) + '\n');
const print = (text) => fs.writeSync(1, text);
const bytes = (text) => Buffer.from(text, 'latin1');
const command = args[0];
if (disk.hangsAt === command) { for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); }
const file = args[args.indexOf('--') + 1];
const number = /partition-(\d+)/.exec(path.basename(file))?.[1];
const files = number === undefined ? disk.files : disk.partitions[number - 1].files;
const names = args.filter((arg) => arg.startsWith('-i!')).map((arg) => arg.slice(3));
if (disk.says) fs.writeSync(2, disk.says);
if (command === 'l') {
  while (disk.endless) print(bytes(disk.endless));
  if (disk.list !== undefined) print(bytes(disk.list));
  else if (files) print(bytes(files.map((each) => [
    'Path = ' + each.path,
    'Folder = ' + (each.content === undefined && each.link === undefined ? '+' : '-'),
    'Size = ' + (each.size ?? (each.content ?? '').length * (each.repeat ?? 1)),
    'Mode = ' + (each.mode ?? ''),
    'Modified = 2026-01-02 03:04:05.000000000',
    'Symbolic Link = ' + (each.link ?? ''),
    ...(each.lines ?? []),
  ].join('\n') + '\n\n').join('')));
  else print(bytes(disk.partitions.map((each) =>
    'Path = ' + each.path + '\nSize = 1048576\nFile System = ' + each.use + '\n\n').join('')));
  process.exit(disk.listExit ?? 0);
}
if (disk.readExit) process.exit(disk.readExit);
const spd = args.includes('-spd');
if (!files) {
  const found = disk.partitions.find((each) => each.path === names[0]);
  const head = Buffer.alloc(1048576);
  Buffer.from(found.head, 'base64').copy(head);
  for (let at = 0; at < head.length;) at += fs.writeSync(1, head, at);
  process.exit(0);
}
const fits = (pattern, name) => spd ? pattern === name
  : pattern.length === name.length && [...pattern].every((c, i) => c === '?' || c === name[i]);
for (const each of files) {
  const real = each.real ?? each.path;
  const name = Buffer.from(real, 'latin1').toString('utf8');
  if (!names.some((pattern) => fits(pattern, name))) continue;
  if (args.includes('-bb1')) fs.writeSync(2, bytes('- ' + each.path + '\n'));
  const content = Buffer.alloc((each.content ?? '').length * (each.repeat ?? 1), each.content ?? '', 'latin1');
  for (let at = 0; at < content.length;) at += fs.writeSync(1, content, at);
}
`;

export function fakeSevenZip(disk: FakeDisk): FakeTool {
  const directory = makeTemporaryDirectory();
  const script = join(directory, 'fake.cjs');
  writeFileSync(script, SCRIPT);
  const partitions = disk.partitions?.map((each) => ({ ...each, head: each.head.toString('base64') }));
  writeFileSync(join(directory, 'disk.json'), JSON.stringify({ ...disk, partitions }));
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const program = join(bin, '7zz');
  const banner = disk.banner ?? '7-Zip (z) 26.02 (x64) : Copyright (c) 1999-2026 Igor Pavlov';
  const version = `if [ $# = 0 ]; then printf '\\n%s\\n' '${banner}'; exit; fi`;
  writeFileSync(program, `#!/bin/sh\n${version}\nexec '${process.execPath}' '${script}' "$@"\n`);
  chmodSync(program, 0o755);
  return {
    directory: bin,
    calls: () =>
      readFileSync(join(directory, 'calls'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => {
          const words: unknown = JSON.parse(line);
          return Array.isArray(words) ? words.map(String) : [];
        }),
  };
}
