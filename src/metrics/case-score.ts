/** What a model scored on one case. */
import type { ClassMeasures } from './evaluate.js';

/** On the grid of the case's own file. Distances are null where one of the masks is empty. */
export type CaseMeasures = { [measure in Exclude<keyof ClassMeasures, 'boundaryBias'>]: number | null } & {
  /** Absent in scores of earlier versions. */
  boundaryBias?: number | null;
  /** Surface Dice on the slices that the network sees instead; absent where that was not measured. */
  surfaceDiceOnSlices?: number;
};

/** One case; by class name. */
export interface CaseScore {
  site: string;
  name: string;
  /** Where the data set or the recipe says whose case it is; never an identifier (see `namePatients`). */
  patient?: string;
  classes: Record<string, CaseMeasures>;
}
