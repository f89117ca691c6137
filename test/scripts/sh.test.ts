import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { a, b, REMOVAL_CASES } from '../support/removal-cases.ts';
import { treeAt } from '../support/removal.ts';
import { makeRoot, type TestRoot } from '../support/root.ts';
import { planOn, scriptFor } from '../support/scripts.ts';
import { runShell, savedScript, SHELLS } from '../support/shells.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const going = [a.sha256, b.sha256];
const [shell] = SHELLS;
if (!shell) throw new Error('no shell');

const possible = REMOVAL_CASES.filter(({ needs = true }) => needs);

function made({ files, prepare }: (typeof REMOVAL_CASES)[number]): TestRoot {
  const root = makeRoot(files());
  prepare?.(root);
  return root;
}

/** Applied, applied again, undone: by the whole tree with owners, modes and times to the nanosecond. */
async function expectThereAndBack(root: TestRoot, by = shell): Promise<void> {
  if (!by) return;
  const before = treeAt(root.path);
  const script = savedScript(await scriptFor('sh', root.target, going));
  const backup = makeTemporaryDirectory();
  const first = runShell(by, script, [], { backup });
  // The update tools of a distribution are not in these roots.
  const isWhole = !first.output.includes('NOT DONE');
  expect(first).toMatchObject({ status: isWhole ? 0 : 1 });
  const after = treeAt(root.path);
  expect(after).not.toEqual(before);
  const { stores } = planOn(root.target, going).plan;
  if (isWhole) expect(stores.filter(({ method }) => method !== 'hand')).toEqual([]);

  const second = runShell(by, script, [], { backup });
  expect(second.output).not.toMatch(/\d\. (?:deleted|wrote|cut|changed)/);
  expect(second.status).toBe(first.status);
  expect(treeAt(root.path)).toEqual(after);

  expect(runShell(by, script, ['undo'], { backup })).toMatchObject({ status: 0 });
  expect(treeAt(root.path)).toEqual(before);
  expect(runShell(by, script, ['undo'], { backup }).output).toContain('nothing to undo');
}

describe('a script for sh', () => {
  it.each(possible)('empties $store, again changes nothing, and puts everything back', (each) =>
    expectThereAndBack(made(each)),
  );
});

const COMBINED = new Set(['rhel-anchors', 'chrome-policy', 'chrome-user', 'nss-user']);

describe.each(SHELLS.slice(1))('a script in $name', (other) => {
  it('does and undoes what one in the first shell does', async () => {
    const cases = possible.filter(({ store }) => COMBINED.has(store));
    const root = makeRoot(Object.assign({}, ...cases.map(({ files }) => files())));
    for (const { prepare } of cases) prepare?.(root);
    await expectThereAndBack(root, other);
  });
});

const FILE = '/etc/firefox/policies/policies.json';
const LOCAL = '/usr/local/share/ca-certificates';
const policies = possible.find(({ store }) => store === 'firefox-policy');

describe('a script for sh that finds something else than was planned for', () => {
  const place = async (): Promise<{ root: TestRoot; script: string; backup: string }> => {
    if (!policies) throw new Error('no such case');
    const root = made(policies);
    const script = savedScript(await scriptFor('sh', root.target, going));
    return { root, script, backup: makeTemporaryDirectory() };
  };

  it.each<readonly [string, (root: TestRoot) => void, RegExp]>([
    [
      'changed',
      (root) => writeFileSync(root.at(FILE), 'x'),
      /is not the file that this script was written for/,
    ],
    ['deleted', (root) => rmSync(root.at(FILE)), /is not the file that this script was written for/],
    [
      'a link',
      (root) => {
        rmSync(root.at(FILE));
        symlinkSync('/etc/passwd', root.at(FILE));
      },
      /is a link now/,
    ],
    [
      'behind a link',
      (root) => {
        rmSync(root.at('/etc/firefox'), { recursive: true });
        mkdirSync(root.at('/elsewhere/policies'), { recursive: true });
        symlinkSync('/elsewhere', root.at('/etc/firefox'));
      },
      /is a link now/,
    ],
    [
      'a directory',
      (root) => {
        rmSync(root.at(FILE));
        mkdirSync(root.at(FILE));
      },
      /is not the file that this script was written for/,
    ],
  ])('stops in words and touches nothing when the file is %s', async (_is, change, message) => {
    const { root, script, backup } = await place();
    change(root);
    const before = treeAt(root.path);
    const ran = runShell(shell, script, [], { backup });
    expect(ran.status).toBe(1);
    expect(ran.output).toMatch(message);
    expect(treeAt(root.path)).toEqual(before);
  });

  it('does not put back over what somebody changed since', async () => {
    const { root, script, backup } = await place();
    expect(runShell(shell, script, [], { backup }).status).toBe(0);
    writeFileSync(root.at(FILE), 'mine');
    expect(runShell(shell, script, ['undo'], { backup }).status).toBe(1);
    expect(readFileSync(root.at(FILE), 'utf8')).toBe('mine');
  });

  it('changes nothing at all when a later file is not as planned', async () => {
    const root = makeRoot({ [`${LOCAL}/a.crt`]: a.pem, [`${LOCAL}/b.crt`]: b.pem });
    const script = savedScript(await scriptFor('sh', root.target, going));
    writeFileSync(root.at(`${LOCAL}/b.crt`), 'x');
    const before = treeAt(root.path);
    expect(runShell(shell, script, [], { backup: makeTemporaryDirectory() }).status).toBe(1);
    expect(treeAt(root.path)).toEqual(before);
  });

  it('does nothing for words that it does not know', async () => {
    const { root, script, backup } = await place();
    const before = treeAt(root.path);
    expect(runShell(shell, script, ['help'], { backup })).toMatchObject({ status: 2 });
    expect(treeAt(root.path)).toEqual(before);
  });

  it('knows a file that is already as it should be, whoever made it so', async () => {
    const { root, script } = await place();
    expect(runShell(shell, script, [], { backup: makeTemporaryDirectory() }).status).toBe(0);
    const after = treeAt(root.path);
    const again = runShell(shell, script, [], { backup: makeTemporaryDirectory() });
    expect(again.output).toContain('Nothing was left to do.');
    expect(treeAt(root.path)).toEqual(after);
  });

  it('says so when the copy that it would put back is damaged', async () => {
    const { root, script, backup } = await place();
    expect(runShell(shell, script, [], { backup }).status).toBe(0);
    const after = treeAt(root.path);
    const [id] = /(?<=script_id=)\w+/.exec(readFileSync(script, 'utf8')) ?? [];
    writeFileSync(join(backup, `script-${id}`, 'files', '1'), 'x');
    const undone = runShell(shell, script, ['undo'], { backup });
    expect(undone.status).toBe(1);
    expect(undone.output).toContain('is damaged');
    expect(treeAt(root.path)).toEqual(after);
  });
});
