/** Reading a file. Usage: read-files.mjs safetensors FILE, read-files.mjs nifti FILE. */
import { readVolume } from '../../dist/data/index.js';
import { copyInto, disposeState, readState } from '../../dist/nn/index.js';
import { zeros } from '../../dist/torch/index.js';
import { serve } from './worker.mjs';

const [kind, file] = process.argv.slice(2);

/** Into tensors that are there, as a network's are. */
function loader() {
  const { state } = readState(file);
  const target = new Map([...state].map(([name, { shape }]) => [name, zeros(shape)]));
  disposeState(state);
  return () => {
    const { state: read } = readState(file);
    copyInto(target, read);
    disposeState(read);
    return target.size;
  };
}
await serve(kind === 'safetensors' ? loader() : () => readVolume(file).data[0]);
