/** Messages of DICOM's own protocol: read as they were written, and anything else is a typed error, whatever the bytes are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptanceIn, acceptancePdu, isTitle, proposalIn, proposalPdu } from '../../src/pacs/dimse/association.js';
import { commandFields, decodeCommand, encodeCommand } from '../../src/pacs/dimse/command.js';
import { dataPdu, ProtocolError, piecesIn } from '../../src/pacs/dimse/pdu.js';

const bodyOf = (pdu: Buffer) => pdu.subarray(6);
const uid = fc.array(fc.nat(99_999), { minLength: 2, maxLength: 9 }).map((parts) => parts.join('.'));
const title = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 16 })
  .filter((text) => isTitle(text) && text.trim() === text);
const context = fc.record({ id: fc.nat(255), abstractSyntax: uid, transferSyntaxes: fc.array(uid, { maxLength: 4 }) });

describe('messages', () => {
  it('of associations', () => {
    fc.assert(
      fc.property(title, title, fc.array(context, { maxLength: 20 }), (called, calling, contexts) => {
        const proposal = proposalIn(bodyOf(proposalPdu({ called, calling, contexts })));
        expect(proposal).toMatchObject({ called, calling, contexts });
        const agreed = contexts.map(({ id, transferSyntaxes: [transferSyntax] }) => ({ id, transferSyntax }));
        const found = acceptanceIn(bodyOf(acceptancePdu(proposal, agreed))).agreed;
        const last = new Map(
          agreed.flatMap((one): [number, string][] => (one.transferSyntax ? [[one.id, one.transferSyntax]] : [])),
        );
        expect(found).toEqual(last);
      }),
    );
  });

  it('of commands and data', () => {
    const number = fc.nat(0xffff);
    const command = fc.record({
      messageId: number,
      sopClass: uid,
      instance: uid,
      status: number,
      hasDataSet: fc.boolean(),
    });
    fc.assert(
      fc.property(command, fc.uint8Array({ maxLength: 300 }), fc.boolean(), (more, bytes, last) => {
        const sent = { field: commandFields.store, ...more };
        expect(decodeCommand(encodeCommand(sent))).toEqual(sent);
        const piece = { context: 3, command: false, last, bytes: Buffer.from(bytes) };
        expect(piecesIn(Buffer.concat([bodyOf(dataPdu(piece)), bodyOf(dataPdu(piece))]))).toEqual([piece, piece]);
      }),
    );
  });
});

it.each([
  [
    'proposals',
    proposalIn,
    bodyOf(
      proposalPdu({
        called: 'A',
        calling: 'B',
        contexts: [{ id: 1, abstractSyntax: '1.2', transferSyntaxes: ['1.2.3'] }],
      }),
    ),
  ],
  [
    'acceptances',
    acceptanceIn,
    bodyOf(acceptancePdu({ called: 'A', calling: 'B', contexts: [], largest: 0 }, [{ id: 1, transferSyntax: '1.2' }])),
  ],
  ['commands', decodeCommand, encodeCommand({ field: 1, messageId: 1, hasDataSet: true })],
  ['data', piecesIn, bodyOf(dataPdu({ context: 1, command: true, last: true, bytes: Buffer.from('data') }))],
] as const)('damaged %s are protocol errors or something else that can be read, and nothing more', (_, read, whole) => {
  const damage = fc.record({
    keep: fc.nat(whole.length),
    at: fc.nat(whole.length),
    byte: fc.nat(255),
    more: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(damage, ({ keep, at, byte, more }) => {
      const bytes = Buffer.concat([whole.subarray(0, keep), more]);
      if (at < bytes.length) bytes[at] = byte;
      try {
        read(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 2000 },
  );
});
