import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openBlocklist } from '../../src/blocklist/load.ts';
import { createMatcher } from '../../src/match/matcher.ts';
import { createPrograms } from '../../src/match/programs.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import type { WatchEvent, WatchRecord } from '../../src/watch/event.ts';
import { Watch, type WatchInput } from '../../src/watch/watch.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const [one, two, three, bad] = ['One', 'Two', 'Three', 'Bad'].map((CN) =>
  makeCertificate({ subject: { CN } }),
);
if (!one || !two || !three || !bad) throw new Error('no certificates');
const many = makeCertificate({ subject: { CN: 'Many' } });

const BLOCKLIST = openBlocklist(
  writeBlocklist(makeTemporaryDirectory(), {
    advisories: [advisory({ id: 'bad', severity: 'high', certificates: [blocked(bad, { id: 'bad' })] })],
    certificates: [bad.der],
    programs: { roots: { [one.sha256]: ['mozilla'] } },
  }),
);
const RULES = {
  stores: STORE_TYPES,
  read: { storePasswords: [] },
  matcher: createMatcher(BLOCKLIST.compiled, {
    unverifiedNames: false,
    blockedCertificate: (fingerprint) => BLOCKLIST.certificate(fingerprint),
  }),
  programs: createPrograms(BLOCKLIST.compiled),
};

const LOCAL = '/usr/local/share/ca-certificates';
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const machine = (): string =>
  makeTree({ '/etc/ca-certificates.conf': '', [`${LOCAL}/one.crt`]: one.pem, [BUNDLE]: one.pem });

const running: { readonly watch: Watch; readonly done: Promise<void> }[] = [];
afterEach(async () => {
  for (const { watch } of running) watch.stop();
  await Promise.all(running.splice(0).map(({ done }) => done));
});

interface Watched {
  readonly watch: Watch;
  readonly first: WatchRecord;
  /** Everything so far, a line each: "root-trusted CN=Two debian-local-anchors". */
  readonly told: string[];
  readonly events: WatchEvent[];
  /** Until a line is there; with a generous limit. */
  readonly until: (line: string | RegExp, times?: number) => Promise<void>;
}

const lineOf = (event: WatchEvent): string => {
  if ('problem' in event) return `problem ${event.problem.path}`;
  const { type, store } = event;
  return 'certificate' in event
    ? `${type} ${event.certificate.subject} ${store.type}`
    : `${type} ${store.type}`;
};

