/**
 * What a page is made of, by what is named: a run's folder, a coordinator's, a site's, a model or an adapter or the folder in
 * which it lies, a page that was written, or several runs. Folders of another kind get another `PageSource` here.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { MeasureName } from '../../compare/index.js';
import { isFolder } from '../../core/index.js';
import { CoordinatorPage, coordinatorPlaces, SitePage, sitePlaces } from '../../federation/index.js';
import { JobPage, type PageSource, RunPage, readPage, resultIn, sideBySidePage } from '../../studies/index.js';

/** @throws GraftError RUN_MISSING, JOB_MISSING, JOBS_SEVERAL, and what reading a recipe throws */
export function pageSource(places: readonly string[], measure: MeasureName): PageSource {
  const [place] = places;
  if (places.length > 1) {
    const runs = places.map((folder) => new RunPage(folder));
    return { mark: () => runs.map((run) => run.mark()).join('\n'), read: () => sideBySidePage(places, measure) };
  }
  if (existsSync(coordinatorPlaces(place).study)) return new CoordinatorPage(place);
  if (existsSync(sitePlaces(place).policy)) return new SitePage(place);
  if (place.endsWith('.safetensors')) return new JobPage(place);
  const result = isFolder(place) && !existsSync(join(place, 'recipe.yaml')) ? resultIn(place) : undefined;
  if (result !== undefined) return new JobPage(result);
  return existsSync(place) && !isFolder(place) ? { mark: () => '', read: () => readPage(place) } : new RunPage(place);
}
