/** What could not be opened is told, of each sender once until something of it could be: who may write could tell without end. */
import { GraftError } from '../../core/index.js';

export type Refused = (error: GraftError, from: string) => void;

export class Refusals {
  readonly #told = new Set<string>();
  readonly #tell: Refused;

  constructor(tell: Refused) {
    this.#tell = tell;
  }

  /** What the action gives; undefined where it ends in a GraftError, which is told. @param from one of a bounded number of names */
  async unless<Result>(from: string, action: () => Result | Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await action();
      this.#told.delete(from);
      return result;
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      if (!this.#told.has(from)) this.#tell(error, from);
      this.#told.add(from);
      return undefined;
    }
  }
}
