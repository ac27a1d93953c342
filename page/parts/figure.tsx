/** A figure that `src/report` draws, with a link that saves it as an SVG file. */
import type { ComponentChildren } from 'preact';
import type { Markup } from '../../src/report/markup.js';
import { style } from '../../src/report/style.js';
import { Drawn } from './drawn.js';
import { SaveButton } from './save.js';

interface Props {
  /** Of the file. */
  name: string;
  markup: Markup;
  /** The caption. */
  children?: ComponentChildren;
}

export const Figure = ({ name, markup, children }: Props) => (
  <figure class="saved">
    <Drawn markup={markup} />
    <figcaption class="key">
      {children}{' '}
      <SaveButton name={`${name}.svg`} type="image/svg+xml" text={() => standalone(markup)} label="Save as SVG" />
    </figcaption>
  </figure>
);

/** A file of its own, in the light colours that paper has. */
export const standalone = ({ text }: Markup): string =>
  text.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('>', `><style>${paperStyle}</style>`);

/** The rules that charts need, without those of dark screens. */
const paperStyle = style
  .replace(/@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, '')
  .split('\n')
  .filter((line) => /^(:root|\s+--|\.(chart|grid|base|reference|line|leader|whisker|c0))/.test(line))
  .join('\n')
  .concat('\nsvg { font-family: system-ui, sans-serif; background: var(--paper); }');
