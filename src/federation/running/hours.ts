/** A site trains only in the hours that its policy allows: outside them it hears no tasks. */

import { setTimeout } from 'node:timers/promises';
import type { Tell } from '../../core/index.js';
import type { Transport } from '../../federate/index.js';
import { mayRun, mayRunFrom, type Policy } from '../policy.js';

/** Between two looks at the clock, in ms. */
const LOOK = 30_000;

/** The transport, whose tasks wait for the hours; training that they end in is finished. */
export function withinHours(transport: Transport, policy: Policy, tell: Tell): Transport {
  return {
    ...transport,
    async *watchTasks(signal) {
      for await (const task of transport.watchTasks(signal)) {
        for (let told = false; !mayRun(policy) && !signal.aborted; told = true) {
          if (!told) {
            const from = mayRunFrom(policy).toString().slice(0, 21); // such as Mon Nov 30 2026 19:00
            tell({ kind: 'note', text: `It is outside the hours of ${policy.file}; tasks wait until ${from}.` });
          }
          await setTimeout(LOOK, undefined, { signal }).catch(() => {});
        }
        if (!signal.aborted) yield task;
      }
    },
  };
}
