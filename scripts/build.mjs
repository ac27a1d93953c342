// Compiles src/ to dist/ (JavaScript and declarations). A published package comes with dist/ and without src/.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';

if (existsSync('src')) {
  rmSync('dist', { recursive: true, force: true });
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', shell: true });
  if (status !== 0) process.exit(status ?? 1);
  if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
}
