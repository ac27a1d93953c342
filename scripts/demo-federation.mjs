/**
 * The whole way of a study across hospitals on one machine: real processes, a real broker over mutual TLS, three sites with
 * generated volumes. `npm run demo:federation [FOLDER]` takes about a minute on two cores and needs nats-server.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const [folder = join('runs', `demo-federation-${new Date().toISOString().slice(0, 19).replace(/\D/g, '')}`)] =
  process.argv.slice(2);
const sites = { 'site-a': 'siemens-t1', 'site-b': 'philips-t2', 'site-c': 'lowfield-t1' };
/** Children that run beside this script. */
const children = [];

const fail = (text) => {
  process.stderr.write(`${text}\n`);
  process.exit(1);
};
const say = (text) => process.stdout.write(`${text}\n`);

/** Runs a command of graft to its end, and shows it with what it prints. */
function graft(...args) {
  say(`\n$ graft ${args.join(' ')}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });
  process.stdout.write(stdout);
  if (status !== 0) fail(`${stderr}it ended with ${status}`);
  return stdout;
}

/** Starts a command of graft; every line that it says is shown with its name. */
function start(name, ...args) {
  say(`$ graft ${args.join(' ')} &`);
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) say(`${name.padEnd(11)} | ${line}`);
    });
  }
  return once(child, 'close').then(([code]) => (code === 0 ? undefined : fail(`${name} ended with ${code}`)));
}

/** Ends what this script started; a broker is the coordinator's, which takes it along. */
process.once('exit', () => {
  for (const child of children) child.kill('SIGTERM');
  const file = join(folder, 'fed', 'broker', 'pid');
  try {
    if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM');
  } catch {
    // it has ended
  }
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

if (spawnSync('nats-server', ['--version']).error) fail('nats-server is not installed: apt-get install nats-server');
if (existsSync(folder)) fail(`${folder} is there already: name a new folder`);
mkdirSync(folder, { recursive: true });

const begun = Date.now();
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
server.close();
await once(server, 'close');

graft('phantom', 'data', '--scanners', Object.values(sites).join(','), '--cases', '6', '--spacing', '6');
const study = `name: phantoms
recipe: phantom-federated
broker: { addresses: ["tls://127.0.0.1:${port}"] }
`;
say(`\nstudy.yaml\n${study.replace(/^(?=.)/gm, '  ')}`);
writeFileSync(join(folder, 'study.yaml'), study);
graft('federation', 'create', 'study.yaml', '--out', 'fed');
for (const site of Object.keys(sites)) {
  const told = graft('site', 'request', '--name', site, '--out', `${site}.request`);
  const words = /six words of [^:]*: (.*)/.exec(told)[1];
  // Three phantoms are fewer than a hospital should take part with.
  const policy = join(folder, site, 'policy.yaml');
  writeFileSync(policy, readFileSync(policy, 'utf8').replace(/^minCases: .*$/m, 'minCases: 2'));
  graft('federation', 'admit', 'fed', `${site}.request`, '--words', words);
}
graft('site', 'run', 'site-a.kit', '--data', join('data', sites['site-a']), '--dry-run');
say('');
const all = [start('coordinator', 'coordinator', 'run', 'fed', '--with-broker')];
for (const [site, scanner] of Object.entries(sites))
  all.push(start(site, 'site', 'run', `${site}.kit`, '--data', join('data', scanner)));
await Promise.all(all);

graft('federation', 'status', 'fed');
// The journals of the coordinator and of every site: signed lines, each chained to the one before. Everybody knows the heads
// that the others told, so nobody can take lines away at the end.
for (const site of Object.keys(sites)) graft('audit', 'verify', site, '--witness', 'fed');
graft('audit', 'verify', 'fed', '--witness', 'site-a');
say(
  `\nIt took ${Math.round((Date.now() - begun) / 1000)} s. The report is ${join(folder, 'fed', 'result', 'report.html')}`,
);
