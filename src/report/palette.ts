/**
 * Colours of outlines on grey images, as red, green, blue.
 *
 * Of one structure every outline has the colour of whom it belongs to. Of several each structure has a colour, and line
 * styles say whose the outline is. The first seven are Okabe and Ito's, made lighter for a dark ground (Color Universal
 * Design, 2008): readers with any colour vision can tell them apart.
 */
import type { Outlined } from './data.js';

export type Colour = readonly [red: number, green: number, blue: number];

const classColours: readonly Colour[] = [
  [86, 180, 233],
  [240, 160, 32],
  [20, 200, 140],
  [245, 235, 80],
  [225, 90, 30],
  [225, 140, 190],
  [255, 255, 255],
];

const ownColours: Record<Outlined, Colour> = {
  truth: [240, 228, 66],
  source: [232, 96, 28],
  frozen: [232, 96, 28],
  local: [232, 96, 28],
  adapted: [86, 180, 233],
  federated: [86, 180, 233],
};

/** @param label from 1 @param classes how many structures there are */
export function outlineColour(of: Outlined, label: number, classes: number): Colour {
  if (classes < 2) return ownColours[of];
  return classColours[label - 1] ?? turned(label);
}

/** Beyond the named colours: hues a golden angle apart, at one lightness. */
function turned(label: number): Colour {
  const hue = (label * 137.508) % 360;
  const channel = (shift: number) => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (0.68 - 0.25 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** How far from the reference, in mm below which a colour stands; from pale to deep, readable on grey. */
export const heatScale: readonly (readonly [below: number, colour: Colour])[] = [
  [1, [255, 237, 160]],
  [2, [254, 178, 76]],
  [4, [252, 109, 46]],
  [8, [227, 26, 28]],
  [Number.POSITIVE_INFINITY, [190, 0, 110]],
];

export const cssColour = (colour: Colour): string => `rgb(${colour.join(' ')})`;
