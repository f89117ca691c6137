/**
 * The plan as an Ansible playbook: files are compared by their SHA-256 before anything changes, commands are lists of
 * words, and check mode tells what would change. `--tags undo` runs the second play, which puts everything back.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import type { RemovalPlan } from '../report/removal-plan.ts';
import { wrapped, type Script, type ScriptFile, type ScriptInput, type ScriptStep } from './script.ts';
import { name, yamlText, type Yaml } from './yaml-text.ts';

type Task = { readonly [key: string]: Yaml };
type Edit = Extract<ScriptStep, { kind: 'edit' }>;
type Run = Extract<ScriptStep, { kind: 'run' }>;

const BACKUP = '{{ rootaudit_backup }}';

export function refuseAnsible({ target }: RemovalPlan): string | undefined {
  if (target.kind === 'image') return 'An image is changed by a Dockerfile: --script dockerfile.';
  if (target.kind === 'live' && target.platform === 'win32') return 'On Windows take --script powershell.';
  return undefined;
}

interface Context {
  readonly script: Script;
  /** Host path of a path of the target. */
  readonly at: (path: string) => string;
  /** Reads standard input. */
  readonly sum: string;
}

export function ansiblePlaybook(script: Script, { plan, root }: ScriptInput): string {
  const { heading, byHand, elevated } = script;
  const sum = plan.target.platform === 'darwin' ? 'shasum -a 256' : 'sha256sum';
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
    plays.map((play) => yamlText([play])).join('\n\n'),
    '',
  ].join('\n');
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

function command(argv: readonly Yaml[], more: Task = {}): Task {
  return { 'ansible.builtin.command': { argv, ...more } };
}

function statTasks(files: readonly ScriptFile[], { at }: Context): Task[] {
  return files.map(({ number, path }) => ({
    name: `Look at file ${number}`,
    'ansible.builtin.stat': { path: name(at(path)), checksum_algorithm: 'sha256', follow: false },
    register: `rootaudit_file_${number}`,
  }));
}

