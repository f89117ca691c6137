/**
 * JUnit XML as Jenkins, GitLab and others read it: a suite for each target. A listed root that a store trusts is a
 * failed test of that store; a store without one is a test that passed; what could not be read is an error.
 */

import type { Problem } from '../core/errors.ts';
import { groupBy } from '../core/collections.ts';
import { count, visible } from '../core/text.ts';
import type { Severity } from '../blocklist/advisory.ts';
import { isEffective } from '../report/acceptance.ts';
import type { Finding, Report, StoreSummary, Violation } from '../report/report.ts';
import type { Renderer } from './renderer.ts';
import { commandLines } from './shared/commands.ts';
import { placesOf, type Place } from './shared/places.ts';
import { acceptance, isAtLeast, MATCH_WORDS, shortName, targetNamer } from './shared/words.ts';

export const renderer: Renderer<'reports'> = {
  reports(reports, { failOn = 'medium' }) {
    const nameOf = targetNamer('this machine');
    const suites = Array.from(reports, (report) => suiteOf(report, nameOf(report), failOn));
    const root = { name: 'rootaudit', ...totals(suites.flatMap(({ outcomes }) => outcomes)), time: 0 };
    const lines = ['<?xml version="1.0" encoding="UTF-8"?>', open('testsuites', root)];
    return [...lines, ...suites.map(({ xml }) => xml), '</testsuites>'].map((piece) => `${piece}\n`);
  },
};

interface TestCase {
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped';
  readonly xml: string;
}

interface Suite {
  readonly outcomes: readonly TestCase['outcome'][];
  readonly xml: string;
}

function suiteOf(report: Report, name: string, failOn: Severity): Suite {
  const failing = groupBy(
    placesOf(report).filter(
      ({ finding, location }) => isEffective(location.trust) && isAtLeast(finding.severity, failOn),
    ),
    ({ location }) => location.store,
  );
  const cases = [
    ...report.stores.flatMap((store) => storeCases(store, failing.get(store.id) ?? [], failOn)),
    ...(report.policy?.violations ?? []).map(violationCase),
    ...report.problems.map(problemCase),
  ];
  const outcomes = cases.map(({ outcome }) => outcome);
  const { tool, blocklist, target } = report;
  const properties = {
    'rootaudit.version': tool.version,
    'rootaudit.blocklist': blocklist.version,
    'rootaudit.target': target.reference,
    'rootaudit.platform': target.platform,
    'rootaudit.failOn': failOn,
  };
  const xml = [
    open('testsuite', { name: `rootaudit: ${name}`, ...totals(outcomes), time: 0 }),
    '<properties>',
    ...Object.entries(properties).map(([key, value]) => `<property${attributes({ name: key, value })}/>`),
    '</properties>',
    ...cases.map((each) => each.xml),
    '</testsuite>',
  ].join('\n');
  return { outcomes, xml };
}

function totals(outcomes: Suite['outcomes']): Readonly<Record<string, number>> {
  const number = (outcome: TestCase['outcome']): number => outcomes.filter((each) => each === outcome).length;
  return {
    tests: outcomes.length,
    failures: number('failure'),
    errors: number('error'),
    skipped: number('skipped'),
  };
}

function storeCases(store: StoreSummary, failing: readonly Place[], failOn: Severity): readonly TestCase[] {
  if (failing.length > 0) {
    const findings = groupBy(failing, ({ finding }) => finding);
    return Array.from(findings, ([finding, places]) => findingCase(store, finding, places));
  }
  const head = {
    classname: `rootaudit.${store.type}`,
    name: `${store.path} ${isFile(store) ? 'holds' : 'trusts'} no listed root of severity ${failOn} or worse`,
    time: 0,
  };
  if (store.status === 'read') return [{ outcome: 'passed', xml: `<testcase${attributes(head)}/>` }];
  return [skippedCase(head, `The store is ${store.status}: see the errors of this suite.`)];
}

/** Of `rootaudit check`. */
function isFile({ type }: StoreSummary): boolean {
  return type === 'certificate-file';
}

