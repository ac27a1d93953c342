/**
 * All views, in the order of the page. To add one: describe its data as a part of `PageData` (src/report/page-data.ts) and
 * fill that part where the page's data are gathered; write `page/views/NAME.tsx` with a `View`, which says by `shows` whether
 * its part is there; and list it here.
 */
import { aggregation } from './aggregation.js';
import { bytes } from './bytes.js';
import { cases } from './cases.js';
import { curves } from './curves.js';
import { guard } from './guard.js';
import { images } from './images.js';
import { journal } from './journal.js';
import { ledger } from './ledger.js';
import { overview } from './overview.js';
import { provenance } from './provenance.js';
import { limits, scores, summary } from './results.js';
import { sideBySide } from './side-by-side.js';
import { sites } from './sites.js';
import { statistics } from './statistics.js';
import type { View } from './view.js';
import { visits } from './visits.js';

export const views: readonly View[] = [
  summary,
  limits,
  sites,
  visits,
  cases,
  sideBySide,
  scores,
  overview,
  statistics,
  images,
  guard,
  bytes,
  curves,
  aggregation,
  ledger,
  journal,
  provenance,
];
