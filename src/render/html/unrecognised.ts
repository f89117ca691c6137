/** "Who put this here?": roots that somebody added, with what the file system knows of how they came. */

import { count } from '../../core/text.ts';
import type { FileOrigin, UnrecognisedRoot } from '../../report/report.ts';
import { card, certificateFacts, privateKeyText } from './card.ts';
import { markup, type Html } from './markup.ts';
import { code, day, fit, heading, name, restText, rootName, section, type Context } from './pieces.ts';
import { placesCount, placesList } from './places.ts';

const MAX_ROOTS = 500;
const MAX_ORIGINS = 100;
const MAX_LENGTH = 5_000_000;

export function unrecognisedSection(context: Context): Html | undefined {
  const roots = context.report.unrecognised ?? [];
  if (roots.length === 0) return undefined;
  const { shown: cards, rest } = fit(
    roots,
    { items: MAX_ROOTS, length: MAX_LENGTH * context.share },
    (root) => rootCard(root, context),
  );
  const title = markup`Who put this here? <span class="count">${count(roots.length, 'root')}</span>`;
  return section(context, 'unrecognised', title, [
    markup`<p class="soft">Trusted roots that no root programme ships and no advisory names. A company’s own authority is one, and so is a root that somebody planted: only you can tell.</p>
`,
    cards,
    restText(rest, 'root'),
  ]);
}

function rootCard(root: UnrecognisedRoot, context: Context): Html {
  const { certificate, locations, origins } = root;
  const [first] = origins;
  const [, stores] = placesCount(locations);
  return card(context, {
    tint: 'unknown',
    badge: markup`<span class="badge unknown">unrecognised</span>`,
    title: rootName(certificate),
    subtitle: first && originText(first),
    state: `trusted · ${count(stores, 'store')}`,
    alarm: false,
    body: [
      privateKeyText(root.privateKey),
      originList(origins, context),
      certificateFacts(certificate, []),
      heading(context, 2, undefined, 'Where it is'),
      placesList(locations, context),
    ],
  });
}

function originText({ modified, user, package: owner }: FileOrigin): Html {
  const by = user === undefined ? undefined : markup`, owned by ${name(user, 60)}`;
  const from = owner === undefined ? undefined : markup`, of the package ${name(owner, 60)}`;
  return markup`${modified === null ? 'file time unknown' : markup`changed ${day(modified)}`}${by}${from}`;
}

function originList(origins: readonly FileOrigin[], context: Context): Html | undefined {
  if (origins.length === 0) return undefined;
  const { shown: items, rest } = fit(
    origins,
    { items: MAX_ORIGINS },
    (
      origin,
    ) => markup`<li>${code(origin.path)}<br><span class="soft">${originText(origin)}${origin.package === undefined ? '; no package knows it' : undefined}</span></li>
`,
  );
  return markup`${heading(context, 2, undefined, 'How it came')}
<ul class="origins">
${items}</ul>
${restText(rest, 'file')}`;
}
