/** What the policy objects to. */

import { count } from '../../core/text.ts';
import { isAccepted } from '../../report/acceptance.ts';
import type { PolicySummary, Violation } from '../../report/report.ts';
import { acceptance } from '../shared/words.ts';
import { acceptedText, card, certificateFacts, factList, type Fact } from './card.ts';
import { markup, shown, type Html } from './markup.ts';
import { code, fit, heading, name, restText, rootName, section, type Context } from './pieces.ts';
import { placesList } from './places.ts';
import { removalBlocks } from './removal.ts';

const KIND_WORDS: Readonly<Record<Violation['kind'], string>> = {
  forbidden: 'forbidden',
  'not-allowed': 'not allowed',
  missing: 'missing',
  'expired-waiver': 'expired waiver',
  unrecognised: 'unrecognised',
};

const MAX_VIOLATIONS = 500;
const MAX_NOTES = 100;
const MAX_LENGTH = 5_000_000;
const MAX_MISSING = 100;

/** Also when nothing is violated: then it says so. */
export function policySection(context: Context): Html | undefined {
  const { policy } = context.report;
  if (policy === undefined) return undefined;
  const { violations, file } = policy;
  const ordered = violations.toSorted((a, b) => Number(isAccepted(a)) - Number(isAccepted(b)));
  const { shown: cards, rest } = fit(
    ordered,
    { items: MAX_VIOLATIONS, length: MAX_LENGTH * context.share },
    (violation) => violationCard(violation, context),
  );
  const by = markup`<p class="soft">Judged by ${code(file)}.</p>
`;
  const none = markup`<p>Nothing violates it.</p>
`;
  const title = markup`The policy <span class="count">${count(violations.length, 'violation')}</span>`;
  return section(context, 'policy', title, [
    file === '' ? undefined : by,
    violations.length === 0 ? none : cards,
    restText(rest, 'violation'),
    noteList(policy),
  ]);
}

function noteList({ notes }: PolicySummary): Html | undefined {
  if (notes.length === 0) return undefined;
  const { shown: items, rest } = fit(
    notes,
    { items: MAX_NOTES },
    (note) => markup`<li>${shown(note, 2000)}</li>
`,
  );
  return markup`<ul>
${items}</ul>
${restText(rest, 'note')}`;
}

function violationCard(violation: Violation, context: Context): Html {
  const { kind, message, certificate, rule, locations, missingFrom, remediations } = violation;
  const accepted = acceptance(violation);
  const alarm = accepted === undefined;
  const tint = alarm ? 'high' : 'info';
  const facts = violationFacts(violation, context);
  const places = markup`${heading(context, 2, undefined, 'Where it is')}
${placesList(locations, context)}`;
  return card(context, {
    tint,
    badge: markup`<span class="badge ${tint}">${KIND_WORDS[kind]}</span>`,
    title: certificate ? rootName(certificate) : name(rule),
    subtitle: shown(message, 300),
    state: alarm ? 'violates the policy' : 'accepted',
    alarm,
    body: [
      acceptedText(accepted),
      certificate ? certificateFacts(certificate, facts) : factList(facts),
      missingList(missingFrom, context),
      locations.length === 0 ? undefined : places,
      removalBlocks(remediations, context),
    ],
  });
}

function violationFacts(violation: Violation, { report }: Context): readonly Fact[] {
  const { message, rule, line, reason, owner, expires, advisory } = violation;
  const file = report.policy?.file ?? '';
  const facts: readonly (Fact | undefined)[] = [
    ['What is wrong', shown(message, 3000)],
    rule === '' ? undefined : ['Rule', code(rule)],
    file === '' ? undefined : ['Written in', code(line === 0 ? file : `${file}:${line}`)],
    reason === undefined ? undefined : ['Reason', shown(reason, 2000)],
    owner === undefined ? undefined : ['Owner', name(owner)],
    expires === undefined ? undefined : ['Expired', shown(expires, 40)],
    advisory === undefined ? undefined : ['Advisory', code(advisory)],
  ];
  return facts.filter((fact) => fact !== undefined);
}

function missingList(missingFrom: readonly string[], context: Context): Html | undefined {
  if (missingFrom.length === 0) return undefined;
  const { shown: items, rest } = fit(
    missingFrom,
    { items: MAX_MISSING },
    (id) => markup`<li>${missingItem(id, context)}</li>
`,
  );
  return markup`${heading(context, 2, undefined, 'Stores that should trust it')}
<ul>
${items}</ul>
${restText(rest, 'store')}`;
}

function missingItem(id: string, { stores }: Context): Html {
  const store = stores.get(id);
  if (store === undefined) return code(id);
  const unread = store.status === 'read' ? undefined : ', which could not be read whole';
  return markup`${name(store.application)} ${code(store.path)}${unread}`;
}
