/** Checkpoints of Segment Anything: other image sizes, other heads, and files that do not fit. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSamCheckpoint, Sam, samConfig, samSchema } from '../../src/networks/sam/index.js';
import { copyState, fingerprint, initialiseModule, writeState } from '../../src/nn/index.js';
import { root } from '../child.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-sam-'));
afterAll(() => rmSync(folder, { recursive: true }));

const config = samSchema.parse({
  imageSize: 64,
  embedDim: 32,
  depth: 2,
  heads: 2,
  globalAttention: [1],
  window: 3,
  promptDim: 32,
  decoderMlp: 48,
});
const model = (change: Partial<typeof config>, seed = 1) => {
  const sam = new Sam({ ...config, ...change });
  initialiseModule(sam, seed, 'sam');
  return sam;
};
const written = (name: string, sam: Sam) => {
  const path = join(folder, `${name}.safetensors`);
  writeState(path, sam.state());
  return path;
};
const ofMasks = /mask_tokens|output_hypernetworks_mlps|iou_prediction_head/;
const tables = ['blocks.1.attn.rel_pos_h', 'blocks.1.attn.rel_pos_w', 'pos_embed'].map(
  (name) => `image_encoder.${name}`,
);

describe('a stock checkpoint', () => {
  const stock = model({}, 2);
  const path = written('stock', stock);

  it('fills the same model bit by bit', () => {
    const sam = model({});
    const report = loadSamCheckpoint(sam, path);
    expect(report).toMatchObject({ resized: [], fresh: [], unused: [] });
    expect(fingerprint(sam.state())).toBe(fingerprint(stock.state()));
  });

  it('at another image size has its tables of positions resized, the windows’ are kept', () => {
    const report = loadSamCheckpoint(model({ imageSize: 96 }), path);
    expect(report.resized.sort()).toEqual(tables);
    expect(report).toMatchObject({ fresh: [], unused: [] });
  });

  it('gives a model with classes all but what its masks need', () => {
    const sam = model({ classes: 3 });
    const before = copyState(sam.state());
    const { loaded, fresh, unused } = loadSamCheckpoint(sam, path);
    const upscaling = [4, 6, 7, 9].flatMap((i) => ['weight', 'bias'].map((part) => `output_upscaling.${i}.${part}`));
    expect(fresh.filter((name) => !ofMasks.test(name)).map((name) => name.replace('mask_decoder.', ''))).toEqual(
      upscaling,
    );
    expect(fresh.filter((name) => ofMasks.test(name)).length).toBe(1 + 4 * 6 + 6);
    expect(unused.every((name) => ofMasks.test(name))).toBe(true);
    expect(loaded.length + fresh.length).toBe(sam.state().size);
    for (const name of fresh) expect(sam.state().get(name)?.toArray()).toEqual(before.get(name)?.toArray());
    for (const name of loaded) expect(sam.state().get(name)?.toArray()).toEqual(stock.state().get(name)?.toArray());
  });
});

describe('a checkpoint with classes', () => {
  const path = written('classes', model({ classes: 2 }, 3));

  it('fills a model with the same classes, at any image size', () => {
    expect(loadSamCheckpoint(model({ classes: 2, imageSize: 48 }), path)).toMatchObject({ fresh: [], unused: [] });
  });

  it('gives a model with other classes all of the upscaling', () => {
    const { fresh } = loadSamCheckpoint(model({ classes: 4 }), path);
    expect(fresh.every((name) => ofMasks.test(name))).toBe(true);
  });
});

describe('a file that does not fit', () => {
  const refused = (path: string, sam = model({})) => {
    const before = fingerprint(sam.state());
    let message = '';
    try {
      loadSamCheckpoint(sam, path);
    } catch (error) {
      const { code, message: text, hint } = error as { code: string; message: string; hint: string };
      message = `${code}: ${text} ${hint}`;
    }
    expect(fingerprint(sam.state())).toBe(before);
    return message;
  };

  it('is refused where its encoder has another size, with the name of its architecture', () => {
    const path = written('tiny', new Sam(samConfig('sam-tiny', { imageSize: 64 })));
    expect(refused(path, model({ depth: 4 }))).toMatch(
      /^SAM_CHECKPOINT_SHAPE: .*tiny.safetensors.*\[.*64.*\].*sam-tiny/,
    );
    expect(refused(written('small', new Sam({ ...config, embedDim: 48 })))).toMatch(/encoder with 48 channels/);
  });

  it('is refused where its encoder is deeper or shallower, or has other windows', () => {
    expect(refused(written('stock', model({})), model({ depth: 3 }))).toMatch(
      /^SAM_CHECKPOINT_DEPTH: .* 2 blocks.* 3\./,
    );
    expect(refused(written('deep', model({ depth: 3 })))).toMatch(/^SAM_CHECKPOINT_DEPTH: .* 3 blocks.* 2\./);
    expect(refused(written('windows', model({ window: 2 })))).toMatch(/SHAPE: .*blocks\.0\.attn\.rel_pos_h.*\[3, 16\]/);
  });

  it('is refused where tensors are missing that do not belong to the head', () => {
    const path = join(folder, 'partial.safetensors');
    const state = model({}).state();
    state.delete('prompt_encoder.no_mask_embed.weight');
    writeState(path, state);
    expect(refused(path)).toMatch(/^SAM_CHECKPOINT_MISSING: .*no_mask_embed\.weight \(\[1, 32\]\).*1 are missing/);
  });

  it('is refused where it holds something else', () => {
    const path = join(root, 'test/golden/unet2d/tensors.safetensors');
    expect(refused(path)).toMatch(/^SAM_CHECKPOINT_FOREIGN: .*no Segment Anything model/);
  });

  it.each([
    ['.pth', join(root, 'test/golden/sam-checkpoint/checkpoint.pth')],
    ['legacy .pth', join(root, 'test/golden/sam-checkpoint-legacy/checkpoint.pth')],
    ['safetensors', written('whole', model({}))],
  ])('is refused where it is cut short: %s', (kind, path) => {
    const bytes = readFileSync(path);
    const cut = join(folder, `cut-${kind.replace(' .', '-')}`);
    for (const share of [0.3, 0.9]) {
      writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length * share)));
      expect(refused(cut)).toMatch(/^[A-Z_]+: .*cut-/);
    }
  });
});
