/** JSON that may be looked at: JSON.stringify leaves C1 and bidirectional controls as they are. */

/** `indent` 0 is one line, as in NDJSON. */
export function jsonText(value: unknown, indent: 0 | 2 = 2): string {
  return `${withoutControls(JSON.stringify(value, null, indent))}\n`;
}

type Lists = Readonly<Record<string, () => Iterable<unknown>>>;

/** The same of an object whose last fields are long lists, which are never all in memory. */
export function* jsonPieces(fields: object, lists: Lists): Generator<string> {
  for (const piece of rawPieces(fields, lists, 2)) yield withoutControls(piece);
  yield '\n';
}

/** What JSON.stringify gives. `fields` is not empty. */
export function* rawPieces(fields: object, lists: Lists, indent: 0 | 2): Generator<string> {
  const [line, colon] = indent === 0 ? ['', ':'] : ['\n', ': '];
  const at = (depth: number): string => line + ' '.repeat(indent * depth);
  yield JSON.stringify(fields, null, indent).slice(0, -1 - line.length);
  for (const [name, items] of Object.entries(lists)) {
    yield `,${at(1)}${JSON.stringify(name)}${colon}[`;
    let before = '';
    for (const item of items()) {
      const text = JSON.stringify(item, null, indent);
      yield before + at(2) + (indent === 0 ? text : text.replaceAll('\n', at(2)));
      before = ',';
    }
    yield before === '' ? ']' : `${at(1)}]`;
  }
  yield `${line}}`;
}

function withoutControls(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
