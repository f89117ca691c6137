/** For zsh: works from a directory of fpath as well as by `source`. */

import type { CompletedCommand, CompletedOption, CompletedProgram, CompletedValue } from './model.ts';

export function zshScript({ options, commands }: CompletedProgram): string {
  const values = new ValueFunctions();
  const cases = commands.map((command) => commandCase(command, values));
  const global = options.map((option) => optionSpec(option, values));
  return `#compdef rootaudit
# zsh completion for rootaudit, made by: rootaudit completion zsh

${values.text()}
_rootaudit_commands() {
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join('\n')}
  )
  _describe -t commands command commands
}

_rootaudit() {
  local curcontext="$curcontext" state line ret=1
  typeset -A opt_args
  _arguments -C -S \\
${global.map((spec) => `    ${spec} \\`).join('\n')}
    '1: :_rootaudit_commands' \\
    '*:: :->rest' && ret=0
  case "$state" in
  rest)
    case "$words[1]" in
${cases.join('\n')}
    esac
    ;;
  esac
  return ret
}

if [ "$funcstack[1]" = _rootaudit ]; then
  _rootaudit "$@"
elif (( $+functions[compdef] )); then
  compdef _rootaudit rootaudit
fi
`;
}

function commandCase({ name, options, arguments: all }: CompletedCommand, values: ValueFunctions): string {
  const specs = [
    ...options.map((option) => optionSpec(option, values)),
    ...all.map((argument, index) => {
      const position = argument.isVariadic ? '*' : String(index + 1);
      const colon = argument.isOptional && !argument.isVariadic ? '::' : ':';
      return quoted(`${position}${colon}${escaped(argument.name)}:${values.actionFor(argument)}`);
    }),
  ];
  return `    ${name})
      _arguments -s -S \\
${specs.map((spec) => `        ${spec}`).join(' \\\n')} && ret=0
      ;;`;
}

/** `'(-f --format)'{-f+,--format=}'[how]:format:action'` */
function optionSpec(
  { names, description, value, isRepeatable }: CompletedOption,
  values: ValueFunctions,
): string {
  const ends = value
    ? `[${escaped(description)}]${value.isOptional ? '::' : ':'}${escaped(value.name)}:${values.actionFor(value)}`
    : `[${escaped(description)}]`;
  // A value that may be left out is taken from the same word only.
  const equals = value?.isOptional ? '=-' : '=';
  const marked = names.map((name) => (value ? name + (name.startsWith('--') ? equals : '+') : name));
  const before = isRepeatable ? "'*'" : names.length > 1 ? `'(${names.join(' ')})'` : '';
  const middle = marked.length > 1 ? `{${marked.join(',')}}` : (marked[0] ?? '');
  return `${before}${middle}${quoted(ends)}`;
}

/** Values that are more than a list of words or a file have a function each. */
class ValueFunctions {
  readonly #names = new Map<string, string>();

  actionFor({ words, paths, wordsTakeFile }: CompletedValue): string {
    const files = paths === 'directories' ? '_files -/' : '_files';
    if (words.length === 0) return paths === undefined ? ' ' : files;
    const list = words.join(' ');
    if (wordsTakeFile) {
      return this.#named(`  if compset -P '*='; then _files; else compadd -- ${list}; fi`);
    }
    if (paths === undefined) return `(${list})`;
    return this.#named(`  _alternative 'names:name:(${list})' 'files:file:${files}'`);
  }

  #named(body: string): string {
    const name = this.#names.get(body) ?? `_rootaudit_values_${this.#names.size + 1}`;
    this.#names.set(body, name);
    return name;
  }

  text(): string {
    return Array.from(this.#names, ([body, name]) => `${name}() {\n${body}\n}\n`).join('\n');
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, String.raw`\$&`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
