/** Which errors of a broker's client are waited out, and which are told. */
import { expect, it } from 'vitest';
import { faultOf } from '../../../src/federate/transports/nats/faults.js';

/** A refusal as the client gives it. */
const refusal = (message: string) => Object.assign(new Error(message), { name: 'JetStreamApiError', code: 10077 });

it('a message is sent again where the broker’s disk is full, and given up where a limit is reached', () => {
  expect(faultOf(refusal('write store/jetstream/msgs/4.blk: no space left on device'))).toBe('full');
  expect(faultOf(refusal('maximum bytes exceeded'))).toMatchObject({ code: 'BROKER_FULL' });
});
