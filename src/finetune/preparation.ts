/** How images are prepared for a network that takes windows of slices, and how files keep it. */
import { z } from 'zod';
import {
  type Preprocessing,
  type Profile,
  preprocessingSchema,
  profileSchema,
  type WindowConfig,
  windowSchema,
} from '../data/index.js';
import { jsonOf } from '../nn/index.js';

/** How volumes become images: training and prediction share it, and it is kept in every file. */
export interface Preparation {
  preprocessing: Preprocessing;
  windows: WindowConfig;
  /** What the images it was trained on look like, and its answers to them; absent in files of before and untrained bases. */
  profile?: Profile | undefined;
}

export const preparationShape = {
  classes: jsonOf(z.array(z.string())),
  preprocessing: jsonOf(preprocessingSchema),
  windows: jsonOf(windowSchema),
  profile: jsonOf(profileSchema).optional(),
};
