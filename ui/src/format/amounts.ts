/** Amounts for people: bytes, rates, times; decimal units, as disks and links are sold. */
import { prefs } from '../state/prefs.svelte.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A number and its unit, apart, for where they are set in different sizes. */
export interface Amount {
  figure: string;
  unit: string;
}

export function bytesParts(bytes: number): Amount {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit >= 3 && value < 99.95 ? 1 : unit === 2 && value < 9.95 ? 1 : 0;
  const figure = figures(digits).format(value);
  return { figure, unit: UNITS[unit] ?? '' };
}

export function bytes(amount: number): string {
  const { figure, unit } = bytesParts(amount);
  return `${figure}\u00a0${unit}`;
}

export function rateParts(bytesPerSecond: number): Amount {
  const { figure, unit } = bytesParts(bytesPerSecond);
  return { figure, unit: `${unit}/s` };
}

export function rate(bytesPerSecond: number): string {
  const { figure, unit } = rateParts(bytesPerSecond);
  return `${figure}\u00a0${unit}`;
}

/** A time left in its largest unit: nobody plans with the seconds of an hour. */
export function durationParts(ms: number): Amount {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 100) {
    return { figure: String(seconds), unit: 's' };
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) {
    return { figure: String(minutes), unit: 'min' };
  }
  return { figure: figures(1).format(minutes / 60), unit: 'h' };
}

export function duration(ms: number): string {
  const { figure, unit } = durationParts(ms);
  return `${figure}\u00a0${unit}`;
}

export function percent(part: number): string {
  return `${wholePercent(part)}\u00a0%`;
}

/** Rounded down: 100 is only said when it is done. */
export function wholePercent(part: number): number {
  return Math.floor(Math.min(1, Math.max(0, part)) * 100 + 1e-9);
}

export function latency(microseconds: number): string {
  const ms = microseconds / 1000;
  return `${figures(ms < 9.95 ? 1 : 0).format(ms)}\u00a0ms`;
}

/** The speed of a link, as it is printed on the adapter. */
export function linkSpeed(megabits: number): string {
  return megabits >= 1000
    ? `${figures(megabits % 1000 ? 1 : 0).format(megabits / 1000)}\u00a0Gbit/s`
    : `${figures(0).format(megabits)}\u00a0Mbit/s`;
}

export function count(n: number): string {
  return figures(0).format(n);
}

const formats = new Map<string, Intl.NumberFormat>();

function figures(digits: number): Intl.NumberFormat {
  const key = `${prefs.spoken}${digits}`;
  const known = formats.get(key);
  if (known) {
    return known;
  }
  const format = new Intl.NumberFormat(prefs.spoken, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(key, format);
  return format;
}
