/** Drawn covers: figures without a place. */
import { box, circle, ellipse, fixed, type Motif, path, stroke } from './marks.ts';

/** Lines of equal height around a mark. */
export const heights: Motif = ({ w, h, dice, colours: [ground, middle, high, pop] }) => {
  const [x, y] = [w * 0.6, h * 0.46];
  const rings = Array.from({ length: 11 }, (_, i) => {
    const r = (11 - i) * h * 0.078;
    const look = `stroke="${high}" stroke-opacity=".5" stroke-width="1.1"`;
    const [rx, ry] = [r * 1.05 + dice() * 7, r * 0.8 + dice() * 7];
    return ellipse(x, y, rx, ry, i % 2 ? ground : middle, 0.3 + 0.05 * i, -24 + i * 4, look);
  });
  const cross = `M${fixed(x - 5)} ${fixed(y - 15)}h10v10h10v10h-10v10h-10v-10h-10v-10h10z`;
  return [...rings, path(cross, pop)];
};

/** Broken rings that turn against each other. */
export const rings: Motif = ({ w, h, dice, colours: [, middle, high, pop] }) => {
  const [x, y] = [w / 2, h * 0.47];
  const broken = Array.from({ length: 9 }, (_, i) => {
    const dash = `${fixed(20 + dice() * 90)} ${fixed(8 + dice() * 30)}`;
    const turn = `rotate(${fixed(dice() * 360)} ${fixed(x)} ${fixed(y)})`;
    const colour = [high, middle, pop][i % 3] ?? pop;
    const look = `stroke="${colour}" stroke-width="${fixed(h * 0.021)}"`;
    const where = `cx="${fixed(x)}" cy="${fixed(y)}" r="${fixed((i + 1) * h * 0.062)}"`;
    return `<circle ${where} fill="none" ${look} stroke-dasharray="${dash}" transform="${turn}"/>`;
  });
  return [...broken, circle(x, y, h * 0.03, pop)];
};

/** A planet and its moons. */
export const orbit: Motif = ({ w, h, dice, colours: [, middle, high, pop] }) => {
  const [x, y] = [w * 0.46, h * 0.46];
  const paths = Array.from({ length: 4 }, (_, i) => {
    const look = `stroke="${pop}" stroke-opacity="${fixed(0.75 - i * 0.13)}" stroke-width="1.3"`;
    return ellipse(x, y, h * (0.27 + i * 0.085), h * (0.08 + i * 0.03), 'none', 1, -22, look);
  });
  return [
    circle(x, y, h * 0.19, middle),
    circle(x - h * 0.03, y - h * 0.04, h * 0.14, high, 0.55),
    ...paths,
    circle(w * (0.74 + dice() * 0.1), h * 0.27, h * 0.035, pop),
    circle(w * 0.14, h * (0.6 + dice() * 0.1), h * 0.022, high),
  ];
};

/** Falling blocks. */
export const blocks: Motif = ({ w, h, dice, colours: [, middle, high, pop] }) => {
  const side = h * 0.105;
  const marks: string[] = [];
  for (let row = 0; row < 9; row += 1) {
    for (let column = 0; column < w / side; column += 1) {
      const fate = dice();
      if (fate > 0.42) {
        const colour = fate > 0.9 ? pop : fate > 0.72 ? high : middle;
        const [left, top] = [column * side, h * 0.05 + row * side];
        marks.push(box(left, top, side - 3, side - 3, colour, 0.45 + fate * 0.5, 3));
      }
    }
  }
  return marks;
};

/** Columns of sound. */
export const bars: Motif = ({ w, h, dice, colours: [ground, middle, high, pop] }) => {
  const count = Math.max(13, Math.round((w / h) * 17));
  const columns = Array.from({ length: count }, (_, i) => {
    const tall = h * (0.16 + dice() * 0.5);
    const colour = i % 4 === 1 ? pop : i % 2 ? high : middle;
    return box((i * w) / (count - 0.5), h * 0.78 - tall, w / count / 1.35, tall, colour);
  });
  return [...columns, box(0, h * 0.78, w, h, ground, 0.9)];
};

