/** What leaves a finished federated run for its trackers. */
import { meansOf, picturesOf, withoutNames, withoutPlaces } from '../outcome.js';
import { type FederationReport, renderFederationReport } from '../report/index.js';
import type { Outcome } from '../tracking/index.js';

export function outcomeOfFederation(report: FederationReport): Outcome {
  const { summary, images, comparison } = report;
  const unnamed = images && {
    ...images,
    groups: images.groups.map(({ title, panels }) => ({
      title,
      panels: panels.map((panel) => ({ ...panel, name: '' })),
    })),
  };
  return {
    scores: summary.plans.flatMap(({ name, regimes }) =>
      Object.entries(regimes).map(([regime, { surfaceDice, dice }]) => ({
        series: ['test', name, regime],
        values: { ...meansOf('surface dice', surfaceDice), ...meansOf('dice', dice) },
      })),
    ),
    pictures: (images?.groups ?? []).flatMap(({ title, panels }) =>
      panels.flatMap(({ which, slices }) =>
        picturesOf(['pictures', title], which, slices, ['truth', 'local', 'federated']),
      ),
    ),
    report: (withImages) =>
      renderFederationReport({
        ...report,
        provenance: withoutPlaces(report.provenance),
        images: withImages ? unnamed : undefined,
        ...(comparison && { comparison: withoutNames(comparison) }),
      }),
  };
}
