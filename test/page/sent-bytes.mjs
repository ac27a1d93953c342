/** Loaded before a program: adds all that it gives to TLS connections, as it is before it is encrypted, to the file `SENT_BYTES`. */
import { appendFileSync } from 'node:fs';
import { TLSSocket } from 'node:tls';

const { write } = TLSSocket.prototype;
TLSSocket.prototype.write = function (chunk, ...rest) {
  appendFileSync(process.env.SENT_BYTES, chunk);
  return write.call(this, chunk, ...rest);
};
