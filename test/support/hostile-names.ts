/** Names of files, certificates and entries that want to be more than a name. None of them may ever be run. */

/** What each of them would leave behind in the working directory. */
export const CANARY = 'ran';

const COMMANDS = [`touch ${CANARY}`, `echo x>${CANARY}`, `: > ${CANARY}`];

/** `%` stands for a command. */
const SHELL_TRICKS = [
  '$(%)', '`%`', '"$(%)"', "'$(%)'", '"; %; "', "'; %; '", "'\\''; %; '", ';%', '; % #', '&& %', '|| %', '| %',
  '& %', '&%&', '\n%\n', '\r\n%\r\n', '$\'\\n%\'', '${IFS}%', '$(%', '`%', '\\`%\\`', '\\$(%)', '\\\n%', '>(%)', '<(%)',
  '<<x\n%\nx', '# \n%', '"$newline"\n%', '\'"$newline"\'; %; \'', '"$newline"%"$newline"', '${x:-$(%)}', '$((%))',
  '{%,}', '(%)', '{ %; }', '!!%', '~%', '*;%', '[a];%', '%\t', '\0%', "\\'; %; \\'", "'\"'\"'; %; '\"'\"'",
  "')\n%\n('", "' sh -c '%' '", '"`%`"', "EOF\n%\nEOF", "END_0000000000000000\n%", '\u0085%', '\u2028%', '\u2029%',
];

const WINDOWS_TRICKS = [
  '" & echo x>ran & "', '& echo x>ran', '&& echo x>ran', '| echo x>ran', '^& echo x>ran', '^" & echo x>ran', '%COMSPEC%',
  '%PATH:~0,1%', '%%a', '!x!', '!CD!', '^^', '^', '(x)', ') & echo x>ran & (', '\r\necho x>ran', '>ran', '1>ran',
  '%~f0', '%=ExitCode%', '@echo', ':undo', 'rem x', "'; echo x>ran; '", "''; echo x>ran; ''", '$(echo x>ran)',
  '\u2019; echo x>ran; \u2019', '\u2018$(echo x>ran)\u2018', '\u201a\u201b', '"; echo x>ran; "', '`"; echo x>ran',
  '\u201c$(echo x>ran)\u201d', '@{x=1}', '@(1)', '--%', '$env:PATH', '${env:PATH}', '<# #>', '#> echo x>ran', '`0',
];

const TEMPLATES = [
  '{{ 7*7 }}', "{{ lookup('ansible.builtin.pipe', 'touch ran') }}", '{% for x in y %}', '{# x #}', '{{', '}}', '{{}}',
  '!unsafe x', '- name: x', 'key: value', '&a *a', '*a', '? x', '| x', '> x', '%YAML 1.1', '---', '...', '"\\x41"',
  'FROM evil', '\nFROM evil', '\nRUN touch ran', '\\\nRUN touch ran', '# escape=`', '\n# x', '${HOME}', '$HOME', '<<EOF',
  'x <<EOF', '2<<-EOF', '["sh","-c","touch ran"]', '--mount=type=bind', 'ONBUILD RUN touch ran',
];

const PLAIN_BUT_ODD = [
  '-', '--', '-rf', '--help', '-n', '-e', '-J-Dx=y', '=x', 'a=b', '~', '~root', '.', '..', ' ', '  x  ', '\t', '\n', 'x\n',
  'x\n\n', '\nx', '\r', "'", '"', '\\', '\\\\', 'x\\', '$', '$$', '$1', '$@', '%', '%s', '%n%n', '!', '#', '#x', '*', '?',
  '[', ']', '{}', '{', '}', '{path}', '<', '>', '|', ';', '&', '(', ')', '`', '^', ',', ':', '\u0001', '\u001b[2J',
  '\u001b]0;x\u0007', '\u007f', '\u202e\u2066txt.exe', '\u200b', '\ufeff', '\ufffd', '\ufffe', 'é', 'e\u0301', '日本語',
  '😀', '👩‍👩‍👧', '\udcff', 'x\udc80y', '\ud83d', 'a'.repeat(200), 'a'.repeat(5000), "'".repeat(300), '$('.repeat(200),
  '\n'.repeat(50), '\0', 'a\0b', 'none', 'link', 'other', 'all', 'null', 'true', 'no', '0x10', '1e3', '08', '~/x', 'a/b',
  '$IFS', 'IFS=x', 'x y', "it's", 'say "hi"', '‘typographic’', '“quotes”',
];

export const HOSTILE_NAMES: readonly string[] = [
  ...new Set([
    ...SHELL_TRICKS.flatMap((trick) => COMMANDS.map((command) => trick.replace('%', () => command))),
    ...WINDOWS_TRICKS,
    ...TEMPLATES,
    ...PLAIN_BUT_ODD,
  ]),
];
