/**
 * What something sealed is: no two kinds of it, no two federations and no two sites have the same context, so nothing that
 * was sealed as one thing can be opened as another.
 */
export const contextOf = (federation: string, kind: string, ...more: readonly string[]): Buffer =>
  Buffer.from(JSON.stringify(['graft sealed 1', federation, kind, ...more]));
