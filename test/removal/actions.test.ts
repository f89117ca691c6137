/** Each kind of action on real files: what it leaves, what it refuses, and that an undo leads back exactly. */

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Action } from '../../src/core/remediation.ts';
import { Removal, RemovalInterrupted } from '../../src/removal/apply.ts';
import { listJournals } from '../../src/removal/journal.ts';
import { undo } from '../../src/removal/undo.ts';
import { setAttributes, treeAt } from '../support/removal.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const isRoot = process.getuid?.() === 0;
const posix = process.platform !== 'win32';

const hash = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

const A = 'one\ntwo\nthree\n';
const FILES: Readonly<Record<string, string>> = {
  '/etc/a.pem': A,
  '/etc/b.pem': 'bee\n',
  '/db/cert9.db': 'certificates',
  '/db/key4.db': 'keys',
};

interface Case {
  readonly actions: readonly Action[];
  /** Path to content after it; null for none. */
  readonly leaves: Readonly<Record<string, string | null>>;
}

const sh = (script: string, ...args: readonly string[]): readonly string[] => ['sh', '-c', script, ...args];

const edit = (
  path: string,
  argv: readonly string[],
  more: Partial<Extract<Action, { kind: 'edit' }>> = {},
): Action => ({
  kind: 'edit',
  path,
  directory: false,
  files: [{ path, sha256: hash(FILES[path] ?? '') }],
  argv,
  ...more,
});

const a = A;

function followedBy(
  ...afterwards: readonly (readonly string[])[]
): Partial<Extract<Action, { kind: 'edit' }>> {
  return { afterwards };
}

const database = ['/db/cert9.db', '/db/key4.db'].map((path) => ({ path, sha256: hash(FILES[path] ?? '') }));

const cases: Readonly<Record<string, Case>> = {
  'delete takes a file away': {
    actions: [{ kind: 'delete', path: '/etc/a.pem', sha256: hash(a) }],
    leaves: { '/etc/a.pem': null },
  },
  'cut takes bytes out, in several places': {
    actions: [
      {
        kind: 'cut',
        path: '/etc/a.pem',
        sha256: hash(a),
        ranges: [
          { start: 0, end: 4 },
          { start: 8, end: 14 },
        ],
      },
    ],
    leaves: { '/etc/a.pem': 'two\n' },
  },
  'write gives a file another content': {
    actions: [
      { kind: 'write', path: '/etc/a.pem', sha256: hash(a), content: Buffer.from('new'), mode: 0o600 },
    ],
    leaves: { '/etc/a.pem': 'new' },
  },
  'write makes a file, and the directories above it': {
    actions: [
      { kind: 'write', path: '/etc/new/deep/x.pem', sha256: null, content: Buffer.from('x'), mode: 0o644 },
    ],
    leaves: { '/etc/new/deep/x.pem': 'x' },
  },
  'edit lets a tool work on a copy of a file': {
    actions: [edit('/etc/a.pem', sh('grep -v two "$1" > "$1.new"; mv "$1.new" "$1"', 'sh', '{}'))],
    leaves: { '/etc/a.pem': 'one\nthree\n' },
  },
  'edit runs several tools on the same copy, and heeds another placeholder': {
    actions: [
      edit('/etc/a.pem', sh('echo "{}" >> "$1"', 'sh', '<file>'), {
        placeholder: '<file>',
        ...followedBy(sh('test -s "$1"', 'sh', '<file>'), sh('echo 4 >> "$1"', 'sh', '<file>')),
      }),
    ],
    leaves: { '/etc/a.pem': `${a}{}\n4\n` },
  },
  'edit works on several files of a directory, and what the tool makes besides does not stay': {
    actions: [
      edit('/db', sh('cd "$1"; echo more >> cert9.db; rm key4.db; echo x > pkcs11.txt', 'sh', '{}'), {
        directory: true,
        files: database,
      }),
    ],
    leaves: { '/db/cert9.db': 'certificatesmore\n', '/db/key4.db': null, '/db/pkcs11.txt': null },
  },
  'two edits of one file follow each other': {
    actions: [
      edit('/etc/a.pem', sh('echo 4 >> "$1"', 'sh', '{}')),
      edit('/etc/a.pem', sh('echo 5 >> "$1"', 'sh', '{}')),
    ],
    leaves: { '/etc/a.pem': `${a}4\n5\n` },
  },
  'a file that is not UTF-8 by name goes too': {
    actions: [{ kind: 'delete', path: '/etc/caf\udce9.pem', sha256: hash('latin') }],
    leaves: {},
  },
};

