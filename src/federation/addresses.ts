/** The addresses under which peers reach the study's broker. */
import { isIP } from 'node:net';
import { z } from 'zod';

/** Ports where an address names none. */
const ports: Record<string, number> = { 'tls:': 4222, 'wss:': 443 };

export interface Address {
  /** A name, or the digits of an IPv4 or IPv6 address, without brackets. */
  host: string;
  port: number;
  /** WebSockets, for sites that may only go out to port 443. */
  web: boolean;
}

/** @throws Error that says what is wrong */
export function parseAddress(text: string): Address {
  const example = 'expected such as tls://broker.example.org:4222 or wss://broker.example.org:443';
  if (!URL.canParse(text)) throw new Error(example);
  const url = new URL(text);
  const { protocol, username, password, pathname, search, hash } = url;
  if (!(protocol in ports) || url.hostname === '') throw new Error(example);
  if (username || password || search || hash || !['', '/'].includes(pathname))
    throw new Error('it has more than a host and a port');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!isIP(host) && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(host)) throw new Error(example);
  return { host, port: Number(url.port) || ports[protocol], web: protocol === 'wss:' };
}

export const addressesSchema = z
  .array(
    z
      .string()
      .max(300)
      .superRefine((text, context) => {
        try {
          parseAddress(text);
        } catch (error) {
          context.addIssue((error as Error).message);
        }
      }),
  )
  .min(1)
  .max(8);
