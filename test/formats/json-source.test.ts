import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonSource, rangesWithout, type JsonValue } from '../../src/formats/json-source.ts';

/** As JSON.parse would give it. */
function plain(value: JsonValue | undefined): unknown {
  if (!value) return undefined;
  if (value.kind === 'null') return null;
  if (value.kind === 'array') return value.items.map(plain);
  if (value.kind === 'object') {
    return Object.fromEntries(Array.from(value.members, ([name, member]) => [name, plain(member)]));
  }
  return value.value;
}

const parse = (text: string): ReturnType<typeof parseJsonSource> => parseJsonSource(Buffer.from(text));

describe('JSON with places', () => {
  it.each<[string, string, unknown]>([
    ['comments of both kinds', '// a\n{/* b */"x": [1, // c\n2]} // d', { x: [1, 2] }],
    ['a comma after the last element', '{"x": ["a",],}', { x: ['a'] }],
    ['a byte order mark', '\ufeff{"x": 1}', { x: 1 }],
    ['texts in UTF-8 and with escapes', String.raw`["ä根\u00e4\"\\\n"]`, ['ä根ä"\\\n']],
    [
      'things in texts that look like more',
      '["// no", "/* no */", "]", ","]',
      ['// no', '/* no */', ']', ','],
    ],
    ['one name twice: the last counts', '{"x": 1, "x": 2}', { x: 2 }],
    ['a name that is special to JavaScript', '{"__proto__": 1}', JSON.parse('{"__proto__": 1}')],
    ['numbers of all forms', '[0, -1.5, 2e3, 1E-2]', [0, -1.5, 2000, 0.01]],
  ])('has %s', (_, text, expected) => {
    const { value, diagnostics } = parse(text);
    expect(diagnostics).toEqual([]);
    expect(plain(value)).toEqual(expected);
  });

  it('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(plain(parse(text).value)).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it('says where each value lies', () => {
    const text = '{"ä": ["one" , [2]]}';
    const { value } = parse(text);
    const list = value?.kind === 'object' ? value.members.get('ä') : undefined;
    const items = list?.kind === 'array' ? list.items : [];
    const bytes = Buffer.from(text);
    expect(items.map(({ start, end }) => bytes.toString('utf8', start, end))).toEqual(['"one"', '[2]']);
  });

  it.each<[string, string, string, number]>([
    ['nothing', '', 'truncated', 1],
    ['an object without an end', '{"a": 1', 'truncated', 1],
    ['a text without an end', '\n["a', 'truncated', 2],
    ['a comment without an end', '[1 /* ', 'truncated', 1],
    ['two values', '1 2', 'malformed', 1],
    ['a list of nothing but a comma', '[,]', 'malformed', 1],
    ['no comma between elements', '[1 2]', 'malformed', 1],
    ['a name without quotes', '{\n\na: 1}', 'malformed', 3],
    ['a wrong word', '[tru]', 'malformed', 1],
    ['a wrong escape', String.raw`["\x41"]`, 'malformed', 1],
    ['a bare line end in a text', '["a\nb"]', 'malformed', 1],
    ['too many levels', `${'['.repeat(100)}${']'.repeat(100)}`, 'limit', 1],
  ])('with %s is an error with its line', (_, text, code, line) => {
    const { value, diagnostics } = parse(text);
    expect(value).toBeUndefined();
    expect(diagnostics).toMatchObject([{ level: 'error', code, line }]);
  });

  it('of any bytes never makes the parser throw', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '//',
      '/*',
      '*/',
      '1',
      'true',
      '\n',
      'ä',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        parse(parts.join(''));
      }),
      { numRuns: 1000, interruptAfterTimeLimit: 5000 },
    );
  });
});

describe('cutting items out of a list', () => {
  const cut = (text: string, goes: readonly string[]): string => {
    const { value } = parse(text);
    if (value?.kind !== 'array') throw new Error('no list');
    const ranges = rangesWithout(value, (item) => item.kind === 'string' && goes.includes(item.value));
    let left = '';
    let from = 0;
    for (const { start, end } of ranges) {
      left += text.slice(from, start);
      from = end;
    }
    return left + text.slice(from);
  };
  it.each<[string, string, readonly string[], string]>([
    ['the first', '["a", "b", "c"]', ['a'], '["b", "c"]'],
    ['one in the middle', '[\n  "a",\n  "b",\n  "c"\n]', ['b'], '[\n  "a",\n  "c"\n]'],
    ['the last', '["a", "b"]', ['b'], '["a"]'],
    ['the last before a comma', '["a", "b",]', ['b'], '["a",]'],
    ['the only one', '[ "a" ]', ['a'], '[]'],
    ['the only one before a comma', '["a", /* x */]', ['a'], '[]'],
    ['all', '["a", "b"]', ['a', 'b'], '[]'],
    ['neighbours at the end', '["a", "b", "c"]', ['b', 'c'], '["a"]'],
    ['neighbours at the start', '["a", "b", "c"]', ['a', 'b'], '["c"]'],
    ['every second', '["a", "b", "c", "d", "e"]', ['a', 'c', 'e'], '["b", "d"]'],
    ['one that is there twice', '["a", "b", "a"]', ['a'], '["b"]'],
    ['none', '["a"]', ['b'], '["a"]'],
  ])('takes %s', (_, text, goes, expected) => {
    expect(cut(text, goes)).toBe(expected);
  });

  it('leaves a list that reads as the rest', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 });
    fc.assert(
      fc.property(
        letters,
        fc.subarray(['a', 'b', 'c']),
        fc.constantFrom('', ' ', '\n'),
        (items, goes, space) => {
          const text = `[${items.map((item) => `${space}"${item}"${space}`).join(',')}]`;
          expect(plain(parse(cut(text, goes)).value)).toEqual(items.filter((item) => !goes.includes(item)));
        },
      ),
      { numRuns: 500 },
    );
  });
});
