/** Files of versions that had formats of their own for Segment Anything. */

type Metadata = Record<string, string>;

export const earlier = {
  model(metadata: Metadata): Metadata | undefined {
    if (metadata.format !== 'graft-sam') return undefined;
    return { ...metadata, format: 'graft-model', family: 'sam', heads: '[]' };
  },
  adapter(metadata: Metadata): Metadata | undefined {
    if (metadata.format !== 'graft-sam-adapter') return undefined;
    const { plan, ...rest } = metadata;
    return { ...rest, format: 'graft-adapter', family: 'sam', method: plan };
  },
};
