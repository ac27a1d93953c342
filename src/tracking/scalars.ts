/**
 * What of a run's log can be drawn: every record becomes numbers at a step of a series. A series is one thing that was
 * trained (`seed1 / site-a / convlora`), its numbers have the names that they have in the log.
 *
 * Names of cases are not in the log, so none can leave with it.
 */

import { meanOf } from '../metrics/index.js';

/** A line of `metrics.jsonl`; which keys it has depends on its kind. */
export interface LogRecord {
  kind: string;
  /** When it was written, in ms since 1970. */
  time?: number;
  seed?: number;
  task?: string;
  /** Of an adaptation. */
  target?: string;
  method?: string;
  /** Of a federated experiment. */
  plan?: string;
  regime?: string;
  site?: string | null;
  /** From 0. */
  epoch?: number;
  /** From 1. */
  round?: number;
  values?: Record<string, number | null>;
  metrics?: Record<string, number | null>;
  look?: { candidate: string | number; departures: unknown[]; mirrored?: number[] } & Record<string, unknown>;
  [key: string]: unknown;
}

export interface Scalars {
  series: string[];
  /** Epochs or rounds done. */
  step: number;
  /** Finite numbers by name. */
  values: Record<string, number>;
  /** In ms since 1970. */
  time: number;
}

/** The record's numbers; undefined where it has none. */
export function scalarsOf(record: LogRecord): Scalars | undefined {
  const found = numbersOf(record);
  if (!found) return undefined;
  const values = Object.fromEntries(
    Object.entries(found.values).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
  if (Object.keys(values).length === 0) return undefined;
  return { series: seriesOf(record), step: found.step, values, time: record.time ?? 0 };
}

function numbersOf(record: LogRecord): { step: number; values: Record<string, unknown> } | undefined {
  const { kind, epoch, round, values, metrics, look, error, down, up, norm } = record;
  switch (kind) {
    case 'epoch':
      return { step: epoch! + 1, values: values! };
    case 'round':
      return { step: round!, values: { ...values, 'aggregation error': error, 'bytes down': down, 'bytes up': up } };
    case 'accepted':
      return { step: round!, values: { ...metrics, 'update norm': norm, 'bytes down': down, 'bytes up': up } };
    case 'look': {
      const { candidate, departures, volumeMl, entropy, agreement, agreementWithSource, mirrored } = look!;
      const shown = {
        ...{ agreement, 'agreement with source': agreementWithSource, entropy, 'volume ml': volumeMl },
        ...(mirrored && { 'agreement with mirror images': meanOf(mirrored) }),
      };
      const all = { ...shown, 'outside the range': departures.length };
      // The statistics are where the epochs begin; what came before them is what both are compared with.
      if (candidate === 'statistics') return { step: 0, values: all };
      if (typeof candidate === 'number') return { step: candidate, values: all };
      return {
        step: 0,
        values: Object.fromEntries(Object.entries(all).map(([key, value]) => [`${candidate} ${key}`, value])),
      };
    }
    default:
      return undefined;
  }
}

function seriesOf({ seed, task, target, method, plan, regime, site }: LogRecord): string[] {
  const path = plan ? [plan, regime, site] : target ? [target, method] : [task];
  return [seed === undefined ? undefined : `seed${seed}`, ...path].filter((part) => typeof part === 'string');
}
