/** For PowerShell 5.1 and later. Where the script has nothing to say, PowerShell completes names of files. */

import type { CompletedCommand, CompletedOption, CompletedProgram } from './model.ts';

export function powershellScript({ options, commands }: CompletedProgram): string {
  return `# PowerShell completion for rootaudit, made by: rootaudit completion powershell

Register-ArgumentCompleter -Native -CommandName rootaudit -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $commands = [ordered]@{
${commands.map(({ name, description }) => `        ${quoted(name)} = ${quoted(description)}`).join('\n')}
    }
    $options = @{
${[{ name: '', options }, ...commands].map(optionTable).join('\n')}
    }
    $values = @{
${[...valueLines('', options), ...commands.flatMap(({ name, options: own }) => valueLines(name, own))].join('\n')}
    }
    $arguments = @{
${commands.flatMap(argumentLine).join('\n')}
    }
    $command = ''
    $previous = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $text = $element.Extent.Text
        if ($command -eq '' -and $previous -ne '--color' -and -not $text.StartsWith('-')) { $command = $text }
        $previous = $text
    }
    $found = [ordered]@{}
    if ($values.ContainsKey("$command $previous")) {
        foreach ($word in $values["$command $previous"]) { $found[$word] = $word }
    } elseif ($wordToComplete.StartsWith('-')) {
        if ($options.ContainsKey($command)) { $found = $options[$command] }
    } elseif ($command -eq '') {
        $found = $commands
    } elseif ($arguments.ContainsKey($command)) {
        foreach ($word in $arguments[$command]) { $found[$word] = $word }
    }
    foreach ($word in $found.Keys) {
        if ($word.StartsWith($wordToComplete, [StringComparison]::OrdinalIgnoreCase)) {
            [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $found[$word])
        }
    }
}
`;
}

function optionTable({ name, options }: Pick<CompletedCommand, 'name' | 'options'>): string {
  const lines = options.flatMap(({ names, description }) =>
    names
      .filter((each) => each.startsWith('--'))
      .map((each) => `            ${quoted(each)} = ${quoted(description)}`),
  );
  return [`        ${quoted(name)} = [ordered]@{`, ...lines, '        }'].join('\n');
}

function valueLines(command: string, options: readonly CompletedOption[]): readonly string[] {
  return options.flatMap(({ names, value }) =>
    value && value.words.length > 0
      ? names.map((name) => `        ${quoted(`${command} ${name}`)} = ${list(value.words)}`)
      : [],
  );
}

function argumentLine({ name, arguments: [first] }: CompletedCommand): readonly string[] {
  return first && first.words.length > 0 ? [`        ${quoted(name)} = ${list(first.words)}`] : [];
}

function list(words: readonly string[]): string {
  return `@(${words.map(quoted).join(', ')})`;
}

/** Nothing in it is expanded. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
