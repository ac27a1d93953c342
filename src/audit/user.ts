/** Under which account this process runs. */
import { userInfo } from 'node:os';

/** Containers may run under a number that has no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
