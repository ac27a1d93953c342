/** The time on a page, and how long is left at this moment. */
import { useEffect, useState } from 'preact/hooks';
import type { PageWork } from '../../src/report/page-data.js';
import { isLive } from '../source.js';
import { secondsLeft } from './time-left.js';

/** The time, anew every second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const clock = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(clock);
  }, []);
  return now;
}

/** `secondsLeft` at this moment, on a page that is served. */
export function useSecondsLeft(): (work: PageWork | undefined) => number | undefined {
  const now = useNow();
  return (work) => work && secondsLeft(work, isLive() ? now : undefined);
}
