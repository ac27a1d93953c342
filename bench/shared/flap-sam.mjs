/** What travels in the plan `flap-sam` on a SAM at 224 px with two classes and rank 32; of ViT-B 1,846,384 numbers. */
import { Sam, samAdapterSchema, samConfig, samPlans } from '../../dist/networks/sam/index.js';
import { applyPlan } from '../../dist/peft/index.js';
import { onDevice } from '../../dist/torch/index.js';

/** Shapes by name. @returns {Map<string, number[]>} */
export const flapSam = (size = 'sam-vit-b') =>
  onDevice('meta', () => {
    const sam = new Sam(samConfig(size, { imageSize: 224, classes: 2 }));
    const { travelling } = applyPlan(sam, samPlans['flap-sam'], samAdapterSchema.parse({ rank: 32 }), { seed: 1 });
    return new Map([...travelling].map(([name, { shape }]) => [name, shape]));
  });
