/** For fish. */

import type { CompletedCommand, CompletedOption, CompletedProgram, CompletedValue } from './model.ts';

export function fishScript({ options, commands }: CompletedProgram): string {
  const lines = [
    '# fish completion for rootaudit, made by: rootaudit completion fish',
    '',
    'complete -c rootaudit -f',
    ...options.map((option) => optionLine('__fish_use_subcommand', option)),
    ...commands.map(
      ({ name, description }) =>
        `complete -c rootaudit -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ),
    ...commands.flatMap(commandLines),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines({ name, options, arguments: [first] }: CompletedCommand): readonly string[] {
  const condition = quoted(`__fish_seen_subcommand_from ${name}`);
  return [
    '',
    ...(first ? [`complete -c rootaudit -n ${condition}${candidates(first)}`] : []),
    ...options.map((option) => optionLine(condition, option)),
  ];
}

function optionLine(condition: string, { names, description, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  // What may be left out is not taken for a value.
  const kind = value && !value.isOptional ? ` -r${candidates(value)}` : '';
  return `complete -c rootaudit -n ${condition} ${flags.join(' ')}${kind} -d ${quoted(description)}`;
}

function candidates({ words, paths, wordsTakeFile }: CompletedValue): string {
  const list = paths === 'directories' ? [...words, '(__fish_complete_directories)'] : words;
  const files = paths === 'files' || wordsTakeFile ? ' -F' : ' -f';
  return `${files}${list.length === 0 ? '' : ` -a ${quoted(list.join(' '))}`}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
