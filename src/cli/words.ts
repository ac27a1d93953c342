/** How options are written. Loaded at every start, so it needs nothing. */

/** `imageSize` -> `--image-size` */
export const flagOf = (key: string) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Headings of the help, such as `Options for unet2d`, and the options below each; the others stand first. */
export type OptionGroups = Readonly<Record<string, readonly string[]>>;

/** A word as a shell has to be given it. */
export const shellQuoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
