/** A peer that asks without end and takes no answer: it waits, and the answers do not fill the memory. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { proposalPdu } from '../../src/pacs/dimse/association.js';
import { commandFields, encodeCommand, verification } from '../../src/pacs/dimse/command.js';
import { dataPdu } from '../../src/pacs/dimse/pdu.js';
import { serveConnection } from '../../src/pacs/index.js';

it('a peer that takes no answers is not read any further, and may hang up', async () => {
  let line!: Socket;
  let served!: Promise<void>;
  const server = createServer((socket) => {
    line = socket;
    const service = { refuses: () => undefined, store: async () => 0 };
    served = serveConnection(socket, service, new AbortController().signal).catch(() => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  peer.on('error', () => {});
  const contexts = [{ id: 1, abstractSyntax: verification, transferSyntaxes: ['1.2.840.10008.1.2'] }];
  peer.write(proposalPdu({ called: 'GRAFT', calling: 'SCANNER', contexts }));
  const echo = { field: commandFields.echo, messageId: 1, sopClass: verification, hasDataSet: false };
  const bytes = encodeCommand({ ...echo, instance: '1'.repeat(12_000) });
  const one = dataPdu({ context: 1, command: true, last: true, bytes });
  for (let k = 0; k < 4000; k++) peer.write(one); // 48 MB, and no answer is read
  let held = 0;
  for (let before = -1; before !== line?.bytesRead; ) {
    before = line?.bytesRead ?? -1;
    for (let k = 0; k < 20; k++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      held = Math.max(held, line?.writableLength ?? 0);
    }
  }
  expect(held).toBeLessThan(2e6);
  expect(line.bytesRead).toBeLessThan(48e6);
  peer.destroy();
  await served;
  server.close();
});
