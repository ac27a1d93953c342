/**
 * Patients in a run: who they are must not matter to it. Where a data set names them, by an identifier perhaps, each is
 * named after the first of the patient's cases instead; so statistics know which cases belong together, and no file of a
 * run holds more than the names of cases.
 */
import type { Dataset } from '../data/index.js';

/** The data set with every patient named `SITE/CASE`, after the first of the cases that are theirs. */
export function namePatients(dataset: Dataset): Dataset {
  const names = new Map<string, string>();
  return {
    ...dataset,
    sites: dataset.sites.map((site) => ({
      ...site,
      cases: site.cases.map((one) => {
        if (one.patient === undefined) return one;
        const patient = names.get(one.patient) ?? `${one.site}/${one.name}`;
        names.set(one.patient, patient);
        return { ...one, patient };
      }),
    })),
  };
}
