/** Subjects as reports and policies write them: the string form of RFC 4514. */

import type { NameAttribute } from '../core/name.ts';

const MAX_ATTRIBUTES = 200;

/** The attributes in the order written; undefined when the text is no name. */
export function parseSubject(text: string): readonly NameAttribute[] | undefined {
  const attributes: NameAttribute[] = [];
  let type: string | undefined;
  let written = '';
  for (let i = 0; i <= text.length; i++) {
    const character = text[i];
    if (character === '\\' && i + 1 < text.length) {
      written += text[++i];
    } else if (character === '=' && type === undefined) {
      [type, written] = [written.trim(), ''];
    } else if (character === undefined || character === ',' || character === '+') {
      if (type === undefined || type === '' || attributes.length >= MAX_ATTRIBUTES) return undefined;
      attributes.push({ type, value: written });
      [type, written] = [undefined, ''];
    } else {
      written += character;
    }
  }
  return attributes;
}
