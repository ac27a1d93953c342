/** Names of classes, which are keys of results: of two equal ones, one's numbers would pass for the other's. */
import { z } from 'zod';
import { keyFault, repeated, shownName } from '../core/index.js';

/** A list without repetition. */
export const distinct = <Item extends z.ZodType<string>>(item: Item) =>
  z
    .array(item)
    .min(1)
    .superRefine((names, context) => {
      const twice = repeated(names);
      if (twice !== undefined) context.addIssue(`${shownName(twice)} is there twice`);
    });

/** A name that becomes a key of results. */
const keyNameSchema = z.string().superRefine((name, context) => {
  const fault = keyFault(name);
  if (fault) context.addIssue(`"${shownName(name)}" cannot be a name: ${fault}`);
});

/** Names of the labels 1, 2, … */
export const classNamesSchema = distinct(keyNameSchema);
