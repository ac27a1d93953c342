/**
 * How a finished adaptation run goes on under a recipe that asks for more: seeds, targets and methods are added. What is
 * there does not depend on them, so the run ends with the same bits as if they had been asked for from the start.
 */
import type { Change } from '../../core/index.js';
import { changedAmong, fixedAmong, removedFrom } from '../extension.js';
import { oracleOf, type Recipe } from './recipe.js';

export const refusals = (changes: readonly Change[], before: Recipe, now: Recipe): string[] => [
  ...fixedAmong(changes, ['seeds', 'targets', 'methods', 'grid', 'oracle'], whyFixed),
  ...removedFrom(['seeds', 'targets'], before, now),
  ...changedAmong('methods', before.variants, now.variants, (method) => method),
  ...changedAmong('oracle', oracleOf(before), oracleOf(now), (oracle) => oracle),
];

const whyFixed = (key: string) =>
  key === 'training.epochs'
    ? 'the learning rate falls over all epochs, so more of them are another training ("graft train --init" goes on from a model)'
    : 'all results depend on it';
