/** `--deep`: certificates that are built into programs. */

import type { Certificate } from '../core/certificate.ts';
import type { DeepResult, EmbeddedProgram } from '../core/embedded.ts';
import { count } from '../core/text.ts';
import { FsError, type OpenFile, type PassingFile, type Target } from '../core/target.ts';
import { carrierWords } from './known-carriers.ts';
import { programDirectories, withoutNested } from './places.ts';
import { scanProgram, type ScanContext } from './program.ts';
import { ProblemList, walkPrograms } from './walk.ts';

export interface DeepInput {
  readonly target: Target;
  /** As the target names them; all the usual places when there are none. */
  readonly directories: readonly string[];
  /** True for a certificate that is to be reported. */
  readonly wanted: (certificate: Certificate) => boolean;
  /** Told about each file before it is read. */
  readonly progress?: (state: DeepProgress) => void;
}

export interface DeepProgress {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** Fits the second-level cache, so that what was just read is searched there. */
const WINDOW_SIZE = 1 << 20;
const MAX_NOTES = 100;

export async function scanPrograms({
  target,
  directories,
  wanted,
  progress,
}: DeepInput): Promise<DeepResult> {
  const context: ScanContext = {
    wanted,
    windows: { file: Buffer.allocUnsafeSlow(WINDOW_SIZE), member: Buffer.allocUnsafeSlow(WINDOW_SIZE) },
  };
  const problems = new ProblemList();
  const programs: EmbeddedProgram[] = [];
  const notes: string[] = [];
  const packed = new Map<string, number>();
  let files = 0;
  let bytes = 0;
  for await (const file of filesOf(target, placesOf(target, directories), problems)) {
    const { path, size } = file;
    progress?.({ path, files, bytes });
    files++;
    bytes += size;
    try {
      const content = await scanProgram(file, context);
      for (const problem of content.problems) problems.add(problem);
      if (notes.length < MAX_NOTES) notes.push(...content.notes);
      if (content.packed !== undefined) packed.set(content.packed, (packed.get(content.packed) ?? 0) + 1);
      if (content.held.length === 0) continue;
      const { format, held, certificates, hasMarks } = content;
      const words = carrierWords(target, path, held, certificates, hasMarks);
      programs.push({ path, format, held, certificates, ...(words !== undefined && { carriesOnly: words }) });
    } catch (error) {
      problems.addError(error);
    }
  }
  const looked = `--deep looked into ${count(files, 'file')}, ${count(Math.round(bytes / 1e6), 'megabyte')}`;
  return { programs, problems: problems.all(), notes: [looked, ...packedNotes(packed), ...notes] };
}

/** What is packed in these ways was only looked at as it lies there. */
function packedNotes(packed: ReadonlyMap<string, number>): string[] {
  if (packed.size === 0) return [];
  const kinds = Array.from(packed, ([kind, files]) => `${files} ${kind}`).toSorted();
  const total = [...packed.values()].reduce((sum, files) => sum + files, 0);
  return [
    `--deep did not unpack ${count(total, 'file')}, packed in ways that are not read: ${kinds.join(', ')}`,
  ];
}

/** In the order that is the cheapest for the target. */
async function* filesOf(
  target: Target,
  places: readonly string[],
  problems: ProblemList,
): AsyncGenerator<PassingFile> {
  if (target.eachFile) {
    yield* target.eachFile(places);
    return;
  }
  for (const path of walkPrograms(target, places, problems)) {
    let content: OpenFile | undefined;
    try {
      content = target.fs.open(path);
    } catch (error) {
      problems.addError(error);
    }
    if (!content) continue;
    try {
      yield { path, size: content.size, content };
    } finally {
      content.close();
    }
  }
}

function placesOf(target: Target, directories: readonly string[]): readonly string[] {
  if (directories.length === 0) return programDirectories(target);
  return withoutNested(
    directories.map((path) => {
      try {
        return target.fs.realPath(path) ?? path;
      } catch (error) {
        // The walk says what is wrong with it.
        if (error instanceof FsError) return path;
        throw error;
      }
    }),
  );
}
