/**
 * The plan as an Ansible playbook: files are compared by their SHA-256 before anything changes, commands are lists of
 * words, and check mode tells what would change. `--tags undo` runs the second play, which puts everything back.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import type { RemovalPlan } from '../report/removal-plan.ts';
import { BACKUP, command, holds, markerOf, stepTasks, type Context, type Task } from './ansible-tasks.ts';
import { wrapped, type Script, type ScriptFile, type ScriptInput, type ScriptStep } from './script.ts';
import { name, yamlText, type Yaml } from './yaml-text.ts';

export function refuseAnsible({ target }: RemovalPlan): string | undefined {
  if (target.kind === 'image') return 'An image is changed by a Dockerfile: --script dockerfile.';
  if (target.kind === 'live' && target.platform === 'win32') return 'On Windows take --script powershell.';
  return undefined;
}

export function ansiblePlaybook(script: Script, { plan, root }: ScriptInput): string {
  const { heading, byHand, elevated } = script;
  const sum = plan.target.platform === 'darwin' ? 'shasum -a 256' : 'sha256sum';
  for (const path of [root, ...script.files.map((file) => file.path)]) refuseVariables(path);
  const context: Context = { script, at: (path) => root + path, sum };
  const needsRoot = elevated || plan.target.kind !== 'live';
  const plays = [
    { name: 'Take roots out of the trust stores', ...playOf(script, needsRoot), tasks: applyTasks(context) },
    {
      name: 'Put everything back',
      ...playOf(script, needsRoot),
      tags: ['never', 'undo'],
      tasks: undoTasks(context),
    },
  ];
  return [
    '---',
    ...heading.map((line) => `# ${line}`.trimEnd()),
    ...byHand.flatMap((line) => wrapped(`By hand: ${line}`)).map((line) => `# ${line}`),
    '#',
    '#   ansible-playbook SCRIPT.yml                does it; a second run changes nothing',
    '#   ansible-playbook SCRIPT.yml --check        tells what it would do',
    '#   ansible-playbook SCRIPT.yml --tags undo    puts everything back',
    '#',
    '# For ansible-core 2.16 or later. It is for all hosts of the inventory, or for those in rootaudit_hosts.',
    plays.map((play) => yamlText([play])).join('\n\n'),
    '',
  ].join('\n');
}

/** Its modules put variables into every path, and nothing tells them not to. */
function refuseVariables(path: string): void {
  if (!/\$[\w{]/.test(path)) return;
  throw new RootauditError(
    `Ansible would take a part of ${visible(path)} for a variable`,
    'Take --script sh.',
  );
}

function playOf({ id }: Script, needsRoot: boolean): Task {
  const place = `rootaudit/ansible-${id}`;
  return needsRoot
    ? {
        hosts: "{{ rootaudit_hosts | default('all') }}",
        become: true,
        gather_facts: false,
        vars: { rootaudit_backup: `/var/backups/${place}` },
      }
    : {
        hosts: "{{ rootaudit_hosts | default('all') }}",
        gather_facts: true,
        gather_subset: ['!all', '!min', 'env'],
        vars: { rootaudit_backup: `{{ ansible_facts['env']['HOME'] }}/.local/state/${place}` },
      };
}

function statTasks(files: readonly ScriptFile[], { at }: Context): Task[] {
  return files.map(({ number, path }) => ({
    name: `Look at file ${number}`,
    'ansible.builtin.stat': { path: name(at(path)), checksum_algorithm: 'sha256', follow: false },
    register: `rootaudit_file_${number}`,
  }));
}

function expectTasks({ script: { files, steps } }: Context): Task[] {
  return files.map((file) => {
    const edits = steps.filter(
      (step) => step.kind === 'edit' && step.files.some((each) => each.file.number === file.number),
    );
    const after = file.after === undefined ? [] : [holds(file, file.after)];
    const done = edits.map(({ number }) => `rootaudit_done_${number}.stat.exists`);
    return {
      name: `Stop unless file ${file.number} is the one that this was written for`,
      'ansible.builtin.assert': {
        that: [[holds(file, file.before), ...after, ...done].map((each) => `(${each})`).join(' or ')],
        fail_msg: name(`${visible(file.path)} is not the file that this was written for; it was not touched`),
        quiet: true,
      },
    };
  });
}

/** `command` learned in 2.16 to leave `$NAME` in an argument alone. */
const VERSION_TASK: Task = {
  name: 'Stop where Ansible is too old',
  'ansible.builtin.assert': {
    that: ["ansible_version.full is version('2.16', '>=')"],
    fail_msg: 'This playbook needs ansible-core 2.16 or later; nothing was touched',
    quiet: true,
  },
};

function applyTasks(context: Context): Yaml {
  const { files, steps } = context.script;
  const edits = steps.filter((step) => step.kind === 'edit');
  const tasks: Task[] = [
    VERSION_TASK,
    ...statTasks(files, context),
    ...edits.map(({ number }) => ({
      name: `See whether step ${number} was done`,
      'ansible.builtin.stat': { path: markerOf(number) },
      register: `rootaudit_done_${number}`,
    })),
    ...expectTasks(context),
    {
      name: 'Make a directory for copies',
      'ansible.builtin.file': { path: BACKUP, state: 'directory', mode: '0700' },
    },
    ...files
      .filter(({ before }) => before !== null)
      .map((file) => ({
        name: `Copy file ${file.number}`,
        ...command(['cp', '-p', '--', name(context.at(file.path)), `${BACKUP}/${file.number}`], {
          creates: `${BACKUP}/${file.number}`,
        }),
        when: holds(file, file.before),
      })),
    ...forgetTasks(steps),
    ...steps.flatMap((step) => stepTasks(step, context)),
  ];
  return tasks;
}

/** Copies are made anew whenever a source changes. */
function forgetTasks(steps: readonly ScriptStep[]): Task[] {
  const due = steps.flatMap((step) => {
    if (step.kind === 'run') return [];
    if (step.kind === 'edit') return [`(not rootaudit_done_${step.number}.stat.exists)`];
    return [`(${holds(step.file, step.before)})`];
  });
  if (due.length === 0) return [];
  return steps
    .filter((step) => step.kind === 'run' && step.regenerates)
    .map(({ number }) => ({
      name: `See that step ${number} is done anew`,
      'ansible.builtin.file': { path: markerOf(number), state: 'absent' },
      when: due.join(' or '),
    }));
}

function undoTasks(context: Context): Yaml {
  const { files, steps } = context.script;
  const runs = steps.filter((step) => step.kind === 'run');
  const edits = steps.filter((step) => step.kind === 'edit');
  const back = files.toReversed();
  const tasks: Task[] = [
    VERSION_TASK,
    {
      name: 'Look for copies',
      'ansible.builtin.stat': { path: BACKUP },
      register: 'rootaudit_copies',
    },
    {
      name: 'Put back what was changed',
      when: 'rootaudit_copies.stat.exists',
      block: [
        ...statTasks(files, context),
        ...edits.map(({ number }) => ({
          name: `See whether step ${number} was done`,
          'ansible.builtin.stat': { path: markerOf(number) },
          register: `rootaudit_done_${number}`,
        })),
        ...expectTasks(context),
        ...runs.toReversed().flatMap(({ number, undo }) =>
          undo.map((argv, index) => ({
            name: `Undo step ${number}, ${index + 1}`,
            ...command(argv.map(name), { removes: markerOf(number) }),
          })),
        ),
        ...back.map((file) => restoreTask(file, context)),
        ...steps.flatMap((step) =>
          step.kind === 'write' && step.before === null ? [unmakeTask(step, context)] : [],
        ),
        ...runs
          .filter(({ regenerates }) => regenerates)
          .map((run) => ({
            name: `Run step ${run.number} again`,
            ...command(run.argv.map(name), { removes: markerOf(run.number) }),
          })),
        {
          name: 'Forget what was done',
          'ansible.builtin.file': { path: BACKUP, state: 'absent' },
        },
      ],
    },
  ];
  return tasks;
}

function unmakeTask({ number, file }: Extract<ScriptStep, { kind: 'write' }>, { at }: Context): Task {
  const path = at(file.path);
  return {
    name: `Delete the directory that was made for step ${number}, when it is empty`,
    ...command(['rmdir', '--', name(path.slice(0, path.lastIndexOf('/')) || '/')], {
      removes: `${BACKUP}/made-${number}`,
    }),
    failed_when: false,
  };
}

function restoreTask(file: ScriptFile, { at }: Context): Task {
  const path = name(at(file.path));
  const title = `Put file ${file.number} back`;
  if (file.before === null) {
    return { name: title, 'ansible.builtin.file': { path, state: 'absent' } };
  }
  const copy = `${BACKUP}/${file.number}`;
  return {
    name: title,
    ...command(['cp', '-p', '--', copy, path], { removes: copy }),
    when: `not (${holds(file, file.before)})`,
  };
}
