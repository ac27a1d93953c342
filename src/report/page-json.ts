/** A page's data as text: JSON with the numbers that JSON lacks, such as a distance where a mask is empty. */

const beyond: Record<string, number> = {
  '#NaN': Number.NaN,
  '#Infinity': Number.POSITIVE_INFINITY,
  '#-Infinity': Number.NEGATIVE_INFINITY,
};

export const pageJson = (data: object): string =>
  JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? `#${value}` : value,
  );

/** What `pageJson` wrote, as far as it is JSON. @throws SyntaxError */
export const parsePageJson = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && Object.hasOwn(beyond, value) ? beyond[value] : value,
  );
