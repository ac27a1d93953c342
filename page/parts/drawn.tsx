/** What `src/report` draws as HTML, with every text in it escaped. */
import { html, type Part } from '../../src/report/markup.js';

export const Drawn = ({ markup }: { markup: Part }) => (
  <div class="drawn" dangerouslySetInnerHTML={{ __html: html`${markup}`.text }} />
);
