/** Whether the pixels of an image have lost something to compression, now or on their way here (PS3.3 C.7.6.1.1.5). */
import type { Elements } from './data-set.js';

export interface LossyCompression {
  /** Of each compression in turn; the file's own where the header states none. */
  ratios: number[];
  methods: string[];
}

/** Methods of the transfer syntaxes that lose something (PS3.3 C.7.6.1.1.5.1); those of JPEG 2000 may be lossless. */
const methods: Record<string, string> = {
  '1.2.840.10008.1.2.4.50': 'ISO_10918_1',
  '1.2.840.10008.1.2.4.51': 'ISO_10918_1',
  '1.2.840.10008.1.2.4.81': 'ISO_14495_1',
  '1.2.840.10008.1.2.4.91': 'ISO_15444_1',
  '1.2.840.10008.1.2.4.93': 'ISO_15444_2',
  '1.2.840.10008.1.2.4.203': 'ISO_15444_15',
};

/** @param size of the file in bytes */
export function lossyOf(
  elements: Elements,
  { rows, columns, size }: { rows: number; columns: number; size: number },
): LossyCompression | undefined {
  const method = methods[elements.text('transferSyntax') ?? ''];
  const stated = elements.text('lossy');
  if (stated !== '01' && (!method || (stated === '00' && method !== 'ISO_10918_1'))) return undefined;
  const valid = (text: string) => /^[A-Z0-9_ ]{1,16}$/.test(text);
  const statedMethods = elements.texts('lossyMethod').filter(valid);
  const statedRatios = elements.numbers('lossyRatio', Math.max(1, elements.texts('lossyRatio').length)) ?? [];
  const bytes = rows * columns * (elements.count('samples') ?? 1) * ((elements.count('bits') ?? 16) / 8);
  const frames = elements.numbers('frames', 1)?.[0] ?? 1;
  const own = (bytes * frames) / Math.max(1, size - (elements.pixels?.offset ?? 0));
  return {
    ratios: statedRatios.length > 0 ? statedRatios : method ? [Number(own.toPrecision(3))] : [],
    methods: statedMethods.length > 0 ? statedMethods : method ? [method] : [],
  };
}
