/** What a peer says of its connection to the broker, and what it hears of it. */

/** Files in PEM. They are read at every connection, so renewed ones are taken up. */
export interface TlsFiles {
  /** The authority that the broker's certificate must come from; no other is trusted. */
  ca: string;
  certificate: string;
  /** Readable by its owner alone. */
  key: string;
}

export interface ConnectionOptions {
  /**
   * The broker's addresses: `tls://broker.example:4222`, `tls://[2001:db8::1]:4222`, or `wss://broker.example:443` where a
   * firewall lets nothing else out. Others, which the broker may name, are not used.
   */
  servers: readonly string[];
  /** Names the broker's subjects: letters, digits, `_` and `-`; all peers have the same. */
  federation: string;
  /** The site's name; the coordinator has none. */
  site?: string | undefined;
  /** What the two ends show each other; only a broker on the same machine goes without. */
  tls?: TlsFiles | undefined;
  /** `http://[user:password@]host:port`: the proxy to go through, with `wss://` alone. */
  proxy?: string | undefined;
}

/** What becomes of the connection. */
export type BrokerEvent =
  | { kind: 'connected' }
  | { kind: 'disconnected' }
  /** The broker had lost this, and has it again. */
  | { kind: 'restored'; what: 'task' | 'state' | 'blob' };
