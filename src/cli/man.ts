/**
 * The manual pages, from the same definitions as --help: `npm run docs` writes them to docs/man. In the macros of
 * man(7), which every system has.
 */

import type { Command, Option } from 'commander';
import { defaultOf, detailsOf } from './help.ts';
import { valuesOf } from './values.ts';

export interface ManPage {
  /** "rootaudit-scan.1" */
  readonly file: string;
  readonly text: string;
}

export function manPages(program: Command, version: string): readonly ManPage[] {
  return [
    { file: 'rootaudit.1', text: programPage(program, version) },
    ...commandsOf(program).map((command) => ({
      file: `rootaudit-${command.name()}.1`,
      text: commandPage(program, command, version),
    })),
  ];
}

function commandsOf(program: Command): readonly Command[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help');
}

function programPage(program: Command, version: string): string {
  const commands = commandsOf(program);
  return page([
    heading('rootaudit', version),
    section('NAME', [`rootaudit \\- ${roff('find the root certificates that must not be trusted')}`]),
    section('SYNOPSIS', ['.B rootaudit', `.I command`, '.RI [ options ]']),
    section('DESCRIPTION', [roff(program.description()), ...paragraphs(detailsOf(program).about)]),
    section(
      'COMMANDS',
      commands.flatMap((command) => [
        '.TP',
        `.BR rootaudit\\-${roff(command.name())} (1)`,
        roff(command.description()),
      ]),
    ),
    section('OPTIONS', optionLines(program)),
    section('ENVIRONMENT', environmentLines([program, ...commands])),
    section('FILES', FILES),
    section('EXIT STATUS', [
      ...tagged('0', 'clean, or done'),
      ...tagged('1', 'something was found that must go'),
      ...tagged('2', 'wrong usage, or it could not be done'),
      ...tagged('3', 'nothing was found, but not everything could be read'),
    ]),
    section('EXAMPLES', exampleLines(program)),
    section(
      'SEE ALSO',
      commands.map(
        (command, index) =>
          `.BR rootaudit\\-${roff(command.name())} (1)${index < commands.length - 1 ? ',' : ''}`,
      ),
    ),
  ]);
}

function commandPage(program: Command, command: Command, version: string): string {
  const name = `rootaudit-${command.name()}`;
  const { about, exitCodes = [] } = detailsOf(command);
  const usage = program.createHelp().commandUsage(command).split(' ').slice(2).join(' ');
  return page([
    heading(name, version),
    section('NAME', [`${roff(name)} \\- ${roff(command.description())}`]),
    section('SYNOPSIS', [`.B rootaudit ${roff(command.name())}`, roff(usage)]),
    section('DESCRIPTION', [roff(`${capital(command.description())}.`), ...paragraphs(about)]),
    section('OPTIONS', optionLines(command)),
    section(
      'EXIT STATUS',
      exitCodes.flatMap(([code, meaning]) => tagged(String(code), meaning)),
    ),
    section('ENVIRONMENT', environmentLines([command])),
    section('EXAMPLES', exampleLines(command)),
    section('SEE ALSO', ['.BR rootaudit (1)']),
  ]);
}

function page(parts: readonly string[]): string {
  const comment = String.raw`.\" Made by: npm run docs`;
  return `${[comment, ...parts.filter((part) => part !== '')].join('\n')}\n`;
}

/** Without a date: the version says how old it is, and the page stays the same until something changes. */
function heading(name: string, version: string): string {
  return `.TH ${roff(name.toUpperCase())} 1 "" "rootaudit ${version}" "User Commands"\n.nh\n.ad l`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`.SH ${title}`, ...lines].join('\n');
}

function paragraphs(texts: readonly string[] = []): readonly string[] {
  return texts.flatMap((text) => ['.PP', roff(text)]);
}

function tagged(tag: string, text: string): readonly string[] {
  return ['.TP', `.B ${roff(tag)}`, roff(text)];
}

function optionLines(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => ['.TP', `.B ${roff(option.flags)}`, roff(optionText(option))]);
}

function optionText(option: Option): string {
  const { words } = valuesOf(option);
  const preset = defaultOf(option);
  return [
    `${capital(option.description)}.`,
    ...(words === undefined ? [] : [`One of ${words.join(', ')}.`]),
    ...(preset === undefined ? [] : [`Default: ${preset}.`]),
    ...(option.envVar === undefined ? [] : [`Environment: ${option.envVar}.`]),
  ].join(' ');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** What is no option of ours. */
const COMMON_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['NO_COLOR', 'When not empty, no colour.'],
  ['FORCE_COLOR, CLICOLOR_FORCE', 'Colour also into a pipe. FORCE_COLOR=0 and CLICOLOR=0: none.'],
  ['COLUMNS', 'How wide tables and help may be.'],
  ['LC_ALL, LC_CTYPE, LANG, TERM', 'Whether the terminal understands more than ASCII.'],
];

/** Of commands that can ask other computers. */
const PROXY_VARIABLES: typeof COMMON_VARIABLES = [
  ['HTTPS_PROXY', 'The proxy for registries and webhooks: http://[USER:PASSWORD@]HOST:PORT, or https://.'],
  [
    'NO_PROXY',
    'Hosts that need no proxy, with commas between them: example.com, .example.com, 10.0.0.0/8, example.com:5000 or *. This computer never needs one.',
  ],
];
const ASKING = new Set(['--plain-http', '--webhook']);

function environmentLines(commands: readonly Command[]): readonly string[] {
  const options = commands.flatMap((command) => command.createHelp().visibleOptions(command));
  const names = new Map(
    options.flatMap(({ envVar, long }) => (envVar === undefined ? [] : [[envVar, long ?? '']])),
  );
  const asks = options.some(({ long }) => ASKING.has(long ?? ''));
  const own = Array.from(names).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    roff(
      'An option on the command line goes before its variable, that before the policy, and that before the default. An empty variable counts as none, and what one asks for that this command does not have is passed over.',
    ),
    ...own.flatMap(([name, long]) => tagged(name, `The same as ${long}.`)),
    ...[...(asks ? PROXY_VARIABLES : []), ...COMMON_VARIABLES].flatMap(([name, meaning]) =>
      tagged(name, meaning),
    ),
  ];
}

const FILES = tagged(
  'rootaudit.yaml',
  'The policy, in the working directory or above it; rootaudit init writes one.',
);

function exampleLines(command: Command): readonly string[] {
  const { examples = [] } = detailsOf(command);
  return examples.flatMap(([line, purpose]) => [
    '.TP',
    `.B $ ${roff(line)}`,
    purpose === '' ? '\\&' : roff(`${capital(purpose)}${/[.?]$/.test(purpose) ? '' : '.'}`),
  ]);
}

/** Text that means nothing to the formatter; a hyphen stays one that can be copied. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll(/(^|\s)\./g, '$1\\&.')
    .replaceAll(/([.?!]) (?=[A-Z])/g, '$1\n');
}
