/** The error that a user's mistake must end in. */
import { GraftError } from '../src/core/index.js';

/** The GraftError that the action throws; anything else that it throws, or nothing, fails the test. */
export function errorOf(action: () => unknown): GraftError {
  try {
    action();
  } catch (error) {
    if (error instanceof GraftError) return error;
    throw error;
  }
  throw new Error('expected a GraftError');
}
