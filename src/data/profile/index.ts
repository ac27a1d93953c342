/** What a model's source looks like, and whether an image and the answer to it look like that. */
export { type Doubt, doubtsOf, uncheckedOf } from './doubts.js';
export {
  type CaseFacts,
  type MaskFacts,
  maskFacts,
  quantilesOf,
  type ScanFacts,
  scanFacts,
  scanFactsOfSlices,
} from './facts.js';
export { type Profile, profileOf, profileSchema, widened } from './profile.js';
export { type ScanTags, tagsBeside, tagsOf, writeTagsBeside } from './tags.js';
