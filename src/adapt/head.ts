/** Which of a model's early heads an adaptation listens to. */
import type { EarlyHead } from '../networks/index.js';
import type { Segmenter } from '../segmenter/index.js';
import { adaptError } from './errors.js';

/** The nearest early head at a level or deeper: its loss reaches every block up to there. @throws GraftError HEAD_MISSING */
export function headFor({ heads, family }: Segmenter, level: number, method: string): EarlyHead {
  const levels = [...heads.keys()].sort();
  const head = heads.get(levels.find((one) => one >= level) ?? -1);
  if (head) return head;
  const { encoder } = family.blocks;
  const present = levels.map((one) => encoder[one]).join(', ');
  throw adaptError('HEAD_MISSING', { method, block: encoder[level], heads: present || 'none' });
}
