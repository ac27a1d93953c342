/** What a peer's connection to the broker needs, and what it reports. */

/** Paths of PEM files. They are read for every connection, so renewed ones are used. */
export interface TlsFiles {
  /** The authority that the broker's certificate must come from; no other is trusted. */
  ca: string;
  certificate: string;
  /** Only its owner may be able to read it. */
  key: string;
}

export interface ConnectionOptions {
  /**
   * The broker's addresses: `tls://broker.example:4222`, `tls://[2001:db8::1]:4222`, or `wss://broker.example:443` where a
   * firewall lets nothing else out. Further addresses that the broker announces are not used.
   */
  servers: readonly string[];
  /** The federation's name in the broker's subjects, the same for all peers: letters, digits, `_` and `-`. */
  federation: string;
  /** The site's name; the coordinator has none. */
  site?: string | undefined;
  /** Required unless the broker is on the same machine. */
  tls?: TlsFiles | undefined;
  /** `http://[user:password@]host:port`: the proxy to connect through, only with `wss://`. */
  proxy?: string | undefined;
  /**
   * Seconds without an answer after which a connection is given up and made again, by default 60. The broker answers after
   * what is under way, which may be 12 MB: a line below 2 Mbit/s needs more.
   */
  silence?: number | undefined;
}

/** What happens to the connection. */
export type BrokerEvent =
  | { kind: 'connected' }
  | { kind: 'disconnected' }
  /** The broker is there, but takes nothing: the disk of its machine is full, or it does not say why. It is asked again and again. */
  | { kind: 'stuck'; cause: 'full' | 'silent' }
  /** It does again. */
  | { kind: 'unstuck' }
  /** The broker had lost this and has it again. */
  | { kind: 'restored'; what: 'task' | 'state' | 'blob' };
