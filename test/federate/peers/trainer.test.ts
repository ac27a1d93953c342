/** Sites that share a network: nothing of one is seen by another, and corrections reach the frozen weights exactly. */

import { describe, expect, it } from 'vitest';
import { type Pausing, pause, runWithoutPauses } from '../../../src/core/index.js';
import { type AggregationName, FederatedNetwork, type PeerSettings, SiteTrainer } from '../../../src/federate/index.js';
import { localTrainingSchema } from '../../../src/finetune/index.js';
import { copyState, type State } from '../../../src/nn/index.js';
import { noGrad, scope, tensor } from '../../../src/torch/index.js';
import { cases, small } from '../../finetune/small.js';

const settingsOf = ({ adapter = {}, aggregation = 'mean' as AggregationName } = {}): PeerSettings => ({
  plan: 'flap-sam',
  adapter: { rank: 2, ...adapter },
  training: localTrainingSchema.parse({ batch: 4, lr: 5e-3, warmup: 1, overlap: false }),
  config: { aggregation, rounds: 2, seed: 1 },
});
const site = (name: string) => ({ name, train: cases(name) });
const all = { rounds: 2, proximal: undefined, trains: () => true };
const values = (state: State) => Object.fromEntries([...state].map(([name, value]) => [name, [...value.toArray()]]));

/** One round of a site; what it would send and what it remembers, as copies. */
async function round(
  trainer: SiteTrainer,
  number: number,
  global: State,
  local?: State,
  trains = all.trains as (name: string) => boolean,
) {
  trainer.load(global, local);
  const training = trainer.train({ ...all, trains, round: number }, new AbortController().signal);
  for (;;) {
    const { done, value } = await training.next();
    if (done) {
      expect(value.loss).toBeGreaterThan(0);
      return { sent: copyState(trainer.travelling()), local: copyState(trainer.localState()) };
    }
  }
}

describe('sites that share a network', () => {
  it('train as if each were alone, whoever had the turn before', async () => {
    const [together, alone] = [small(), small()].map((model) => new FederatedNetwork(model, settingsOf()));
    const [a, b] = ['a', 'b'].map((name) => new SiteTrainer(together, site(name)));
    const only = new SiteTrainer(alone, site('a'));
    const start = copyState(together.planned.travelling);
    const first = await round(a, 1, start);
    await round(b, 1, start);
    const second = await round(a, 2, first.sent, first.local);
    const first2 = await round(only, 1, start);
    const second2 = await round(only, 2, first2.sent, first2.local);
    expect(values(second.sent)).toEqual(values(second2.sent));
    expect(values(second.local)).toEqual(values(second2.local));
    expect(values(second.sent)).not.toEqual(values(first.sent));
  });

  it('leave what a round does not train as it is', async () => {
    using network = new FederatedNetwork(small(), settingsOf());
    const trainer = new SiteTrainer(network, site('a'));
    const start = copyState(network.planned.travelling);
    const { sent } = await round(trainer, 1, start, undefined, (name) => !name.includes('lora_w_a'));
    const changed = [...sent.keys()].filter(
      (name) =>
        JSON.stringify(values(new Map([[name, sent.get(name)!]]))) !==
        JSON.stringify(values(new Map([[name, start.get(name)!]]))),
    );
    expect(changed.some((name) => name.includes('lora_w_b'))).toBe(true);
    expect(changed.filter((name) => name.includes('lora_w_a'))).toEqual([]);
  });

  it('keep the mixing weights of several LoRAs to themselves', () => {
    using network = new FederatedNetwork(small(), settingsOf({ adapter: { count: 2 } }));
    const trainer = new SiteTrainer(network, site('a'));
    expect([...trainer.travelling().keys()].filter((name) => name.endsWith('lora_scale'))).toEqual([]);
    expect([...trainer.localState().keys()].filter((name) => /^own\/.*lora_scale$/.test(name)).length).toBeGreaterThan(
      0,
    );
  });
});

describe('corrections', () => {
  it('are added to the rows of the adapted weight, once a round, and leave the model with the network', () => {
    const model = small();
    const before = values(model.network.state());
    const network = new FederatedNetwork(model, settingsOf({ adapter: { scale: 2 }, aggregation: 'fedex' }));
    const a = 'image_encoder.blocks.1.attn.lora_w_a_v.0.weight';
    const factors = {
      b: tensor(new Float32Array(32).fill(1), [32, 1]),
      a: tensor(new Float32Array(32).fill(0.25), [1, 32]),
    };
    const corrections = [{ a, b: a.replace('_a_', '_b_'), factors }];
    network.correct(1, corrections);
    network.correct(1, corrections);
    const name = 'image_encoder.blocks.1.attn.qkv.weight';
    const change = () =>
      scope(() =>
        noGrad(() =>
          values(new Map([['x', model.network.state().get(name)!]])).x.map((value, i) =>
            Number((value - before[name][i]).toFixed(5)),
          ),
        ),
      );
    const rows = (amount: number) => [...new Array(64 * 32).fill(0), ...new Array(32 * 32).fill(amount)];
    expect(change()).toEqual(rows(0.5));
    const look = function* (): Pausing<void> {
      yield pause;
      expect(change()).toEqual(rows(1));
    };
    runWithoutPauses(network.corrected(corrections, look()));
    expect(change()).toEqual(rows(0.5));
    network[Symbol.dispose]();
    expect(values(model.network.state())).toEqual(before);
  });
});
