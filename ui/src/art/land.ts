/** Drawn covers: landscapes. Each motif fills a box of w by h and is made of numbers only. */
import { box, circle, fixed, type Motif, path, stroke } from './marks.ts';

/** Mountain ridges under a moon, with stars. */
export const peaks: Motif = ({ w, h, dice, colours: [ground, middle, high, pop] }) => {
  const stars = Array.from({ length: 44 }, () =>
    circle(dice() * w, dice() * h * 0.7, 0.6 + dice() * 1.5, pop, 0.25 + dice() * 0.6),
  );
  const ridge = (level: number, swing: number, step: number, colour: string, opacity = 1) => {
    let line = `M-9 ${h + 9}V${fixed(h * level)}`;
    for (let x = -9; x < w + 9; ) {
      x += w * step * (0.6 + dice() * 0.8);
      line += `L${fixed(x)} ${fixed(h * (level + (dice() - 0.5) * swing))}`;
    }
    return path(`${line}V${h + 9}Z`, colour, opacity);
  };
  return [
    ...stars,
    circle(w * 0.68, h * 0.33, h * 0.13, pop, 0.95),
    ridge(0.52, 0.2, 0.12, middle),
    ridge(0.65, 0.15, 0.1, high, 0.4),
    ridge(0.76, 0.13, 0.09, middle),
    ridge(0.88, 0.09, 0.1, ground),
  ];
};

/** A sun cut into bands, over a grid that runs to the horizon. */
export const dusk: Motif = ({ w, h, colours: [ground, middle, high, pop] }) => {
  const r = Math.min(w * 0.34, h * 0.3);
  const [x, y, horizon] = [w / 2, h * 0.47, h * 0.72];
  const bands = Array.from({ length: 7 }, (_, i) =>
    box(x - r - 2, y + i * r * 0.15 + i * i * 0.4, 2 * r + 4, 1.5 + i * 1.5, middle),
  );
  const rays = Array.from({ length: 21 }, (_, i) =>
    stroke(`M${fixed(x)} ${fixed(horizon)}L${fixed(x + (i - 10) * w * 0.2)} ${h}`, high, 1.1, 0.65),
  );
  const rows = Array.from({ length: 6 }, (_, i) =>
    stroke(`M0 ${fixed(horizon + 1 + i * i * h * 0.0098)}H${w}`, high, 1.1, 0.65),
  );
  return [
    circle(x, y, r, high),
    circle(x, y - r * 0.16, r * 0.8, pop, 0.55),
    ...bands,
    box(0, horizon, w, h, ground),
    ...rays,
    ...rows,
  ];
};

/** A road that comes out of the distance. */
export const road: Motif = ({ w, h, colours: [ground, middle, high, pop] }) => {
  const curve =
    `M${fixed(-w * 0.2)} ${fixed(h * 0.98)}C${fixed(w * 0.52)} ${fixed(h * 0.96)},` +
    `${fixed(w * 0.08)} ${fixed(h * 0.36)},${fixed(w * 1.1)} ${fixed(h * 0.28)}`;
  const dashes = `stroke-dasharray="${fixed(h * 0.06)} ${fixed(h * 0.05)}"`;
  return [
    box(0, 0, w, h, middle),
    circle(w * 0.8, h * 0.62, h * 0.085, high),
    stroke(curve, ground, h * 0.3),
    stroke(curve, pop, h * 0.27),
    stroke(curve, ground, h * 0.25),
    stroke(curve, high, h * 0.034, 1, dashes),
  ];
};

/** Dunes under a low sun. */
export const dunes: Motif = ({ w, h, dice, colours: [ground, middle, high, pop] }) => {
  const layers = [high, high, middle, middle, ground].map((colour, i) => {
    const y = h * (0.42 + i * 0.12);
    const bend = fixed(w * (0.2 + dice() * 0.25));
    const line =
      `M-5 ${fixed(y + h * 0.05)}Q${bend} ${fixed(y - h * 0.12)},${fixed(w * 0.6)} ` +
      `${fixed(y + h * 0.03)}T${w + 5} ${fixed(y - h * 0.02)}V${h + 5}H-5Z`;
    return path(line, colour, i === 0 ? 0.65 : i === 2 ? 0.85 : 1);
  });
  return [circle(w * 0.28, h * 0.3, h * 0.1, pop), ...layers];
};

/** Rows of waves, the nearer the darker. */
export const waves: Motif = ({ w, h, colours: [ground, middle, high, pop] }) => {
  const rows = Array.from({ length: 9 }, (_, i) => {
    const lift = h * 0.034;
    let line = `M${-30 + (i % 2) * 15} ${fixed(h * (0.26 + i * 0.085))}`;
    for (let x = -30; x < w + 60; x += 46) {
      line += `q11.5 ${fixed(-lift)} 23 0t23 0`;
    }
    const colour = i % 4 === 0 ? high : i % 2 ? middle : ground;
    return path(`${line}V${h + 9}H-30Z`, colour, 0.55 + i * 0.05);
  });
  return [circle(w * 0.72, h * 0.2, h * 0.08, pop), ...rows];
};

/** A town at night, three rows deep. */
export const town: Motif = ({ w, h, dice, colours: [ground, middle, high, pop] }) => {
  const marks = [circle(w * 0.62, h * 0.32, h * 0.16, high)];
  [middle, ground, ground].forEach((colour, row) => {
    for (let x = -4; x < w; ) {
      const wide = Math.max(14, Math.min(w * 0.13, h * 0.17) * (0.5 + dice() * 0.6));
      const top = h * (0.76 - 0.16 - dice() * 0.36 + row * 0.07);
      marks.push(box(x, top, wide - 1, h - top, colour, 0.8 + row * 0.1));
      for (let light = 0; row > 0 && light < 6; light += 1) {
        const [left, down, on] = [dice(), dice(), dice()];
        if (on > 0.45) {
          const colour = on > 0.7 ? high : pop;
          marks.push(box(x + 2 + left * (wide - 8), top + 5 + down * h * 0.24, 3.4, 3.4, colour));
        }
      }
      x += wide;
    }
  });
  return marks;
};
