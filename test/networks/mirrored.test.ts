/** A U-Net that is asked about mirror images, too. */
import { expect, it } from 'vitest';
import { unet2d } from '../../src/networks/unet2d/index.js';
import { noGrad, tensor } from '../../src/torch/index.js';

const built = (settings: Record<string, unknown>) => {
  const network = unet2d.build(unet2d.configure('unet2d', 1, { filters: 2, ...settings }));
  unet2d.initialise(network, 1);
  return network;
};
const images = tensor(
  Float32Array.from({ length: 16 * 16 }, (_, i) => Math.sin(i * i)),
  [1, 1, 16, 16],
);
const numbers = (value: { toArray(): ArrayLike<number | bigint> }) => Array.from(value.toArray(), Number);

it('gives a mirror image the mirrored answer, which it otherwise does not', () => {
  const asked = built({ mirror: [1] });
  const [answer, mirrored] = noGrad(() => [asked.predict!(images), asked.predict!(images.flip(3)).flip(3)]);
  const once = noGrad(() => asked.logits(asked.encode(images)).sigmoid());
  for (const [i, value] of numbers(answer).entries()) expect(numbers(mirrored)[i]).toBeCloseTo(value, 5);
  expect(numbers(once)).not.toEqual(numbers(answer));
});

it('is asked once where nothing else is said, and is the same network', () => {
  expect(built({}).predict).toBeUndefined();
  expect([...built({}).state().keys()]).toEqual([
    ...built({ mirror: [1] })
      .state()
      .keys(),
  ]);
});
