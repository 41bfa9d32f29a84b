/** The geometry of the chart: sums, scale and lines. Pure. */
import { type Beat, PACE_SECONDS } from '../state/pace.svelte.ts';

export interface Layer {
  peer: string;
  /** What it sends now, bytes per second. */
  last: number;
  /** Total over the shown time, for the order. */
  total: number;
  area: string;
  edge: string;
}

/** Peers that the chart tells apart; the eye cannot more. */
const LAYERS_MAX = 16;

export interface Scale {
  top: number;
  lines: number[];
}

/** A round number above everything, and four lines below it. */
export function scaleOf(beats: readonly Beat[]): Scale {
  const sums = beats.map((beat) => [...beat.values()].reduce((sum, rate) => sum + rate, 0));
  const most = Math.max(1_000_000, ...sums);
  const power = 10 ** Math.floor(Math.log10(most));
  const top = ([1, 2, 4, 6, 8, 10].find((step) => step * power >= most) ?? 10) * power;
  return { top, lines: [0, 0.25, 0.5, 0.75, 1].map((part) => part * top) };
}

/** One layer per peer, the steadiest at the bottom, the newest second at the right edge. */
export function layers(
  beats: readonly Beat[],
  top: number,
  width: number,
  height: number,
): Layer[] {
  const totals = new Map<string, number>();
  for (const beat of beats) {
    for (const [peer, rate] of beat) {
      totals.set(peer, (totals.get(peer) ?? 0) + rate);
    }
  }
  const peers = [...totals].sort((a, b) => b[1] - a[1]).slice(0, LAYERS_MAX);
  const step = width / (PACE_SECONDS - 1);
  const x = (at: number) => round(width - (beats.length - 1 - at) * step);
  const y = (sum: number) => round(height - (sum / top) * height);
  const sums = new Array<number>(beats.length).fill(0);
  return peers.map(([peer, total]) => {
    const below = sums.map((sum, at) => `L${x(at)} ${y(sum)}`);
    beats.forEach((beat, at) => {
      sums[at] = (sums[at] ?? 0) + (beat.get(peer) ?? 0);
    });
    const line = sums.map((sum, at) => `${at === 0 ? 'M' : 'L'}${x(at)} ${y(sum)}`).join('');
    const area = `${line}${below.reverse().join('')}Z`;
    return { peer, total, last: beats.at(-1)?.get(peer) ?? 0, area, edge: line };
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
