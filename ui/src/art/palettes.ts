/** Colours of drawn covers: ground, middle, high, and the one for the title and the brightest. */
export type Palette = readonly [ground: string, middle: string, high: string, pop: string];

export const PALETTES: readonly Palette[] = [
  ['#0d1b3d', '#21498f', '#8fc7ff', '#f5f0e1'],
  ['#3b0a2a', '#c21f5b', '#ff8f4a', '#ffe27a'],
  ['#0f3d33', '#1f8a63', '#ffd24a', '#fff3c9'],
  ['#2a2118', '#8c5a2b', '#e8b06a', '#f7e7c8'],
  ['#1d1133', '#5c2f99', '#d07ff2', '#ffe9ff'],
  ['#071d2b', '#0f6b80', '#3fe0cf', '#f8fbe8'],
  ['#15240f', '#4c7a2a', '#b9e05a', '#f4ffd9'],
  ['#2b0f0f', '#a32b22', '#ff6f4e', '#ffd9b0'],
  ['#04232e', '#006f8f', '#62d8ff', '#ffb35c'],
  ['#3a1c0c', '#b3541e', '#ffb04d', '#fff0cf'],
  ['#14161f', '#454b63', '#b9c0d9', '#ff8a5c'],
  ['#10221f', '#2f5d50', '#8fd0a5', '#ff9a7d'],
  ['#1a0b2e', '#4b1fa8', '#ff4fa3', '#4ff0ff'],
  ['#0c1424', '#1e3a78', '#4f8dff', '#ffdf5c'],
  ['#05222a', '#0b5562', '#38b0a8', '#f6efd5'],
  ['#3d0f12', '#b8322a', '#ffb13d', '#fff1cf'],
  ['#121a12', '#365c3c', '#e2e86b', '#f7ffe0'],
  ['#221a2b', '#6b4a7a', '#f0a7b5', '#fff3ea'],
  ['#0a2410', '#0f6e3d', '#5fe08a', '#eaffd6'],
  ['#2c1406', '#7c3a12', '#ffa45c', '#ffe9d0'],
  ['#101c33', '#3a5f9e', '#f0b36a', '#fff4e0'],
  ['#27101d', '#8a2f62', '#ff9fc2', '#fff0f4'],
  ['#0b1f1f', '#256a6a', '#f2c14e', '#fdf3d6'],
  ['#1b1b12', '#66602a', '#d9cf6a', '#fffbe0'],
];
