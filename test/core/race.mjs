/** One of several processes that want the same folders, one folder after another, each at the same moment. */
import { once } from 'node:events';

const [lockModule, ...folders] = process.argv.slice(2);
const { lockFolder } = await import(lockModule);
process.send('ready');
const [begin] = await once(process, 'message');
const clock = new Int32Array(new SharedArrayBuffer(4));
const got = folders.filter((folder, i) => {
  Atomics.wait(clock, 0, 0, Math.max(0, begin + 15 * i - Date.now()));
  try {
    lockFolder(folder);
    return true;
  } catch (error) {
    if (error.code !== 'RUN_IN_USE') throw error;
    return false;
  }
});
process.send(got);
// Nobody ends before all have tried: what one gives back another may take.
await once(process, 'message');
process.exit();
