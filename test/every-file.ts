/**
 * What helpers clean up after each file. A hook of vitest at a helper's top would run after the first file of a process
 * alone, since the files of a process share the module.
 */
const ends: (() => unknown)[] = [];

/** Has it done after each file whose process has loaded the caller; what was registered last is done first. */
export function afterEveryFile(end: () => unknown): void {
  ends.unshift(end);
}

/** Called by `setup.ts`. */
export async function endFile(): Promise<void> {
  for (const end of ends) await end();
}
