/**
 * SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), within what GitHub's code scanning accepts: one run for
 * each target, an advisory is a rule, each place of a certificate is a result.
 */

import { visible } from '../core/text.ts';
import type { Problem } from '../core/errors.ts';
import type { Report, TargetSummary } from '../report/report.ts';
import type { Renderer, Reports } from './renderer.ts';
import { jsonPieces } from './shared/json-text.ts';
import { placesOf } from './shared/places.ts';
import { rulesOf } from './shared/sarif-rules.ts';
import { message, resultOf, violationResults } from './shared/sarif-results.ts';
import { relativeUri, rootUri } from './shared/uri.ts';
import { targetNamer } from './shared/words.ts';
import type { Style } from './style.ts';

/** The one that GitHub names in its documentation. */
const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

/** The base that locations are relative to: the root of the target. */
const BASE = 'ROOTPATH';

export const renderer: Renderer<'reports'> = {
  reports(reports, { exit }) {
    return jsonPieces({ $schema: SCHEMA, version: '2.1.0' }, { runs: () => runsOf(reports, exit) });
  },
};

function* runsOf(reports: Reports, exit: Style['exit']): Generator<object> {
  const nameOf = targetNamer('live');
  for (const report of reports) {
    const id = `rootaudit/${nameOf(report).replace(/^\/+/, '')}/`;
    // GitHub wants the runs of one file told apart; a single one is named by whoever uploads it.
    yield { ...(reports.length > 1 && { automationDetails: { id } }), ...runOf(report, exit) };
  }
}

function runOf(report: Report, exit: Style['exit']): object {
  const { tool, blocklist, target, complete, problems } = report;
  const rules = rulesOf(report);
  const indexById = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    tool: {
      driver: {
        name: tool.name,
        version: tool.version,
        semanticVersion: tool.version,
        rules,
      },
      extensions: [{ name: `${tool.name} blocklist`, version: blocklist.version }],
    },
    invocations: [
      {
        executionSuccessful: complete,
        // Of the whole process: where several targets were scanned, each run says the same.
        ...(exit && { exitCode: exit.code, exitCodeDescription: exit.meaning }),
        toolExecutionNotifications: [
          ...problems.map(problemNotification),
          ...notesOf(report).map((note) => ({
            descriptor: { id: 'note' },
            level: 'note',
            message: message(note),
          })),
        ],
      },
    ],
    originalUriBaseIds: { [BASE]: baseOf(target) },
    columnKind: 'utf16CodeUnits',
    results: resultsOf(report, indexById),
    properties: { target: targetProperties(target), blocklist, complete },
  };
}

function resultsOf(report: Report, ruleIndexById: ReadonlyMap<string, number>): readonly object[] {
  const { policy, stores, target } = report;
  const storeById = new Map(stores.map((store) => [store.id, store]));
  const results = [
    ...placesOf(report).map((place) => resultOf(place, BASE, target.image?.layers ?? [])),
    ...(policy
      ? policy.violations.flatMap((violation) => violationResults(policy, violation, storeById, BASE))
      : []),
  ];
  const compared = results.some(({ known }) => known);
  const times = new Map<string, number>();
  return results.map(({ ruleId, fingerprint, known, fields }) => {
    const nth = (times.get(fingerprint) ?? 0) + 1;
    times.set(fingerprint, nth);
    return {
      ruleId,
      ruleIndex: ruleIndexById.get(ruleId) ?? -1,
      ...fields,
      ...(compared && { baselineState: known ? 'unchanged' : 'new' }),
      // The second name is the one that GitHub looks at.
      partialFingerprints: {
        'certificateStorePath/v1': `${fingerprint}:${nth}`,
        primaryLocationLineHash: `${fingerprint}:${nth}`,
      },
    };
  });
}

function baseOf({ kind, reference, image }: TargetSummary): object {
  const uri = kind === 'image' ? undefined : rootUri(kind === 'live' ? '/' : reference);
  const what = kind === 'live' ? 'this machine' : visible(image?.name ?? reference);
  const meaning = kind === 'files' ? `The directory ${what}.` : `The root of the file system of ${what}.`;
  return { ...(uri !== undefined && { uri }), description: message(meaning) };
}

function targetProperties({ kind, reference, platform, image }: TargetSummary): object {
  return { kind, reference: visible(reference), platform, ...(image && { image }) };
}

function notesOf({ notes, policy }: Report): readonly string[] {
  return [...notes, ...(policy?.notes ?? [])];
}

function problemNotification({ code, path, message: text, line, offset }: Problem): object {
  const region = {
    ...(line !== undefined && { startLine: line }),
    ...(offset !== undefined && { byteOffset: offset }),
  };
  return {
    descriptor: { id: code },
    level: 'error',
    message: message(`${path}: ${text}`),
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: relativeUri(path), uriBaseId: BASE },
          ...(Object.keys(region).length > 0 && { region }),
        },
      },
    ],
  };
}