async function watchRoot(root: string, input: Partial<WatchInput> = {}): Promise<Watched> {
  const told: string[] = [];
  const events: WatchEvent[] = [];
  let wake = (): void => {};
  let begin: (record: WatchRecord) => void = () => {};
  const began = new Promise<WatchRecord>((resolve) => {
    begin = resolve;
  });
  const watch = new Watch({
    open: (observer) => Promise.resolve(openDirectory(root, observer)),
    rules: RULES,
    tool: { name: 'rootaudit', version: '0' },
    blocklist: { version: '1', digest: '' },
    interval: 3_600_000,
    initial: false,
    began: begin,
    happened: (event) => {
      told.push(lineOf(event));
      events.push(event);
      wake();
    },
    // Quicker than in earnest.
    pace: { quiet: 60, longest: 400, rest: 1 },
    ...input,
  });
  const done = watch.run();
  running.push({ watch, done });
  const until = async (line: string | RegExp, times = 1): Promise<void> => {
    const isThere = (): boolean =>
      told.filter((each) => (typeof line === 'string' ? each === line : line.test(each))).length >= times;
    const limit = Date.now() + 20_000;
    while (!isThere()) {
      if (Date.now() > limit) throw new Error(`${String(line)} did not come, but ${told.join(', ')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  return { watch, first: await Promise.race([began, done.then(() => began)]), told, events, until };
}

/** A change that comes after what was tested, so that "nothing happened" can be waited for. */
async function mark(root: string, { until }: Watched): Promise<void> {
  writeFileSync(join(root, LOCAL, 'mark.crt'), three?.pem ?? '');
  await until('root-trusted CN=Three debian-local-anchors');
}

describe('Watch', () => {
  it('begins with what is watched, and takes what is there for granted', async () => {
    const root = machine();
    const watched = await watchRoot(root);
    expect(watched.first).toMatchObject({
      type: 'watching',
      complete: true,
      stores: 3,
      trusted: 1,
      problems: 0,
    });
    await mark(root, watched);
    expect(watched.told).toEqual(['root-trusted CN=Three debian-local-anchors']);
  });

  it('tells of a root that is written', async () => {
    const root = machine();
    const { until, told, events } = await watchRoot(root);
    writeFileSync(join(root, LOCAL, 'bad.crt'), bad.pem);
    await until(/CN=Bad/);
    expect(told).toEqual(['root-trusted CN=Bad debian-local-anchors']);
    expect(events[0]).toMatchObject({
      schemaVersion: 1,
      type: 'root-trusted',
      target: { kind: 'directory', reference: root, platform: 'linux' },
      certificate: { sha256: bad.sha256, subject: 'CN=Bad', notAfter: '2049-12-31T23:59:59Z' },
      severity: 'high',
      findings: [{ advisory: 'bad', severity: 'high', match: 'certificate', stillShippedBy: [] }],
      store: { id: `debian-local-anchors:${LOCAL}`, type: 'debian-local-anchors', scope: 'system' },
      path: `${LOCAL}/bad.crt`,
      before: { trust: 'absent', purposes: [] },
      after: { trust: 'trusted' },
      everywhere: true,
    });
    expect(events[0]).not.toHaveProperty('unrecognised');
  });

  it('says when no programme ships the root', async () => {
    const root = machine();
    const { until, events } = await watchRoot(root);
    writeFileSync(join(root, BUNDLE), one.pem + two.pem);
    await until(/CN=Two/);
    expect(events[0]).toMatchObject({ severity: 'info', unrecognised: true, findings: [] });
  });

  it.each<[string, (root: string) => void, string[]]>([
    [
      'a file that is renamed into place',
      (root) => {
        writeFileSync(join(root, LOCAL, '.two.tmp'), two.pem);
        renameSync(join(root, LOCAL, '.two.tmp'), join(root, LOCAL, 'two.crt'));
      },
      ['root-trusted CN=Two debian-local-anchors'],
    ],
    [
      'a bundle that is replaced atomically',
      (root) => {
        writeFileSync(join(root, `${BUNDLE}.new`), one.pem + two.pem);
        renameSync(join(root, `${BUNDLE}.new`), join(root, BUNDLE));
      },
      ['root-trusted CN=Two debian-bundle'],
    ],
    [
      'a directory that is replaced',
      (root) => {
        const directory = join(root, LOCAL);
        mkdirSync(`${directory}.new`);
        writeFileSync(join(`${directory}.new`, 'one.crt'), one.pem);
        writeFileSync(join(`${directory}.new`, 'two.crt'), two.pem);
        renameSync(directory, `${directory}.old`);
        renameSync(`${directory}.new`, directory);
      },
      ['root-trusted CN=Two debian-local-anchors'],
    ],
    [
      'a directory far above that is replaced',
      (root) => {
        renameSync(join(root, 'usr'), join(root, 'usr.old'));
        mkdirSync(join(root, LOCAL), { recursive: true });
        writeFileSync(join(root, LOCAL, 'one.crt'), one.pem);
        writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
      },
      ['root-trusted CN=Two debian-local-anchors'],
    ],
    [
      'a link that leads elsewhere now',
      (root) => {
        mkdirSync(join(root, 'srv'));
        writeFileSync(join(root, 'srv/two.pem'), two.pem);
        symlinkSync('/srv/two.pem', join(root, LOCAL, 'two.crt'));
      },
      ['root-trusted CN=Two debian-local-anchors'],
    ],
    [
      'a file that is moved aside and written anew, as logs are rotated',
      (root) => {
        renameSync(join(root, BUNDLE), join(root, `${BUNDLE}.1`));
        writeFileSync(join(root, BUNDLE), one.pem + two.pem);
      },
      ['root-trusted CN=Two debian-bundle', 'root-trusted CN=Two debian-bundle'],
    ],
  ])('sees %s', async (_what, act, expected) => {
    const root = machine();
    const { until, told } = await watchRoot(root);
    act(root);
    await until(/CN=Two/);
    expect(new Set(told)).toEqual(new Set(expected));
  });

  it('keeps watching what was replaced', async () => {
    const root = machine();
    const { until, watch } = await watchRoot(root);
    const directory = join(root, LOCAL);
    for (const [round, certificate] of [two, three, bad].entries()) {
      const next = `${directory}.${round}`;
      mkdirSync(next);
      writeFileSync(join(next, 'x.crt'), certificate.pem);
      rmSync(directory, { recursive: true });
      renameSync(next, directory);
      await until(new RegExp(`root-trusted CN=${['Two', 'Three', 'Bad'][round]}`));
    }
    await until('root-removed CN=Three debian-local-anchors');
    expect(watch.counts.watched + watch.counts.polled).toBeGreaterThan(3);
  });

  it('tells once of a bundle that is written in pieces', async () => {
    const root = machine();
    const { until, told } = await watchRoot(root, { pace: { quiet: 300, longest: 600, rest: 1 } });
    const text = one.pem + two.pem;
    writeFileSync(join(root, BUNDLE), '');
    for (let at = 0; at < text.length; at += 100) {
      appendFileSync(join(root, BUNDLE), text.slice(at, at + 100));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(/CN=Two/);
    expect(told).toEqual(['root-trusted CN=Two debian-bundle']);
  });

  it('looks once more after a look in the middle of changes', async () => {
    const root = machine();
    // The first look always comes before things have been quiet.
    const { until, told } = await watchRoot(root, { pace: { quiet: 400, longest: 100, rest: 1 } });
    unlinkSync(join(root, LOCAL, 'one.crt'));
    writeFileSync(join(root, BUNDLE), '');
    await until('root-removed CN=One debian-local-anchors');
    expect(told).toContain('root-removed CN=One debian-bundle');
  });

  it('sees a directory that comes in place of a file', async () => {
    const root = machine();
    rmSync(join(root, LOCAL), { recursive: true });
    writeFileSync(join(root, LOCAL), 'no directory');
    const { until } = await watchRoot(root);
    unlinkSync(join(root, LOCAL));
    mkdirSync(join(root, LOCAL));
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    await until('root-trusted CN=Two debian-local-anchors');
  });

  it('tells of a root that is gone, and of a store that vanishes and appears again', async () => {
    const root = machine();
    const { until, told } = await watchRoot(root);
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    await until('root-trusted CN=Two debian-local-anchors');
    unlinkSync(join(root, LOCAL, 'two.crt'));
    await until('root-removed CN=Two debian-local-anchors');
    unlinkSync(join(root, BUNDLE));
    await until('store-vanished debian-bundle');
    writeFileSync(join(root, BUNDLE), one.pem);
    await until('store-appeared debian-bundle');
    // Others trust it all the time, and it is an ordinary root.
    expect(told.filter((line) => line.includes('CN=One'))).toEqual([]);
  });

  it('tells of listed roots in a store that appears, although others trust them already', async () => {
    const root = machine();
    writeFileSync(join(root, LOCAL, 'bad.crt'), bad.pem);
    const { until, events } = await watchRoot(root);
    mkdirSync(join(root, 'etc/docker/certs.d/example.org'), { recursive: true });
    writeFileSync(join(root, 'etc/docker/certs.d/example.org/ca.crt'), bad.pem + one.pem);
    await until(/^root-trusted CN=Bad/);
    const [store, trusted, ...others] = events;
    expect(store).toMatchObject({ type: 'store-appeared', trusted: 2 });
    expect(trusted).toMatchObject({ certificate: { subject: 'CN=Bad' }, everywhere: false });
    expect(others).toEqual([]);
  });

  it('tells when trust changes without anything coming or going', async () => {
    const root = makeTree({
      '/etc/ca-certificates.conf': 'x.crt\n',
      '/usr/share/ca-certificates/x.crt': two.pem,
    });
    const { until } = await watchRoot(root);
    writeFileSync(join(root, 'etc/ca-certificates.conf'), '!x.crt\n');
    await until('root-removed CN=Two debian-ca-certificates');
    writeFileSync(join(root, 'etc/ca-certificates.conf'), 'x.crt\n');
    await until('root-trusted CN=Two debian-ca-certificates');
  });

  it('tells of a problem, and does not take what cannot be read for gone', async () => {
    const root = machine();
    const watched = await watchRoot(root);
    const { until, told } = watched;
    const file = join(root, LOCAL, 'one.crt');
    writeFileSync(file, `${one.pem.slice(0, 300)}\n`);
    await until(`problem ${LOCAL}/one.crt`);
    writeFileSync(file, one.pem);
    await mark(root, watched);
    expect(told).toEqual([`problem ${LOCAL}/one.crt`, 'root-trusted CN=Three debian-local-anchors']);
  });

  it('tells of what really went from a store that could never be read whole', async () => {
    const root = machine();
    writeFileSync(join(root, LOCAL, 'junk.crt'), 'junk');
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    const { first, until, told } = await watchRoot(root);
    expect(first).toMatchObject({ complete: false, problems: 1 });
    unlinkSync(join(root, LOCAL, 'two.crt'));
    await until('root-removed CN=Two debian-local-anchors');
    expect(told).toHaveLength(1);
  });

  it('waits for a root directory that is taken away', async () => {
    const root = machine();
    const watched = await watchRoot(root, { interval: 200, places: { pollEvery: 50 } });
    renameSync(root, `${root}.away`);
    await watched.until(`problem ${root}`);
    renameSync(`${root}.away`, root);
    await mark(root, watched);
    expect(watched.told).toEqual([`problem ${root}`, 'root-trusted CN=Three debian-local-anchors']);
  });

  it('follows a link to another root', async () => {
    const [a, b] = [machine(), machine()];
    writeFileSync(join(b, LOCAL, 'two.crt'), two.pem);
    const link = join(makeTemporaryDirectory(), 'current');
    symlinkSync(a, link);
    const { until } = await watchRoot(link, { places: { pollEvery: 50 } });
    symlinkSync(b, `${link}.new`);
    renameSync(`${link}.new`, link);
    await until('root-trusted CN=Two debian-local-anchors');
  });

  it('takes a thousand files at once', async () => {
    const root = machine();
    let looks = 0;
    const { until, told } = await watchRoot(root, {
      open: (observer) => {
        looks++;
        return Promise.resolve(openDirectory(root, observer));
      },
    });
    for (let i = 0; i < 1000; i++)
      writeFileSync(join(root, LOCAL, `${i}.crt`), i === 777 ? two.pem : many.pem);
    await until(/CN=Two/);
    await until(/CN=Many/);
    expect(told).toHaveLength(2);
    // At the start, for the new files, and perhaps in the middle of the writing.
    expect(looks).toBeLessThan(15);
  });

  it('does not look again for files that nobody reads', async () => {
    const root = machine();
    let looks = 0;
    const watched = await watchRoot(root, {
      open: (observer) => {
        looks++;
        return Promise.resolve(openDirectory(root, observer));
      },
    });
    await mark(root, watched);
    const before = looks;
    for (let i = 0; i < 200; i++) {
      // The directory is listed, and these come and go.
      writeFileSync(join(root, LOCAL, `.${i}.swp`), 'x');
      unlinkSync(join(root, LOCAL, `.${i}.swp`));
      writeFileSync(join(root, 'etc/motd'), String(i));
    }
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    await watched.until(/CN=Two/);
    expect(looks - before).toBeLessThan(8);
  });

  it('notices everything by looking where the system gives no events', async () => {
    const root = machine();
    const failing = (): never => {
      throw Object.assign(new Error('no more watchers'), { code: 'ENOSPC' });
    };
    const { until, watch } = await watchRoot(root, { places: { watch: failing, pollEvery: 40 } });
    expect(watch.counts.watched).toBe(0);
    expect(watch.counts.polled).toBeGreaterThan(5);
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    await until('root-trusted CN=Two debian-local-anchors');
    writeFileSync(join(root, BUNDLE), one.pem + three.pem);
    await until('root-trusted CN=Three debian-bundle');
    renameSync(join(root, LOCAL), join(root, `${LOCAL}.old`));
    await until('root-removed CN=Two debian-local-anchors');
    renameSync(join(root, `${LOCAL}.old`), join(root, LOCAL));
    await until('root-trusted CN=Two debian-local-anchors', 2);
  });

  it('looks at everything after the interval, whatever the events say', async () => {
    const root = machine();
    const { until } = await watchRoot(root, {
      interval: 150,
      places: {
        watch: () => {
          throw new Error('no watchers');
        },
        pollEvery: 3_600_000,
      },
    });
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    await until('root-trusted CN=Two debian-local-anchors');
  });

  it('looks at everything when it is told to', async () => {
    const root = machine();
    const watched = await watchRoot(root, {
      places: {
        watch: () => {
          throw new Error('no watchers');
        },
        pollEvery: 3_600_000,
      },
    });
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    watched.watch.rescan();
    await watched.until('root-trusted CN=Two debian-local-anchors');
  });

  it.skipIf(process.getuid?.() === 0)('tells of a file that may not be read', async () => {
    const root = machine();
    const { until } = await watchRoot(root);
    chmodSync(join(root, BUNDLE), 0);
    await until(`problem ${BUNDLE}`);
  });

  it.runIf(process.platform === 'linux')('lets go of what is no longer there', async () => {
    const root = machine();
    const watched = await watchRoot(root);
    await mark(root, watched);
    const [handles, descriptors] = [inotifyWatches(), openDescriptors()];
    for (let round = 1; round <= 5; round++) {
      mkdirSync(join(root, LOCAL, `deep${round}/er`), { recursive: true });
      writeFileSync(join(root, LOCAL, `deep${round}/er/two.crt`), two.pem);
      await watched.until('root-trusted CN=Two debian-local-anchors', round);
      rmSync(join(root, LOCAL, `deep${round}`), { recursive: true });
      await watched.until('root-removed CN=Two debian-local-anchors', round);
    }
    expect(inotifyWatches()).toBeLessThanOrEqual(handles);
    expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
    watched.watch.stop();
    await running.at(-1)?.done;
    expect(watched.watch.counts).toEqual({ watched: 0, polled: 0 });
  });

  it('tells what is there at the start, of what is worth telling', async () => {
    const root = machine();
    writeFileSync(join(root, LOCAL, 'bad.crt'), bad.pem);
    writeFileSync(join(root, LOCAL, 'two.crt'), two.pem);
    writeFileSync(join(root, LOCAL, 'junk.crt'), 'junk');
    const { told, events } = await watchRoot(root, { initial: true });
    expect(told.toSorted()).toEqual([
      `problem ${LOCAL}/junk.crt`,
      'root-trusted CN=Bad debian-local-anchors',
      'root-trusted CN=Two debian-local-anchors',
      'store-appeared debian-bundle',
      'store-appeared debian-bundle',
      'store-appeared debian-local-anchors',
    ]);
    expect(events.every(({ initial }) => initial === true)).toBe(true);
  });
});

/** Of this process: each watched directory is a line in what the kernel tells of the descriptor. */
function inotifyWatches(): number {
  return readdirSync('/proc/self/fd')
    .filter((fd) => linkOf(fd) === 'anon_inode:inotify')
    .flatMap((fd) => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').split('\n'))
    .filter((line) => line.startsWith('inotify ')).length;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
