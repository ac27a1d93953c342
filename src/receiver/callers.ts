/** Who may send images: application entity titles, each from an address or a network. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { type Caller, isTitle } from '../pacs/index.js';
import { receiverError } from './errors.js';

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** Addresses of version 4 come so over sockets of version 6. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '');

export class Callers {
  readonly #networks = new Map<string, BlockList>();

  /**
   * @param allowed `TITLE@ADDRESS` or `TITLE@NETWORK/BITS`; none: everybody on this machine
   * @param host that is listened at
   * @throws GraftError RECEIVER_CALLER, RECEIVER_OPEN
   */
  constructor(allowed: readonly string[], host: string) {
    if (allowed.length === 0 && !isLoopback(host)) throw receiverError('RECEIVER_OPEN', { host });
    for (const caller of allowed) {
      const [, title = '', address = '', bits] = /^(.+)@([\da-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(caller) ?? [];
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      const most = family === 'ipv4' ? 32 : 128;
      if (!isTitle(title) || isIP(address) === 0 || Number(bits ?? most) > most)
        throw receiverError('RECEIVER_CALLER', { caller });
      const networks = this.#networks.get(title) ?? new BlockList();
      networks.addSubnet(address, Number(bits ?? most), family);
      this.#networks.set(title, networks);
    }
  }

  /** Whether anybody at an address may send, whatever the title is. */
  knows = (address: string): boolean =>
    this.#networks.size === 0
      ? isLoopback(plain(address))
      : [...this.#networks.values()].some((networks) => within(networks, address));

  admits({ title, address }: Caller): boolean {
    if (!isTitle(title)) return false;
    if (this.#networks.size === 0) return isLoopback(plain(address));
    const networks = this.#networks.get(title);
    return networks !== undefined && within(networks, address);
  }
}

const within = (networks: BlockList, address: string) =>
  networks.check(plain(address), isIPv4(plain(address)) ? 'ipv4' : 'ipv6');
