/** What a builder makes of a Dockerfile, as far as ours go: instructions, and the command that each RUN gives to sh. */

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** Lines that end in a backslash go on; comments may stand in between. Throws for a directive. */
export function instructionsIn(text: string): readonly Instruction[] {
  if (/^#\s*[a-zA-Z]\w*\s*=/.test(text)) throw new Error('a parser directive');
  const found: Instruction[] = [];
  let open = '';
  for (const line of text.split(/\r\n|[\n\r\u0085\u2028\u2029]/)) {
    if (/^\s*#/.test(line) || (line.trim() === '' && open === '')) continue;
    const goesOn = /\\\s*$/.test(line);
    open += goesOn ? line.replace(/\\\s*$/, '') : line;
    if (goesOn) continue;
    const [, word = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(open) ?? [];
    found.push({ word, rest });
    open = '';
  }
  if (open !== '') throw new Error('a line that goes on at the end');
  return found;
}

/** For `/bin/sh -c`. Throws where a builder would look for a here-document. */
export function shellCommand({ word, rest }: Instruction): string {
  if (word !== 'RUN') throw new Error(`${word} is no RUN`);
  if (rest.startsWith('[')) {
    const words: unknown = JSON.parse(rest);
    if (!Array.isArray(words) || words.length !== 3) throw new Error('not for sh');
    if (/[<`]/.test(rest)) throw new Error('not hidden');
    return String(words[2]);
  }
  if (rest.includes('<<') || rest.startsWith('--'))
    throw new Error('a builder takes this for more than it is');
  return rest;
}
