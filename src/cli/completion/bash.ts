/** For bash, also the 3.2 of macOS: no associative arrays, and compopt only where it exists. */

import type { CompletedCommand, CompletedOption, CompletedProgram, CompletedValue } from './model.ts';

export function bashScript({ options, commands }: CompletedProgram): string {
  return `# bash completion for rootaudit, made by: rootaudit completion bash

_rootaudit_values() {
  case "$1 $2" in
${[...valueCases('', options), ...commands.flatMap((command) => valueCases(command.name, command.options))].join('\n')}
  *) return 1 ;;
  esac
}

_rootaudit_arguments() {
  case "$1" in
${commands.flatMap(argumentCase).join('\n')}
  *) none=1 ;;
  esac
}

_rootaudit_options() {
  case "$1" in
${commands.map(({ name, options: own }) => `  ${name}) options='${namesOf(own)}' ;;`).join('\n')}
  *) options='${namesOf(options)}' ;;
  esac
}

_rootaudit() {
  local line="\${COMP_LINE:0:COMP_POINT}" word='' command='' previous='' current='' prefix=''
  local words='' paths='' options='' none='' optional='' file
  local -a typed
  COMPREPLY=()
  IFS=$' \\t\\n' read -ra typed <<< "$line"
  case "$line" in *[[:space:]]) typed[\${#typed[@]}]='' ;; esac
  current="\${typed[\${#typed[@]}-1]}"
  for word in "\${typed[@]:1:\${#typed[@]}-2}"; do
    case "$previous" in
    --color) ;;
    *)
      if [ -z "$command" ]; then
        case "$word" in -*) ;; *) command="$word" ;; esac
      fi
      ;;
    esac
    previous="$word"
  done

  case "$current" in
  --*=*)
    previous="\${current%%=*}"
    case "$COMP_WORDBREAKS" in *=*) ;; *) prefix="$previous=" ;; esac
    current="\${current#*=}"
    _rootaudit_values "$command" "$previous" || return 0
    ;;
  *)
    if ! _rootaudit_values "$command" "$previous" || { [ -n "$optional" ] && [ "\${current#-}" != "$current" ]; }; then
      words='' paths='' none=''
      case "$current" in
      -*)
        _rootaudit_options "$command"
        words="$options"
        none=1
        ;;
      *)
        if [ -z "$command" ]; then
          words='${commands.map(({ name }) => name).join(' ')}'
          none=1
        else
          _rootaudit_arguments "$command"
        fi
        ;;
      esac
    fi
    ;;
  esac

  case "$words,$current" in
  *=,*=*) current="\${current#*=}" words='' ;;
  esac
  words="\${words%=}"
  COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "$current"))
  if [ -n "$none" ]; then
    compopt +o default 2> /dev/null
  elif [ "$paths" = directories ]; then
    compopt +o default -o dirnames 2> /dev/null
  elif [ -n "$words" ] && [ -n "$paths" ] && compopt -o filenames 2> /dev/null; then
    while IFS= read -r file; do COMPREPLY[\${#COMPREPLY[@]}]="$prefix$file"; done < <(compgen -f -- "$current")
  fi
  return 0
}

complete -o default -F _rootaudit rootaudit
`;
}

function namesOf(options: readonly CompletedOption[]): string {
  return options.flatMap(({ names }) => names.filter((name) => name.startsWith('--'))).join(' ');
}

function valueCases(command: string, options: readonly CompletedOption[]): readonly string[] {
  return options.flatMap(({ names, value }) =>
    value ? [`  ${names.map((name) => `'${command} ${name}'`).join(' | ')}) ${settings(value)} ;;`] : [],
  );
}

function argumentCase({ name, arguments: [first] }: CompletedCommand): readonly string[] {
  return first ? [`  ${name}) ${settings(first)} ;;`] : [];
}

/** Words that may be followed by a file end with an equals sign. */
function settings({ words, paths, wordsTakeFile, isOptional }: CompletedValue): string {
  const list = words.length === 0 ? '' : words.join(' ') + (wordsTakeFile ? '=' : '');
  const isFree = words.length === 0 && paths === undefined;
  const only = isFree || (words.length > 0 && paths === undefined && !wordsTakeFile);
  return [
    `words='${list}'`,
    `paths='${paths ?? ''}'`,
    `none='${only ? 1 : ''}'`,
    `optional='${isOptional ? 1 : ''}'`,
  ].join(' ');
}
