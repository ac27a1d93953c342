/** A site without work, for what a federation costs beside training. */

/** A trainer that trains nothing. @param {Map<string, object>} state what travels */
export const idle = (state) => ({
  ...{ base: 'none', slices: 1, cases: 1 },
  load() {},
  async *train() {
    yield undefined;
    return {};
  },
  travelling: () => state,
  localState: () => new Map(),
});
