/** Who trusts what per programme: a row for each root, a column for each root programme. */

import type { Distrust } from '../../blocklist/advisory.ts';
import { groupBy } from '../../core/collections.ts';
import type { Finding } from '../../report/report.ts';
import { markup, shown, type Content, type Html } from './markup.ts';
import {
  badge,
  day,
  restText,
  rootName,
  screenReaderOnly,
  scrolling,
  section,
  type Context,
} from './pieces.ts';
import { findingId } from './findings.ts';