interface Here {
  readonly root: string;
  readonly base: string;
  readonly perform: (actions: readonly Action[], fault?: (point: string) => void) => Promise<Removal>;
  readonly undo: (force?: boolean) => ReturnType<typeof undo>;
}

function here(): Here {
  const root = makeTree({ ...FILES, '/etc/link.pem': { link: 'a.pem' } });
  writeFileSync(
    Buffer.concat([Buffer.from(`${root}/etc/caf`), Buffer.of(0xe9), Buffer.from('.pem')]),
    'latin',
  );
  chmodSync(join(root, '/etc/a.pem'), 0o640);
  setAttributes(join(root, '/etc/a.pem'), 'kept');
  const base = makeTemporaryDirectory();
  const mounted = { host: root, drives: false };
  return {
    root,
    base,
    perform: async (actions, fault) => {
      const removal = new Removal({
        root: mounted,
        base,
        certificates: [],
        tool: 'test',
        now: new Date(),
        ...(fault && { fault }),
      });
      await removal.perform(actions, () => undefined);
      removal.end(true);
      return removal;
    },
    undo: (force = false) =>
      undo({ directory: listJournals(base)[0]?.directory ?? '', now: new Date(), force }),
  };
}

function contentAt(root: string, path: string): string | null {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null;
}

/** But for the content and the time of what is changed. */
function attributesOf(tree: Readonly<Record<string, string>>, path: string): string[] | undefined {
  const [kind = '', mode = '', owner = '', , ...rest] = tree[path]?.split(' ') ?? [];
  return [kind, mode, owner, ...rest.slice(0, -1)];
}

describe.skipIf(!posix)('an action', () => {
  it.each(Object.entries(cases))('%s, and an undo leads back', async (_name, { actions, leaves }) => {
    const { root, perform, undo } = here();
    const before = treeAt(root, { withAttributes: true });
    await perform(actions);
    for (const [path, content] of Object.entries(leaves)) expect(contentAt(root, path)).toBe(content);
    const after = treeAt(root, { withAttributes: true });
    for (const path of Object.keys(leaves).filter((each) => after[each] && before[each])) {
      expect(attributesOf(after, path)).toEqual(attributesOf(before, path));
    }
    const touched = new Set(actions.flatMap((action) => ('path' in action ? [action.path] : [])));
    const untouched = Object.keys(before).filter(
      (path) => ![...touched].some((each) => each === path || each.startsWith(path) || path.startsWith(each)),
    );
    for (const path of untouched) if (!path.includes('caf')) expect(after[path]).toBe(before[path]);
    await undo();
    expect(treeAt(root, { withAttributes: true })).toEqual(before);
  });

  it('a command of the system runs, and an undo puts back what it changed, made and deleted', async () => {
    const { root, perform, undo } = here();
    const before = treeAt(root);
    const script =
      'cd "$1/etc" && echo more >> a.pem && rm b.pem link.pem && mkdir sub && echo n > sub/new && ln -s x l';
    await perform([
      { kind: 'delete', path: '/db/key4.db', sha256: hash('keys') },
      { kind: 'run', argv: sh(script, 'sh', root), changes: ['/etc', '/made/later'] },
    ]);
    expect(contentAt(root, '/etc/sub/new')).toBe('n\n');
    await undo();
    expect(treeAt(root)).toEqual(before);
  });

  it('an undo runs the commands that bring back what is no file, the last first, and only once', async () => {
    const { root, base, perform, undo } = here();
    const log = join(base, 'log');
    const say = (word: string): readonly string[] => sh('echo "$1" >> "$2"', 'sh', word, log);
    await perform([
      { kind: 'run', argv: say('do 1'), changes: [], undo: [say('undo 1')] },
      { kind: 'delete', path: '/db/key4.db', sha256: hash('keys') },
      { kind: 'run', argv: say('do 2'), changes: [], undo: [say('undo 2a'), say('undo 2b')] },
    ]);
    await undo();
    await undo();
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'do 1',
      'do 2',
      'undo 2a',
      'undo 2b',
      'undo 1',
    ]);
    expect(contentAt(root, '/db/key4.db')).toBe('keys');
  });

  it.skipIf(!isRoot)('what root makes in a home belongs to whom the home belongs', async () => {
    const { root, perform } = here();
    mkdirSync(join(root, 'home/alice'), { recursive: true });
    const { chownSync } = await import('node:fs');
    chownSync(join(root, 'home/alice'), 1001, 1002);
    const path = '/home/alice/.config/x/refused.pem';
    await perform([{ kind: 'write', path, sha256: null, content: Buffer.from('x'), mode: 0o600 }]);
    for (const each of [path, '/home/alice/.config']) {
      const { uid, gid } = lstatSync(join(root, each));
      expect([uid, gid]).toEqual([1001, 1002]);
    }
    expect(lstatSync(join(root, path)).mode & 0o777).toBe(0o600);
  });
});

