/**
 * The reports of one call until they are printed. Of very many targets, those after the first few wait in a temporary
 * file: then memory does not grow with their number.
 */

import { readSync, writeSync } from 'node:fs';
import { openTemporary } from '../images/file-source.ts';
import type { Reports } from '../render/renderer.ts';
import type { Report } from '../report/report.ts';

/** In memory. Most calls have no more. */
const MOST_HELD = 32;

/** Where a report is in the file. */
interface Place {
  readonly offset: number;
  readonly size: number;
}

export class KeptReports implements Reports {
  readonly #reports: (Report | Place)[] = [];
  readonly #held: number;
  #file: number | 'none' | undefined;
  #end = 0;

  constructor(held = MOST_HELD) {
    this.#held = held;
  }

  get length(): number {
    return this.#reports.length;
  }

  add(report: Report): void {
    this.#reports.push(this.length < this.#held ? report : (this.#write(report) ?? report));
  }

  *[Symbol.iterator](): Generator<Report> {
    for (const each of this.#reports) yield 'offset' in each ? this.#read(each) : each;
  }

  /** Undefined when there is no room for it; then it stays in memory. */
  #write(report: Report): Place | undefined {
    if (this.#file === 'none') return undefined;
    const bytes = Buffer.from(JSON.stringify(report));
    const place = { offset: this.#end, size: bytes.length };
    try {
      this.#file ??= openTemporary();
      for (let done = 0; done < bytes.length;)
        done += writeSync(this.#file, bytes, done, bytes.length - done, place.offset + done);
    } catch {
      this.#file ??= 'none';
      return undefined;
    }
    this.#end += bytes.length;
    return place;
  }

  #read({ offset, size }: Place): Report {
    const bytes = Buffer.allocUnsafe(size);
    const file = typeof this.#file === 'number' ? this.#file : -1;
    for (let done = 0; done < size;) {
      const length = readSync(file, bytes, done, size - done, offset + done);
      if (length === 0) throw new RangeError('a report is missing from the temporary file');
      done += length;
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was one when it was written
    return JSON.parse(bytes.toString()) as Report;
  }
}
