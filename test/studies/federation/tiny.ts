/** A whole federated experiment in seconds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const recipe = `
data:
  phantom: { seed: 1, scanners: [siemens-t1, philips-t2], cases: 3, spacing: 8 }
classes: [brain]
sites: [siemens-t1, philips-t2]
split: { train: 1, validation: 1, test: 1 }
model: { architecture: sam-tiny, imageSize: 32, pretrain: { steps: 2, batch: 2, epoch: 2 } }
preprocessing: { spacing: 8 }
adapter: { rank: 2 }
plans:
  - flap-sam
  - { plan: flap-sam, name: small, federation: { wire: int8 } }
training: { batch: 4, lr: 5.0e-3, warmup: 2, overlap: false }
federation: { rounds: 2 }
device: cpu
threads: 1
`;

export function writeRecipe(folder: string, text = recipe): string {
  const file = join(folder, 'tiny.yaml');
  writeFileSync(file, text);
  return file;
}
