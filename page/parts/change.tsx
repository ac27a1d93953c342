/** A difference with its sign, and an arrow and a colour that say whether it is for the better. */
import { fixed } from '../../src/report/format.js';

export function Change({ gain, better, digits }: { gain: number | null; better: 'higher' | 'lower'; digits: number }) {
  if (gain === null) return <span class="muted">–</span>;
  const nothing = Math.abs(gain) < 0.5 * 10 ** -digits;
  const difference = better === 'higher' ? gain : -gain;
  return (
    <span class={nothing ? 'muted' : gain > 0 ? 'gain' : 'loss'}>
      {nothing ? '' : gain > 0 ? '▲ ' : '▼ '}
      {difference > 0 && !nothing ? '+' : ''}
      {nothing ? '0' : fixed(difference, digits)}
    </span>
  );
}