/** A bundle of fibres that bends down. */
export const fibre: Motif = ({ w, h, dice, colours: [, middle, high, pop] }) =>
  Array.from({ length: 17 }, (_, i) => {
    const y = h * (0.06 + i * 0.045);
    const bend =
      `M-5 ${fixed(y)}C${fixed(w * 0.4)} ${fixed(y + h * 0.02)},` +
      `${fixed(w * 0.35)} ${fixed(h * 0.62)},${fixed(w * (0.5 + i * 0.045))} ${fixed(h * 1.02)}`;
    const colour = i % 5 === 2 ? pop : i % 2 ? high : middle;
    return stroke(bend, colour, 1.5 + dice() * 4.5, 0.5 + dice() * 0.5, 'stroke-linecap="round"');
  });

/** A large moon with craters. */
export const moon: Motif = ({ w, h, dice, colours: [, middle, high, pop] }) => {
  const [x, y, r] = [w * 0.55, h * 0.5, h * 0.29];
  const craters = Array.from({ length: 9 }, () => {
    const [angle, far] = [dice() * 6.28, Math.sqrt(dice()) * r * 0.75];
    const at = [x + Math.cos(angle) * far, y + Math.sin(angle) * far] as const;
    return circle(at[0], at[1], h * (0.012 + dice() * 0.036), middle, 0.75);
  });
  const tent = `M${fixed(x - r * 1.3)} ${fixed(h * 0.86)}h${fixed(h * 0.2)}l${fixed(-h * 0.1)} ${fixed(-h * 0.12)}z`;
  return [circle(x, y, r, high), circle(x + r * 0.34, y - r * 0.2, r * 0.92, middle, 0.5), ...craters, path(tent, pop)];
};

/** Shards in flight. */
export const shards: Motif = ({ w, h, dice, colours: [, middle, high, pop] }) =>
  Array.from({ length: Math.round(30 * Math.max(1, w / h)) }, (_, i) => {
    const [side, x, y] = [h * (0.06 + dice() * 0.13), dice() * w, h * (0.1 + dice() * 0.75)];
    const line = `M${fixed(x)} ${fixed(y)}l${fixed(side)} ${fixed(side * 0.2)}l${fixed(-side * 0.7)} ${fixed(side * 0.9)}z`;
    return path(line, i % 7 === 0 ? pop : i % 2 ? high : middle, 0.35 + dice() * 0.6);
  });

/** Dots that swell towards a middle. */
export const raster: Motif = ({ w, h, colours: [, middle, high, pop] }) => {
  const gap = h * 0.062;
  const marks: string[] = [];
  for (let row = 0; row < 15; row += 1) {
    for (let column = 0; column <= w / gap; column += 1) {
      const [x, y] = [column * gap + (row % 2) * (gap / 2), row * gap + gap / 2];
      const near = Math.max(0, 1 - Math.hypot(x - w * 0.55, y - h * 0.46) / (h * 0.52));
      const colour = near > 0.62 ? pop : near > 0.3 ? high : middle;
      marks.push(circle(x, y, gap * (0.07 + near * 0.45), colour));
    }
  }
  return marks;
};

/** Lanes that meet far away. */
export const lanes: Motif = ({ w, h, colours: [, middle, high, pop] }) =>
  Array.from({ length: 12 }, (_, i) => {
    const [near, far] = [w * (-0.35 + i * 0.155), w * (0.36 + i * 0.026)];
    const line =
      `M${fixed(near)} ${h}L${fixed(far)} ${fixed(h * 0.08)}h${fixed(w * 0.012)}` +
      `L${fixed(near + w * 0.085)} ${h}Z`;
    return path(line, i % 4 === 1 ? high : i % 4 === 3 ? pop : middle, 0.9);
  });
