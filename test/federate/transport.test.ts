/** Every transport passes one suite: within a process, and over a real broker. */
import { afterAll, describe } from 'vitest';
import { localTransport, type NatsTransport, natsTransport } from '../../src/federate/index.js';
import { transportSuite } from './conformance.js';
import { describeWithBroker, TestBroker } from './nats/server.js';

describe('the local transport', () => {
  transportSuite(async () => {
    const transport = localTransport();
    return { coordinator: transport, site: async () => transport };
  });
});

describeWithBroker('the NATS transport', () => {
  let broker: Promise<TestBroker> | undefined;
  let federations = 0;
  const open: NatsTransport[] = [];
  afterAll(async () => {
    for (const transport of open) await transport[Symbol.asyncDispose]();
  });

  transportSuite(async () => {
    broker ??= TestBroker.start();
    const servers = [(await broker).address];
    const federation = `suite-${++federations}`;
    const connect = async (site?: string) => {
      const transport = await natsTransport({ servers, federation, site, patience: 0.2 });
      open.push(transport);
      return transport;
    };
    return { coordinator: await connect(), site: connect };
  });
});
