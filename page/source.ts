/** Where the page's data come from: the file itself, and of a server's page what has changed since. */
import type { PageData } from '../src/report/page-data.js';
import { parsePageJson } from '../src/report/page-json.js';

/** They were checked when the file was written. */
export const readData = (): PageData => parsePageJson(document.getElementById('data')!.textContent!) as PageData;

/** Whether a server is there to ask. */
export const isLive = (): boolean => document.querySelector('script[src="app.js"]') !== null;

/**
 * Hears of changes and fetches the data anew. The browser itself connects again after an interruption.
 * @param heard new data, or undefined where the server is gone for now
 * @returns ends it
 */
export function follow(heard: (data: PageData | undefined) => void): () => void {
  const events = new EventSource('events');
  events.addEventListener('changed', async () => {
    const answer = await fetch('data.json');
    if (answer.ok) heard(parsePageJson(await answer.text()) as PageData);
  });
  events.addEventListener('error', () => heard(undefined));
  return () => events.close();
}
