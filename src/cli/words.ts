/** How command lines are written. Loaded at every start, so it needs nothing. */
import { basename, relative } from 'node:path';

/** `imageSize` -> `--image-size` */
export const flagOf = (key: string) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Headings of the help, such as `Options for unet2d`, and the options below each; the others stand first. */
export type OptionGroups = Readonly<Record<string, readonly string[]>>;

/** A word as a shell has to be given it. */
export const shellQuoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** How the program was called: `graft`, with npx before it where npx did, or node and the file. */
function programName(): string {
  const file = process.argv[1] ?? 'graft';
  if (basename(file) !== 'graft') return `node ${shellQuoted(relative('', file))}`;
  return process.env.npm_command === 'exec' ? 'npx graft' : 'graft';
}

/** This very command line, to be typed again. @param more words to add unless they are there */
export const thisCommand = (...more: string[]): string => {
  const words = process.argv.slice(2);
  return [programName(), ...words.map(shellQuoted), ...more.filter((word) => !words.includes(word))].join(' ');
};
