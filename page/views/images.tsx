/** For every site some cases with the outlines of the reference and of models. */
import { imagePanels } from '../../src/report/images.js';
import { Drawn } from '../parts/drawn.js';
import type { View } from './view.js';

export const images: View = {
  id: 'images',
  title: 'Images',
  shows: ({ images }) => images?.groups.some(({ panels }) => panels.length > 0) ?? false,
  Content: ({ data: { images } }) => <Drawn markup={images && imagePanels(images)} />,
};
