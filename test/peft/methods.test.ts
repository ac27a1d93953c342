/** Every method keeps the contract. */
import { encoderBlocks } from '../../src/networks/unet2d/index.js';
import { attachConvLora, attachFact, attachLora, attachSliceAdapters } from '../../src/peft/index.js';
import { contract, images, type Method, SmallTransformer, slices, smallNetwork } from './contract.js';

const onTransformer = { network: () => new SmallTransformer(), images: slices };
const methods: Method[] = [
  {
    name: 'ConvLoRA',
    attach: (network, seed) => attachConvLora(network, encoderBlocks, {}, seed),
    network: smallNetwork,
    images: (device) => images(1, device),
  },
  { name: 'LoRA', attach: (network, seed) => attachLora(network, { rank: 4 }, seed), ...onTransformer },
  {
    name: 'LoRA on k, the perceptrons and one projection',
    attach: (network, seed) => attachLora(network, { rank: 4, targets: ['k', 'lin1', 'blocks.1.proj'] }, seed),
    ...onTransformer,
  },
  { name: 'two LoRAs', attach: (network, seed) => attachLora(network, { rank: 2, count: 2 }, seed), ...onTransformer },
  { name: 'DoRA', attach: (network, seed) => attachLora(network, { rank: 4, kind: 'dora' }, seed), ...onTransformer },
  { name: 'FacT', attach: (network, seed) => attachFact(network, { rank: 4 }, seed), ...onTransformer },
  {
    name: 'slice adapters',
    attach: (network, seed) => attachSliceAdapters(network, { slices: 2 }, seed),
    ...onTransformer,
    mergeable: false,
  },
];
for (const method of methods) contract(method);
