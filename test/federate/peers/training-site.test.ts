/** What a site refuses before it begins, and the file that all peers start from. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  Coordinator,
  loadFederationStart,
  localTransport,
  memoryStore,
  prepareFederation,
  SigningKey,
  saveFederationStart,
  TrainingSite,
  type Transport,
} from '../../../src/federate/index.js';
import { fingerprint, writeState } from '../../../src/nn/index.js';
import { cases, small } from '../../finetune/small.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-training-site-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = small();
const start = prepareFederation(model, { adapter: { rank: 2 }, config: { rounds: 2 } });
const { publicKey: coordinator } = new SigningKey(memoryStore());
const place = { folder: join(folder, 'a'), transport: localTransport(), coordinator };
const site = { name: 'a', model, start, cases: cases('one'), ...place };

describe('the start of a federation', () => {
  it('comes back from its file, with every default', () => {
    const file = join(folder, 'start.safetensors');
    saveFederationStart(file, start);
    const { initial, ...settings } = loadFederationStart(file);
    const { initial: before, ...given } = start;
    expect(settings).toEqual(given);
    expect(settings).toMatchObject({ plan: 'flap-sam', adapter: { rank: 2, kind: 'lora' }, config: { seed: 1 } });
    expect(fingerprint(initial)).toBe(fingerprint(before));
    writeState(file, initial, { format: 'graft-adapter' });
    expect(() => loadFederationStart(file)).toThrow(/start\.safetensors: .* \(its format is "graft-adapter"\)/);
  });

  it('leaves the model as it was', () => {
    expect(prepareFederation(model).base).toBe(start.base);
    expect([...model.network.state().keys()].filter((name) => name.includes('lora'))).toEqual([]);
  });

  it('is refused where an aggregation would correct what the adapter is not', () => {
    const settings = { adapter: { kind: 'dora' }, config: { aggregation: 'fedex' } } as const;
    expect(() => prepareFederation(model, settings)).toThrow(/fedex corrects the weights for one plain LoRA/);
  });
});

describe('a site', () => {
  it('is refused with another base model, and without cases; the model is left as it was', () => {
    expect(() => new TrainingSite({ ...site, model: small({ seed: 2 }) })).toThrow(/a: the base model here is \w{12}/);
    expect(() => new TrainingSite({ ...site, cases: [] })).toThrow(expect.objectContaining({ code: 'TRAINING_EMPTY' }));
    expect([...model.network.state().keys()].filter((name) => name.includes('lora'))).toEqual([]);
  });

  it('sends no name of a case, of a patient or of a file, whatever happens', async () => {
    const planted = /MUELLER|PATIENT-4711|secret-folder/;
    const labels = {
      name: 'MUELLER',
      patient: 'PATIENT-4711',
      image: '/secret-folder/i.nii',
      label: '/secret-folder/l.nii',
    };
    const transport = localTransport();
    const sent: Uint8Array[] = [];
    const spy: Transport = {
      ...transport,
      putBlob(bytes, round) {
        sent.push(bytes.slice());
        return transport.putBlob(bytes, round);
      },
      updateState(name, state) {
        sent.push(state);
        return transport.updateState(name, state);
      },
    };
    const federation = { config: start.config, plan: start.plan, base: start.base, initial: start.initial };
    using coordinating = new Coordinator({ ...federation, folder: join(folder, 'c'), sites: ['a'], transport });
    using opened = new TrainingSite({
      ...{
        name: 'a',
        model,
        start,
        folder: join(folder, 'planted'),
        transport: spy,
        coordinator: coordinating.publicKey,
      },
      cases: cases('one').map((one) => ({ ...one, case: { ...one.case, ...labels } })),
      allow: ({ round }) => {
        if (round > 1) throw new Error('/secret-folder/MUELLER.nii is damaged');
      },
      excuse: () => 'CACHE_DAMAGED',
    });
    const end = new AbortController();
    const training = (async () => {
      for await (const _ of opened.run(end.signal));
    })();
    const reasons: string[] = [];
    const rounds = async () => {
      for await (const event of coordinating.run(end.signal)) if ('reason' in event) reasons.push(event.reason!);
    };
    await expect(rounds()).rejects.toMatchObject({ code: 'TOO_FEW_SITES' });
    end.abort();
    await training;
    expect(reasons).toEqual(['CACHE_DAMAGED']);
    expect(sent.length).toBeGreaterThan(2);
    for (const bytes of sent) expect(Buffer.from(bytes).toString('latin1')).not.toMatch(planted);
  });

  it('has no adapter before the rounds are over', async () => {
    using opened = new TrainingSite(site);
    for await (const _ of opened.run(AbortSignal.abort()));
    await expect(opened.adapter()).rejects.toMatchObject({ code: 'SITE_UNFINISHED' });
  });
});