const drop: Action = { kind: 'delete', path: '/etc/b.pem', sha256: hash('bee\n') };

describe.skipIf(!posix)('before anything is changed', () => {
  const refused: Readonly<Record<string, readonly [RegExp, readonly Action[], ((root: string) => void)?]>> = {
    'a file is no longer the one that was looked at': [
      /changed since/,
      [drop, { kind: 'delete', path: '/etc/a.pem', sha256: hash('other') }],
    ],
    'a file is no longer there': [
      /no longer there/,
      [drop, { kind: 'delete', path: '/etc/c.pem', sha256: hash('') }],
    ],
    'a file is there that must not be': [
      /changed since/,
      [drop, { kind: 'write', path: '/etc/a.pem', sha256: null, content: Buffer.of(), mode: 0o644 }],
    ],
    'a link lies where a file was': [
      /no regular file/,
      [drop, { kind: 'delete', path: '/etc/link.pem', sha256: hash(a) }],
    ],
    'a link leads out of the root': [
      /link/,
      [drop, { kind: 'delete', path: '/out/passwd', sha256: hash('') }],
      (root) => symlinkSync('/etc', join(root, 'out')),
    ],
    'a path leads out of the root': [
      /no path/,
      [drop, { kind: 'delete', path: '/etc/../../../etc/passwd', sha256: hash('') }],
    ],
    'a tool is not installed': [/not installed/, [drop, edit('/etc/a.pem', ['no-such-tool-here', '{}'])]],
    'a tool fails on the copy': [
      /could not change a copy.*: it is broken/,
      [drop, edit('/etc/a.pem', sh('echo "it is broken" >&2; exit 3', 'sh', '{}'))],
    ],
    'a later check of a tool fails': [
      /could not change a copy/,
      [drop, edit('/etc/a.pem', sh('echo x > "$1"', 'sh', '{}'), followedBy(['false']))],
    ],
    'a tool leaves a transaction unfinished': [
      /unfinished/,
      [
        drop,
        edit('/db', sh('echo x > "$1/cert9.db-journal"', 'sh', '{}'), { directory: true, files: database }),
      ],
    ],
    'a plan does not fit the file': [
      /does not fit/,
      [drop, { kind: 'cut', path: '/etc/a.pem', sha256: hash(a), ranges: [{ start: 4, end: 400 }] }],
    ],
    'a command is not installed': [
      /not installed/,
      [drop, { kind: 'run', argv: ['no-such-tool-here'], changes: [] }],
    ],
  };

  it.each(Object.entries(refused))('%s: it stops', async (_name, [message, actions, prepare]) => {
    const { root, base, perform } = here();
    prepare?.(root);
    const before = treeAt(root);
    await expect(perform(actions)).rejects.toThrow(message);
    expect(treeAt(root)).toEqual(before);
    expect(readdirSync(base)).toEqual([]);
  });
});

