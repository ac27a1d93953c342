/** Slices as a page has them: grey values as PNG, labels as run lengths. */
import type { PanelGroup, ReportSlice } from './data.js';
import { packLabels } from './labels.js';
import type { PageImages, PageSlice } from './page-data.js';
import { encodePng } from './png.js';

export const encodeGroups = (groups: readonly PanelGroup[]): PageImages['groups'] =>
  groups.map(({ title, panels }) => ({
    title,
    panels: panels.map(({ slices, spots, lines, ...panel }) => ({
      ...panel,
      lines: [...lines],
      slices: slices.map(encodeSlice),
      ...(spots && { spots: spots.map((spot) => ({ mm: spot.mm, slices: spot.slices.map(encodeSlice) })) }),
    })),
  }));

/** @throws RangeError when the image does not have width * height pixels */
export const encodeSlice = ({ image, masks, heat, ...slice }: ReportSlice): PageSlice => ({
  ...slice,
  png: encodePng(image, slice.width, slice.height).toString('base64'),
  labels: Object.fromEntries(Object.entries(masks).map(([of, labels]) => [of, packLabels(labels)])),
  ...(heat && { heat: packLabels(heat) }),
});
