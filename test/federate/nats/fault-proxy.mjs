/**
 * A bad line to a broker: it resets connections, cuts them in the middle of a frame or stops moving bytes without closing
 * them, delays what passes and limits how much passes at a time. A seed decides when. Plain JavaScript, so that benchmarks
 * use it too.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Bytes that a limited line takes at a time; the others stay with the sender. */
const PACKET = 4096;

/** Numbers in [0, 1): mulberry32. @param {number} seed */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * @param {number} port the broker's
 * @param {import('./fault-proxy.mjs').Faults} faults
 * @returns {Promise<import('./fault-proxy.mjs').FaultProxy>}
 */
export async function faultProxy(
  port,
  { seed = 1, kinds = [], after = [0, 0], most = Infinity, delay, rate = Infinity },
) {
  const random = randomOf(seed);
  const between = ([low, high]) => low + random() * (high - low);
  const open = new Set();
  const proxy = { happened: [], connections: 0, up: 0, down: 0 };

  const server = createServer({ allowHalfOpen: true }, (peer) => {
    proxy.connections++;
    const broker = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const end = (how) => {
      for (const socket of [peer, broker]) socket[how]();
    };
    const line = { left: kinds.length > 0 ? Math.ceil(between(after)) : Infinity, stalled: false, end };
    for (const socket of [peer, broker]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => end('destroy'));
      socket.on('close', () => {
        open.delete(socket);
        end('destroy');
      });
    }
    carry(peer, broker, line, 'up');
    carry(broker, peer, line, 'down');
  });

  /** Writes a piece, or the part before the fault; what comes after is lost. */
  const deliver = (to, piece, line) => {
    if (line.stalled || to.destroyed) return;
    if (piece.length < line.left || proxy.happened.length >= most) {
      line.left -= piece.length;
      to.write(piece);
      return;
    }
    const kind = kinds[Math.floor(random() * kinds.length)];
    proxy.happened.push(kind);
    line.stalled = true;
    const part = piece.subarray(0, line.left);
    if (kind === 'stall') to.write(part);
    else to.write(part, () => line.end(kind === 'reset' ? 'resetAndDestroy' : 'destroySoon'));
  };

  async function carry(from, to, line, way) {
    const packet = rate === Infinity ? Infinity : PACKET;
    let [free, arrives, last] = [0, 0, Promise.resolve()];
    try {
      for await (const piece of from) {
        for (let start = 0; start < piece.length; start += packet) {
          if (line.stalled) await once(from, 'close'); // whoever sends finds its buffers full
          const part = piece.subarray(start, start + packet);
          proxy[way] += part.length;
          free = Math.max(performance.now(), free) + (part.length / rate) * 1000;
          arrives = Math.max(arrives, free + (delay ? between(delay) : 0));
          const at = arrives;
          last = last.then(async () => {
            const wait = at - performance.now();
            if (wait > 0) await setTimeout(wait);
            deliver(to, part, line);
          });
          if (to.writableNeedDrain) await Promise.race([once(to, 'drain'), once(to, 'close')]);
          if (free > performance.now()) await setTimeout(free - performance.now());
        }
      }
      await last;
      if (!line.stalled) to.end();
    } catch {
      line.end('destroy');
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, {
    address: `nats://127.0.0.1:${/** @type {any} */ (server.address()).port}`,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  });
}
