/** HTML in which text is harmless by default: everything put into an `html` template is escaped unless it is `Markup`. */

/** Text that is HTML already. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: lists are joined, `undefined` is nothing. */
export type Part = Markup | string | number | undefined | readonly Part[];

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** The text with everything replaced that could end an element's content or a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);

const textOf = (part: Part): string => {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  return typeof part === 'object' ? part.map(textOf).join('') : escapeHtml(String(part));
};

/**
 * @example
 * html`<td title="${name}">${cells.map((cell) => html`<b>${cell}</b>`)}</td>`
 */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Markup =>
  new Markup(strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string));