/** Jinja that is true while the file has this SHA-256; for null, while there is none. */
function holds({ number }: ScriptFile, hash: string | null): string {
  const stat = `rootaudit_file_${number}.stat`;
  return hash === null ? `not ${stat}.exists` : `${stat}.checksum | default('') == '${hash}'`;
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

function markerOf(number: number): string {
  return `${BACKUP}/done-${number}`;
}

function applyTasks(context: Context): Yaml {
  const { files, steps } = context.script;
  const edits = steps.filter((step) => step.kind === 'edit');
  const tasks: Task[] = [
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
    ...files.filter(({ before }) => before !== null).map((file) => ({
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

function stepTasks(step: ScriptStep, context: Context): Task[] {
  const { at } = context;
  const title = titleOf(step);
  switch (step.kind) {
    case 'delete':
      return [
        {
          name: title,
          'ansible.builtin.file': { path: name(at(step.file.path)), state: 'absent' },
          when: holds(step.file, step.before),
        },
      ];
    case 'cut':
      return [cutTask(step, title, context)];
    case 'write':
      return writeTasks(step, title, context);
    case 'edit':
      return [editTask(step, title, context)];
    case 'run':
      return runTasks(step, title);
  }
}

/** Ansible takes the names of tasks for templates. */
function titleOf({ number, text, kind }: ScriptStep): string {
  const isPlain = /^[\w ./-]+$/.test(text) && text.length < 100;
  return `Step ${number}, ${isPlain ? text : kind}`;
}

/** The words of this are constant; what is the target's comes as arguments. */
function cutProgram(sum: string): string {
  return [
    'set -eu',
    'path=$1 after=$2',
    'shift 2',
    'new=$path.rootaudit',
    'cp -p -- "$path" "$new"',
    ': > "$new"',
    'while [ $# -gt 0 ]; do',
    '  if [ "$2" = all ]; then tail -c "+$1" < "$path" >> "$new"',
    '  else tail -c "+$1" < "$path" | head -c "$2" >> "$new"',
    '  fi',
    '  shift 2',
    'done',
    `if [ "$(${sum} < "$new")" != "$after  -" ]; then`,
    '  rm -f -- "$new"',
    '  exit 1',
    'fi',
    'mv -f -- "$new" "$path"',
    '',
  ].join('\n');
}

function cutTask(step: Extract<ScriptStep, { kind: 'cut' }>, title: string, { at, sum }: Context): Task {
  const kept = step.kept.flatMap(({ start, end }) => [String(start + 1), end === undefined ? 'all' : String(end - start)]);
  const words = ['sh', '-c', cutProgram(sum), 'sh', name(at(step.file.path)), step.after ?? '', ...kept];
  return { name: title, ...command(words, { creates: NEVER }), when: holds(step.file, step.before) };
}

/** Nothing makes this: check mode then tells that the command would be run. */
const NEVER = `${BACKUP}/never`;

const MAX_ARGUMENT = 30_000;

function writeTasks(step: Extract<ScriptStep, { kind: 'write' }>, title: string, { at }: Context): Task[] {
  const { file, before, content, mode } = step;
  const path = at(file.path);
  const text = Buffer.from(content).toString('utf8');
  const when = `not (${holds(file, step.after)})`;
  const stat = `rootaudit_file_${file.number}.stat`;
  if (!Buffer.from(text, 'utf8').equals(content)) {
    if (content.length > MAX_ARGUMENT) {
      throw new RootauditError(`a playbook cannot hold the new content of ${visible(file.path)}`, 'Take --script sh.');
    }
    const octal = Array.from(content, (byte) => String.raw`\0` + byte.toString(8).padStart(3, '0')).join('');
    const program = 'umask 077; new=$1.rootaudit; { test ! -e "$1" || cp -p -- "$1" "$new"; } && printf %b "$2" > "$new" && mv -f -- "$new" "$1"';
    return [{ name: title, ...command(['sh', '-c', program, 'sh', name(path), octal], { creates: NEVER }), when }];
  }
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  const directory: Task = {
    name: `Make the directory for step ${step.number}`,
    'ansible.builtin.file': { path: name(parent), state: 'directory', mode: '0755' },
  };
  const parentStat: Task = {
    name: `Look for the directory for step ${step.number}`,
    'ansible.builtin.stat': { path: name(parent) },
    register: `rootaudit_parent_${step.number}`,
  };
  return [
    ...(before === null
      ? [
          parentStat,
          { ...directory, when: `not rootaudit_parent_${step.number}.stat.exists` },
          {
            name: `Note that the directory for step ${step.number} was made`,
            'ansible.builtin.copy': { content: 'made\n', dest: `${BACKUP}/made-${step.number}`, mode: '0600' },
            when: [`not rootaudit_parent_${step.number}.stat.exists`, 'not ansible_check_mode'],
          },
        ]
      : []),
    {
      name: title,
      'ansible.builtin.copy': {
        content: name(text),
        dest: name(path),
        mode: before === null ? `0${mode.toString(8)}` : `{{ ${stat}.mode }}`,
      },
      when: before === null ? when : [when, `${stat}.exists`],
    },
  ];
}

function editTask(step: Edit, title: string, { at }: Context): Task {
  const { number, files, runs, placeholder } = step;
  const place = `${BACKUP}/edit-${number}`;
  const single = step.directory ? undefined : files.find(({ file }) => file.path === step.path)?.name;
  const copy = single === undefined ? `${place}/copies` : `${place}/copies/${single}`;
  const block: Task[] = [
    ...['', '/copies', '/home'].map((directory) => ({
      name: `Make a directory to work in${directory === '' ? '' : `, ${directory.slice(1)}`}`,
      'ansible.builtin.file': { path: `${place}${directory}`, state: 'directory', mode: '0700' },
    })),
    ...files.map(({ file, name: copyName }) => ({
      name: `Copy file ${file.number} to work on`,
      ...command(['cp', '--', name(at(file.path)), `${place}/copies/${copyName}`]),
      changed_when: true,
    })),
    ...runs.map((argv, index) => ({
      name: `Run ${index + 1} on the copy`,
      ...command(
        argv.map((word) => withPlace(word, placeholder, copy)),
        { chdir: `${place}/copies` },
      ),
      environment: { HOME: `${place}/home`, LC_ALL: 'C.UTF-8' },
      when: 'not ansible_check_mode',
      changed_when: true,
      // Words may hold the password of a keystore.
      ...(argv.some((word) => /pass/i.test(word)) && { no_log: true }),
    })),
    ...files.map(({ file, name: copyName }) => ({
      name: `Put file ${file.number} in place`,
      'ansible.builtin.copy': {
        src: `${place}/copies/${copyName}`,
        dest: name(at(file.path)),
        remote_src: true,
        mode: `{{ rootaudit_file_${file.number}.stat.mode }}`,
      },
      when: 'not ansible_check_mode',
    })),
    ...markTasks(number),
  ];
  return { name: title, when: `not rootaudit_done_${number}.stat.exists`, block };
}

function markTasks(number: number): Task[] {
  return [
    {
      name: `Note that step ${number} is done`,
      'ansible.builtin.copy': { content: 'done\n', dest: markerOf(number), mode: '0600' },
      when: 'not ansible_check_mode',
    },
  ];
}

/** A word with the path of the copy in it; what else is in it is no template. */
function withPlace(word: string, placeholder: string, copy: string): Yaml {
  if (!word.includes(placeholder)) return name(word);
  const parts = word.split(placeholder);
  if (!parts.some((part) => /[{}]/.test(part))) return parts.join(copy);
  const literals = parts.map((part) => `'${part.replaceAll(/[^A-Za-z0-9 _./:=-]/g, jinjaEscape)}'`);
  const [variable, rest] = [`rootaudit_backup`, copy.slice(BACKUP.length)];
  return `{{ ${literals.join(` ~ ${variable} ~ '${rest}' ~ `)} }}`;
}

function jinjaEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function runTasks({ number, argv }: Run, title: string): Task[] {
  return [
    { name: title, ...command(argv.map(name), { creates: markerOf(number) }) },
    ...markTasks(number),
  ];
}

function undoTasks(context: Context): Yaml {
  const { files, steps } = context.script;
  const runs = steps.filter((step) => step.kind === 'run');
  const edits = steps.filter((step) => step.kind === 'edit');
  const back = files.toReversed();
  const tasks: Task[] = [
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
        ...steps.flatMap((step) => (step.kind === 'write' && step.before === null ? [unmakeTask(step, context)] : [])),
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
    ...command(['rmdir', '--', name(path.slice(0, path.lastIndexOf('/')) || '/')], { removes: `${BACKUP}/made-${number}` }),
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