function skippedCase(head: Readonly<Record<string, string | number>>, message: string): TestCase {
  const skipped = `<skipped${attributes({ message })}/>`;
  return { outcome: 'skipped', xml: `${open('testcase', head)}${skipped}</testcase>` };
}

function violationCase(violation: Violation): TestCase {
  const { kind, message, rule, reason, locations } = violation;
  const head = { classname: 'rootaudit.policy', name: message, time: 0 };
  const accepted = acceptance(violation);
  if (accepted !== undefined) return skippedCase(head, accepted);
  const lines = [
    ...(rule === '' ? [] : [`Rule: ${rule}`]),
    ...(reason === undefined ? [] : [`Reason: ${reason}`]),
    ...locations.map(({ path, entry, trust, expressed }) => `  ${path} (${entry}): ${trust}, ${expressed}`),
  ];
  const text = escapeXml(lines.map((line) => visible(line)).join('\n'));
  return {
    outcome: 'failure',
    xml: `${open('testcase', head)}\n${open('failure', { message, type: kind })}${text}</failure>\n</testcase>`,
  };
}

function findingCase(store: StoreSummary, finding: Finding, places: readonly Place[]): TestCase {
  const { severity, title, certificate, advisory } = finding;
  const name = `${shortName(certificate.subject)} (${certificate.sha256.slice(0, 16)})`;
  const head = {
    classname: `rootaudit.${store.type}`,
    name: `${store.path} does not ${isFile(store) ? 'hold' : 'trust'} ${name}, ${advisory}`,
    time: 0,
  };
  const reasons = places.map(({ location }) => acceptance(finding, location));
  const [reason] = reasons;
  if (reason !== undefined && !reasons.includes(undefined)) return skippedCase(head, reason);
  const failure = { message: `${severity}: ${title}: ${name} in ${store.path}`, type: severity };
  const text = failureText(store, finding, places);
  return {
    outcome: 'failure',
    xml: `${open('testcase', head)}\n${open('failure', failure)}${escapeXml(text)}</failure>\n</testcase>`,
  };
}

function failureText(store: StoreSummary, finding: Finding, places: readonly Place[]): string {
  const { certificate, summary, references, match } = finding;
  const copied = places.flatMap(({ location }) => location.generatedFrom);
  const remediation = places.find((place) => place.remediation)?.remediation;
  const lines = [
    `${certificate.subject || '(no readable name)'}, SHA-256 ${certificate.sha256}`,
    `${store.application}: ${count(places.length, 'place')}`,
    ...places.map(
      ({ location: { trust, path, entry, expressed } }) => `  ${path} (${entry}): ${trust}, ${expressed}`,
    ),
    summary,
    `Why: ${MATCH_WORDS[match]}.`,
    ...references.slice(0, 1),
    ...(copied.length > 0
      ? [`It is a copy and goes with its source: ${[...new Set(copied)].join(', ')}`]
      : []),
    ...(remediation?.note === undefined ? [] : [remediation.note]),
    ...(remediation && remediation.commands.length > 0 ? ['Remove:', ...commandLines(remediation)] : []),
    ...(remediation && remediation.undo.length > 0 ? ['Undo:', ...remediation.undo] : []),
  ];
  return lines.map((line) => visible(line, 100_000)).join('\n');
}

function problemCase({ code, path, message, line, offset, store }: Problem): TestCase {
  const place = line === undefined ? (offset === undefined ? '' : ` at byte ${offset}`) : `:${line}`;
  const head = { classname: 'rootaudit.problems', name: `${path}${place} can be read`, time: 0 };
  const error = open('error', { message: `${path}${place}: ${message}`, type: code });
  const text = store === undefined ? '' : `Store: ${visible(store)}`;
  return {
    outcome: 'error',
    xml: `${open('testcase', head)}\n${error}${escapeXml(text)}</error>\n</testcase>`,
  };
}

function open(element: string, values: Readonly<Record<string, string | number>>): string {
  return `<${element}${attributes(values)}>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(visible(String(value)))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** For text that `visible` has been over: no character is left that XML 1.0 forbids. */
function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
