/** What leaves a finished federated run for its trackers. */

import { type FederationReport, renderFederationReport } from '../../report/index.js';
import type { Outcome } from '../../tracking/index.js';
import { meansOf, picturesOf, withoutPlaces } from '../outcome.js';

export function outcomeOfFederation(report: FederationReport): Outcome {
  const { summary, images } = report;
  return {
    scores: summary.plans.flatMap(({ name, regimes }) =>
      Object.entries(regimes).map(([regime, { surfaceDice, dice }]) => ({
        series: ['test', name, regime],
        values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
      })),
    ),
    pictures: picturesOf(images?.groups ?? [], {
      outlined: ['truth', 'local', 'federated'],
      classes: summary.classes,
    }),
    report: (withImages) =>
      renderFederationReport({
        ...report,
        provenance: withoutPlaces(report.provenance),
        images: withImages ? images : undefined,
      }),
  };
}
