/** What a model's source looks like, and whether an image and the answer to it look like that. */
export { type Doubt, doubtsOf, uncheckedOf } from './doubts.js';
export {
  type CaseFacts,
  extentOf,
  type MaskFacts,
  maskFacts,
  quantilesOf,
  type ScanFacts,
  scanFacts,
} from './facts.js';
export { type Profile, profileOf, profileSchema } from './profile.js';
