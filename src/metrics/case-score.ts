/** What a model scored on one case. */
import type { ClassMeasures } from './evaluate.js';

/** One case; by class name. Distances are null where one of the masks is empty. */
export interface CaseScore {
  site: string;
  name: string;
  /** Where the data set or the recipe says whose case it is; never an identifier (see `namePatients`). */
  patient?: string;
  classes: Record<string, { [measure in keyof ClassMeasures]: number | null }>;
}
