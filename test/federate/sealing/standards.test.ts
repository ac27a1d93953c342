/** What sealing is made of, against the values of the standards. */
import { createPrivateKey, diffieHellman, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decapsulate, expand, extract, openFrom, sealFor } from '../../../src/federate/sealing/hpke.js';
import { publicHalf, rawKey, rawPublic } from '../../../src/federate/sealing/keys.js';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const hex = (value: Uint8Array | undefined) => value && Buffer.from(value).toString('hex');
/** The private key of 32 bytes. */
const secretKey = (secret: string): KeyObject =>
  createPrivateKey({ key: bytes(`302e020100300506032b656e04220420${secret}`), format: 'der', type: 'pkcs8' });
/** The bytes from one value to another. */
const range = (from: number, to: number) => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);

it('computes the secret of RFC 7748, 6.1, from 32 bytes of either side', () => {
  const alice = secretKey('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
  const bob = secretKey('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
  expect(hex(rawPublic(publicHalf(alice)))).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
  const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
  const bobs = rawKey(bytes('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'));
  expect(hex(diffieHellman({ privateKey: alice, publicKey: bobs }))).toBe(shared);
  expect(hex(diffieHellman({ privateKey: bob, publicKey: publicHalf(alice) }))).toBe(shared);
});

it('derives the keys of RFC 5869, A.1 and A.2', () => {
  const first = extract(range(0, 0x0c), Buffer.alloc(22, 0x0b));
  expect(hex(first)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
  expect(hex(expand(first, range(0xf0, 0xf9), 42))).toBe(
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  const second = extract(range(0x60, 0xaf), range(0, 0x4f));
  expect(hex(expand(second, range(0xb0, 0xff), 82))).toBe(
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
      '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71' +
      'cc30c58179ec3e87c14c01d5c1f3434f1d87',
  );
});

describe('HPKE in its authenticated mode', () => {
  it('shares the secret of RFC 9180, A.1.3', () => {
    const secret = decapsulate(
      bytes('23fb952571a14a25e3d678140cd0e5eb47a0961bb18afcf85896e5453c312e76'),
      secretKey('fdea67cf831f1ca98d8e27b1f6abeb5b7745e9d35348b80fa407ff6958f9137e'),
      rawKey(bytes('8b0c70873dc5aecb7f9ee4e62406a397b350e57012be45cf53b7105ae731790b')),
    );
    expect(hex(secret)).toBe('2d6db4cf719dc7293fcbf3fa64690708e44e2bebc81f84608677958c0d4448a7');
  });

  it('opens with AES-256-GCM, of which RFC 9180 has no values, what another implementation sealed (@hpke/core 1.9.0)', () => {
    const sealed = bytes(
      '5221f1c3e178672b11dc58c74a539bf619ba7b48e36a0f8608fe9c2b5a70a21f' +
        'f4cdda134dda9d9d3314dd94defe771b8638dd998528b8e3cebf8c0b4770ebdba579b5e9551d34c36eca688a32',
    );
    const reader = secretKey('7790330b18d76c45446b7d9d1b15e87d7da80ab3b6f8cdcc0871764f1d767c9c');
    const sender = rawKey(bytes('6080bbe51005ea9acc863580ce57317d46bef6333558d5bfa97e461342985005'));
    const seal = { context: Buffer.from('Ode on a Grecian Urn'), beside: Buffer.from('Count-0') };
    expect(Buffer.from(openFrom(sender, reader, sealed, seal)!).toString()).toBe('Beauty is truth, truth beauty');
  });

  it('does not open what was sealed to an all-zero or low-order key', () => {
    const [reader, sender] = [1, 2].map((n) => secretKey(String(n).repeat(64)));
    const seal = { context: Buffer.from('a') };
    const sealed = sealFor(publicHalf(reader), sender, Buffer.from('plain'), seal);
    expect(Buffer.from(openFrom(publicHalf(sender), reader, sealed, seal)!).toString()).toBe('plain');
    for (const point of [0, 1])
      expect(
        openFrom(publicHalf(sender), reader, Buffer.from([point, ...Buffer.alloc(31), ...sealed.subarray(32)]), seal),
      ).toBeUndefined();
  });
});
