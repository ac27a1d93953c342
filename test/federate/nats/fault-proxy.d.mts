export interface Faults {
  seed?: number;
  /** What happens to a connection, one of these by chance: a reset, an end in the middle of a frame, silence without an end. */
  kinds?: readonly ('reset' | 'cut' | 'stall')[];
  /** It happens when between so many bytes have passed, both ways together. */
  after?: readonly [least: number, most: number];
  /** No more than so many faults. */
  most?: number;
  /** Milliseconds that a byte takes, at least and at most. Bytes stay in order. */
  delay?: readonly [least: number, most: number];
  /** Bytes per second of a connection, each way. */
  rate?: number;
}

export interface FaultProxy {
  /** For peers. */
  address: string;
  /** The faults so far. */
  readonly happened: readonly ('reset' | 'cut' | 'stall')[];
  readonly connections: number;
  /** Bytes that peers and the broker sent, lost ones too. */
  readonly up: number;
  readonly down: number;
  close(): void;
}

export function faultProxy(port: number, faults: Faults): Promise<FaultProxy>;
