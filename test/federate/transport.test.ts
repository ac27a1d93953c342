/** Every transport passes one suite: within a process, over a real broker, and sealed over either. */
import { afterAll, describe } from 'vitest';
import { localTransport, type NatsTransport, natsTransport } from '../../src/federate/index.js';
import { transportSuite } from './conformance.js';
import { describeWithBroker, TestBroker } from './nats/server.js';
import { parties } from './sealing/parties.js';

describe('the local transport', () => {
  transportSuite(async () => {
    const transport = localTransport();
    return { coordinator: transport, site: async () => transport };
  });
});

const everybody = ['a', 'late', 'Zürich 2 (Süd)'];

describe('a sealed transport', () => {
  transportSuite(async () => {
    const { coordinator, site } = parties(localTransport(), everybody);
    return { coordinator: coordinator(), site: async (name) => site(name) };
  });
});

describeWithBroker('the NATS transport', () => {
  let broker: Promise<TestBroker> | undefined;
  let federations = 0;
  const open: NatsTransport[] = [];
  afterAll(async () => {
    for (const transport of open) await transport[Symbol.asyncDispose]();
  });

  const begin = async () => {
    broker ??= TestBroker.start();
    const servers = [(await broker).address];
    const federation = `suite-${++federations}`;
    const connect = async (site?: string) => {
      const transport = await natsTransport({ servers, federation, site, patience: 0.2, capacity: 2 ** 26 });
      open.push(transport);
      return transport;
    };
    return { coordinator: await connect(), site: connect };
  };

  transportSuite(begin);

  describe('that is sealed', () => {
    transportSuite(async () => {
      const plain = await begin();
      const { coordinator, site } = parties(plain.coordinator, everybody);
      return { coordinator: coordinator(), site: async (name) => site(name, {}, await plain.site(name)) };
    });
  });
});
