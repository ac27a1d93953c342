/** Names of the classes that a network segments, beside the background; files written before they were kept hold none. */
import { z } from 'zod';
import { jsonOf } from '../nn/index.js';

/** What classes are called where nothing says their names. */
export const unnamedClasses = (count: number): string[] => Array.from({ length: count }, (_, i) => `class ${i + 1}`);

/** In a file's metadata. */
export const classNamesSchema = jsonOf(z.array(z.string())).optional();
