/** What is seen of a model on one case without labels. */

/** Of one case. */
export interface Observation {
  /** Segmented volume of all classes in ml. */
  volumeMl: number;
  /** Entropy of the probabilities in bits, summed over the voxels and divided by the number of segmented ones. */
  entropy: number;
  /** Mean surface Dice of the early against the final head's mask over the classes. */
  agreement: number;
  /** Mean surface Dice over the classes of the masks and of what the network says of the slices' mirror images. */
  mirrored?: number;
}
