/** Every method keeps the contract. */
import { encoderBlocks } from '../../src/models/index.js';
import { attachConvLora } from '../../src/peft/index.js';
import { contract } from './contract.js';

contract({
  name: 'ConvLoRA',
  attach: (network, seed) => attachConvLora(network, encoderBlocks, {}, seed),
  startsAsBase: true,
});
