/** Which part of a long grid is on the screen. Pure. */

export interface Grid {
  columns: number;
  card: number;
  rowHeight: number;
}

const GAP_X = 18;
const GAP_Y = 22;
/** Title, line and bar below a cover. */
const TEXT_HEIGHT = 66;
/** Rows that are drawn beyond the edges, so that the focus always has somewhere to go. */
const BEYOND = 2;

/** How cards lie in a width: as many as fit, all of one size. */
export function grid(width: number): Grid {
  const phone = width < 520;
  const least = phone ? 140 : width > 2400 ? 210 : width > 1500 ? 175 : 150;
  const gap = phone ? 14 : GAP_X;
  const columns = Math.max(2, Math.floor((width + gap) / (least + gap)));
  const card = Math.max(1, (width - gap * (columns - 1)) / columns);
  return { columns, card, rowHeight: Math.round((card * 4) / 3) + TEXT_HEIGHT + GAP_Y };
}

export interface Part {
  /** The first and the one behind the last index to draw. */
  from: number;
  to: number;
  /** Pixels above and below them. */
  above: number;
  below: number;
}

/** The part of `count` cards that a view of `height` at `scroll` needs. */
export function part(count: number, layout: Grid, scroll: number, height: number): Part {
  const rows = Math.ceil(count / layout.columns);
  const first = Math.floor(scroll / layout.rowHeight) - BEYOND;
  const last = Math.ceil((scroll + height) / layout.rowHeight) + BEYOND;
  const top = Math.max(0, Math.min(first, rows));
  const bottom = Math.max(top, Math.min(last, rows));
  return {
    from: top * layout.columns,
    to: Math.min(count, bottom * layout.columns),
    above: top * layout.rowHeight,
    below: (rows - bottom) * layout.rowHeight,
  };
}
