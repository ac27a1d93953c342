/** What can be wrong with recipes and run folders. */
import { errorsOf } from '../core/index.js';

export const runErrors = {
  RECIPE_NOT_FOUND: {
    exit: 'usage',
    message: '{file}: is neither a file nor a recipe that comes with graft{suggestion}',
    hint: 'Name a YAML file, or one of graft’s own: {names} ("graft run --list" says what each does).',
  },
  RECIPE_UNREADABLE: {
    exit: 'usage',
    message: '{file}: is not a recipe that can be read ({reason}).',
    hint: 'A recipe is YAML; the recipes folder holds examples.',
  },
  RECIPE_UNKNOWN_KEY: {
    exit: 'usage',
    message: '{file}: the key {key} is unknown{suggestion}',
    hint: 'The keys known there are {keys}.',
  },
  RECIPE_INVALID: {
    exit: 'usage',
    message: '{file}: {key}: {problem}.',
    hint: 'Correct the value; docs/recipes.md lists every key.',
  },
  RECIPE_OTHER_KIND: {
    exit: 'usage',
    message:
      '{file}: is a recipe for adaptation, with a source and targets; one for a federation is needed, with sites and plans.',
    hint: 'Carry it out with "graft run", or name a federated recipe, such as phantom-federated ("graft run --list" says what each does).',
  },
  RECIPE_OTHER_NETWORK: {
    exit: 'usage',
    message: '{file}: is a recipe for {trains}, but {asked} was asked for.',
    hint: 'Give a recipe with a source and targets for a whole network, one with sites and plans for a part of one.',
  },
  SETTING_ELSEWHERE: {
    exit: 'usage',
    message: '{key}: is no setting of {command}.',
    hint: '{hint}',
  },
  RECIPE_NO_DATA: {
    exit: 'usage',
    message: '{file}: names no data set.',
    hint: 'Give the folder with --data FOLDER (ROOT/SITE/{layout}/CASE.nii.gz), or name data.root or data.phantom.',
  },
  RUN_MISSING: {
    exit: 'usage',
    message: '{folder}: is not the folder of a run (it holds no recipe.yaml).',
    hint: 'Name folders that "graft run" or "graft federate" wrote, such as runs/phantom-scanners.',
  },
  JOB_MISSING: {
    exit: 'usage',
    message: '{file}: neither {metrics} nor {report} lies beside it.',
    hint: 'Name a file that "graft train" or "graft adapt" wrote, or is writing. Of a model or an adapter of a run, name the run’s folder.',
  },
  JOBS_SEVERAL: {
    exit: 'usage',
    message: '{folder}: several trainings and adaptations left their pages there.',
    hint: 'Name one of {names}.',
  },
  PAGE_DAMAGED: {
    exit: 'data',
    message: '{file}: is not the page that graft wrote ({reason}).',
    hint: 'Delete it. Of a run, "graft run … --resume" writes it again from the results in its folder; of a training or adaptation, "graft page" shows what its log holds.',
  },
  CASE_UNKNOWN: {
    exit: 'usage',
    message: '{folder}: no model of this run was scored on a case {name} of {site}.',
    hint: 'Choose a case from the page’s table; cases have the names that the table shows.',
  },
  RUN_UNSCORED: {
    exit: 'data',
    message: '{folder}: no model of this run has been scored yet.',
    hint: 'Let the run score a first model; "graft run … --resume" goes on with one that was stopped.',
  },
  RUN_EXISTS: {
    exit: 'usage',
    message: '{folder}: holds a run already.',
    hint: 'Add --resume to go on with it, or name another folder with --out.',
  },
  RUN_CHANGED: {
    exit: 'usage',
    message: '{folder}: was started with another recipe; changed: {changed}.',
    hint: '{hint}',
  },
  RUN_DAMAGED: {
    exit: 'data',
    message: '{file}: is damaged or not one of graft’s ({reason}).',
    hint: 'Run the recipe again with --resume and the same --out: what is damaged is made again, the rest stays.',
  },
  RECIPE_LOST: {
    exit: 'usage',
    message: '{file}: is missing or damaged, and the recipe given now is not the one that the run was started with.',
    hint: 'Resume with the recipe, the --set and the --data of the first start; or start into another folder with --out.',
  },
  PATIENTS_SHARED: {
    exit: 'data',
    message:
      '{site}: {count} of {total} cases there are of patients who are scored at another site, so they cannot be trained on; too few are left: {problem}',
    hint: 'Score fewer of the patients (of targets: shares in split.target instead of folds, or a smaller test), use other sites, or add cases of other patients.',
  },
  SITE_UNLABELLED: {
    exit: 'data',
    message: '{root}: the site {site} has no label for {name}, which {purpose} needs.',
    hint: 'Add the labels (in the plain layout they lie in SITE/labels under the names of the images), or leave the site out.',
  },
} as const;
export const runError = errorsOf(runErrors);
