/**
 * Names in checkpoints of other programs. What wraps a network when it is saved puts names before its own: `DataParallel`
 * (`module.`), compiled modules (`_orig_mod.`), Lightning and the like (the attribute that held the network, such as
 * `model.` or `net.`), also several in a row or in the middle. They are found by one name that the network is known by.
 */
import { errorsOf } from '../core/index.js';
import { partOf, type State } from './state.js';

export const foreignErrors = {
  CHECKPOINT_SEVERAL: {
    exit: 'model',
    message: '{file}: holds {count} networks of this kind, under the names {prefixes}.',
    hint: 'Save the one that is meant as a file of its own.',
  },
} as const;
const foreignError = errorsOf(foreignErrors);

/** Put there by PyTorch itself, wherever in a name; no network's own. */
const inserted = /(^|\.)(module|_orig_mod)(?=\.)/g;
/** Attributes and keys that usually hold the network that was trained; others hold copies of it, such as averages. */
const usual = /^((state_dict|model_state_dict|model|net|network)\.)*$/;

/**
 * The tensors of the network itself, by its own names; those outside its prefix are left out.
 *
 * @param landmark a name that only this kind of network has
 * @returns undefined where nothing is called so
 * @throws GraftError CHECKPOINT_SEVERAL
 */
export function unwrap(state: State, landmark: string, file: string): State | undefined {
  const plain: State = new Map([...state].map(([name, value]) => [tidy(name), value]));
  const prefixes = [...plain.keys()].flatMap((name) => {
    const prefix = name.slice(0, -landmark.length);
    return name.endsWith(landmark) && /(^|\.)$/.test(prefix) ? [prefix] : [];
  });
  const expected = prefixes.filter((prefix) => usual.test(prefix));
  const [prefix, second] = expected.length > 0 ? expected : prefixes;
  if (prefix === undefined) return undefined;
  if (second !== undefined)
    throw foreignError('CHECKPOINT_SEVERAL', { file, count: prefixes.length, prefixes: prefixes.join(', ') });
  return partOf(plain, prefix);
}

const tidy = (name: string) => name.replace(inserted, '').replace(/^\./, '');
