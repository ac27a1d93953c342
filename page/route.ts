/**
 * Where the reader is, in the address's fragment, so that links, reloading and the back button work: `#cases` is a section,
 * `#cases?by=dice` the section with choices, `#case/SITE/NAME` a case.
 */
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  path: string[];
  choices: URLSearchParams;
}

export function parseRoute(fragment: string): Route {
  const [path, choices = ''] = fragment.replace(/^#/, '').split('?', 2);
  return { path: path.split('/').map(decoded), choices: new URLSearchParams(choices) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a case. */
export const caseAddress = (site: string, name: string): string =>
  `#case/${encodeURIComponent(site)}/${encodeURIComponent(name)}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

/** Choices of one section, kept in the address without a step in the browser's history. */
export function useChoices<Choices extends Record<string, string>>(
  section: string,
  initial: Choices,
): [Choices, (changed: Partial<Choices>) => void] {
  const [choices, setChoices] = useState<Choices>(() => {
    const { path, choices: given } = parseRoute(location.hash);
    return path[0] === section ? { ...initial, ...Object.fromEntries(given) } : initial;
  });
  const change = (changed: Partial<Choices>) => {
    const next = { ...choices, ...changed };
    setChoices(next);
    const told = Object.entries(next).filter(([key, value]) => value !== initial[key]);
    history.replaceState(null, '', `#${section}${told.length > 0 ? `?${new URLSearchParams(told)}` : ''}`);
  };
  return [choices, change];
}