describe.skipIf(!posix)('in the middle', () => {
  const del: Action = { kind: 'delete', path: '/etc/a.pem', sha256: hash(a) };
  const bee: Action = {
    kind: 'write',
    path: '/etc/b.pem',
    sha256: hash('bee\n'),
    content: Buffer.from('x'),
    mode: 0o644,
  };

  /** Runs `meddle` when the second file is about to be changed. */
  async function interrupted(meddle: (root: string) => void): Promise<Here & { readonly error: unknown }> {
    const it = here();
    let begun = 0;
    const fault = (point: string): void => {
      if (point === 'replacement begun' && ++begun === 2) meddle(it.root);
    };
    const error: unknown = await it.perform([del, bee], fault).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { ...it, error };
  }

  it('somebody changes a file: it stops, says what was done, and the undo leaves that file alone', async () => {
    const { root, error, undo } = await interrupted((root) =>
      writeFileSync(join(root, '/etc/b.pem'), 'theirs'),
    );
    expect(error).toBeInstanceOf(RemovalInterrupted);
    expect(error).toMatchObject({
      message: expect.stringMatching(/changed since/),
      done: ['deleted /etc/a.pem'],
    });
    await undo();
    expect([contentAt(root, '/etc/a.pem'), contentAt(root, '/etc/b.pem')]).toEqual([a, 'theirs']);
  });

  it('somebody puts a link in the place of a directory: nothing outside is touched', async () => {
    const outside = makeTree({ '/b.pem': 'bee\n' });
    const { root, error, undo } = await interrupted((root) => {
      renameSync(join(root, 'etc'), join(root, 'etc.old'));
      symlinkSync(outside, join(root, 'etc'));
    });
    expect(error).toBeInstanceOf(RemovalInterrupted);
    expect(readFileSync(join(outside, 'b.pem'), 'utf8')).toBe('bee\n');
    rmSync(join(root, 'etc'));
    renameSync(join(root, 'etc.old'), join(root, 'etc'));
    await undo();
    expect(contentAt(root, '/etc/a.pem')).toBe(a);
  });

  it('a command fails: what was done before stays, and an undo leads back', async () => {
    const { root, perform, undo } = here();
    const before = treeAt(root);
    const run: Action = {
      kind: 'run',
      argv: sh('rm "$1/etc/b.pem"; echo oops; exit 1', 'sh', root),
      changes: ['/etc'],
    };
    await expect(perform([del, run])).rejects.toThrow(/failed: oops/);
    await undo();
    expect(treeAt(root)).toEqual(before);
  });
});

describe.skipIf(!posix)('an undo', () => {
  const actions: readonly Action[] = [
    { kind: 'delete', path: '/etc/a.pem', sha256: hash(a) },
    { kind: 'write', path: '/etc/n/new.pem', sha256: null, content: Buffer.from('x'), mode: 0o644 },
  ];

  it('changes nothing the second time', async () => {
    const { root, perform, undo } = here();
    await perform(actions);
    expect((await undo()).restored).toBeGreaterThan(0);
    const once = treeAt(root);
    expect((await undo()).restored).toBe(0);
    expect(treeAt(root)).toEqual(once);
  });

  it.each<readonly [string, (root: string) => void, string]>([
    ['put back by hand', (root) => writeFileSync(join(root, '/etc/a.pem'), 'theirs'), '/etc/a.pem'],
    ['changed', (root) => writeFileSync(join(root, '/etc/n/new.pem'), 'theirs'), '/etc/n/new.pem'],
  ])(
    'refuses when a file was %s since, unless it is forced, and keeps it then',
    async (_how, meddle, path) => {
      const { root, base, perform, undo } = here();
      const before = treeAt(root);
      await perform(actions);
      meddle(root);
      await expect(undo()).rejects.toThrow(/changed since the removal/);
      expect(contentAt(root, path)).toBe('theirs');
      const { aside } = await undo(true);
      expect(aside).toEqual([path]);
      expect(treeAt(root)).toEqual(before);
      const kept = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.includes('aside'),
      );
      expect(kept.some((name) => name.endsWith('.pem'))).toBe(true);
    },
  );

  it('leaves alone what came into a directory since', async () => {
    const { root, perform, undo } = here();
    await perform([{ kind: 'run', argv: sh('echo x > "$1/etc/made"', 'sh', root), changes: ['/etc'] }]);
    writeFileSync(join(root, '/etc/theirs.pem'), 'theirs');
    await undo();
    expect([contentAt(root, '/etc/theirs.pem'), contentAt(root, '/etc/made')]).toEqual(['theirs', null]);
  });

  it('refuses a copy that was damaged', async () => {
    const { root, base, perform, undo } = here();
    await perform(actions);
    const copy = readdirSync(base, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('a.pem'),
    );
    writeFileSync(join(base, copy ?? ''), 'damaged');
    await expect(undo()).rejects.toThrow(/damaged/);
    expect(contentAt(root, '/etc/a.pem')).toBe(null);
  });
});
