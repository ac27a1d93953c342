/**
 * Fed-KiTS19: which of KiTS19's cases belong to which site, which of them test, and how the intensities of a site are
 * scaled.
 *
 * Sites and parts are FLamby's (Ogier du Terrail et al. 2022, `fed_kits19`): the six institutions with ten cases or more,
 * in its order, the first four fifths for training. Constants are those of FLAP-SAM's code, found by nnU-Net on every
 * site's kidneys and tumours: the percentiles 0.5 and 99.5, the mean and the deviation in Hounsfield units.
 */
interface KitsSite {
  train: readonly number[];
  test: readonly number[];
  intensity: { low: number; high: number; mean: number; deviation: number };
}

export const kitsSites: Readonly<Record<string, KitsSite>> = {
  A: {
    train: [21, 38, 55, 62, 74, 129, 164, 173, 175],
    test: [181, 195, 208],
    intensity: { low: -66, high: 208, mean: 100.54512023925781, deviation: 61.67744445800781 },
  },
  B: {
    train: [0, 27, 51, 86, 101, 108, 116, 139, 141, 142, 155],
    test: [161, 165, 198],
    intensity: { low: -77, high: 341, mean: 110.72207641601562, deviation: 84.01102447509766 },
  },
  C: {
    train: [3, 14, 33, 42, 98, 100, 102, 103, 120],
    test: [154, 156, 157],
    intensity: { low: -89, high: 325, mean: 123.67296600341797, deviation: 97.30636596679688 },
  },
  D: {
    train: [53, 67, 70, 75, 78, 87, 113, 126, 135],
    test: [140, 159, 188],
    intensity: { low: -64, high: 202, mean: 71.06884002685547, deviation: 52.98845672607422 },
  },
  E: {
    train: [11, 20, 39, 56, 69, 73, 77, 80, 119, 122, 136, 152],
    test: [153, 177, 184, 209],
    intensity: { low: -64, high: 236, mean: 91.36735534667969, deviation: 60.98041915893555 },
  },
  F: {
    train: [1, 2, 5, 16, 22, 26, 30, 47, 49, 52, 59, 63, 68, 71, 76, 89, 91, 93, 96, 110, 114, 115, 118, 132],
    test: [144, 146, 147, 148, 151, 158],
    intensity: { low: -82, high: 288, mean: 105.31212615966797, deviation: 76.49889373779297 },
  },
};
