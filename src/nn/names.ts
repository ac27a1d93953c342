/** Names of tensors in messages. */

/** A few names for a message. */
export function someNames(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
  return all.length === 0 ? 'none' : all.slice(0, 3).join(', ') + more;
}
