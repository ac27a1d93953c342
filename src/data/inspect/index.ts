/** Looking at images before anything is trained on them: facts, how sites differ, small pictures. */
export { axisCodes, type ImageFacts, imageFacts, type LabelFacts, labelFacts } from './facts.js';
export { type Histogram, histogramOf, joinHistograms } from './histogram.js';
export { hounsfieldWindow } from './intensity-warnings.js';
export { type Pane, panesOf } from './panes.js';
export { type Inspected, type SiteFacts, siteFacts, type ValueRange } from './sites.js';
export type { DataWarning } from './warning.js';
export { warningsOf } from './warnings.js';
