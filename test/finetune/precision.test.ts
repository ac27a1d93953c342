import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localTrainingSchema, precisionRemark } from '../../src/finetune/index.js';

const remark = (precision: string, device: string) => precisionRemark(localTrainingSchema.parse({ precision }), device);

describe.runIf(process.platform === 'linux')('bfloat16', () => {
  it('is remarked upon where the processor cannot multiply it, and only there', () => {
    const names = new Set(readFileSync('/proc/cpuinfo', 'utf8').split(/\s+/));
    const slow = !['avx512_bf16', 'amx_bf16', 'bf16'].some((name) => names.has(name));
    expect(remark('bfloat16', 'cpu') !== undefined).toBe(slow);
    expect(remark('float32', 'cpu')).toBeUndefined();
    expect(remark('bfloat16', 'cuda:0')).toBeUndefined();
  });
});
