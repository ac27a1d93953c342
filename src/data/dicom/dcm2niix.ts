/**
 * dcm2niix (Li et al., Journal of Neuroscience Methods 264, 2016) as WebAssembly, with its JPEG, JPEG-LS and JPEG 2000
 * decoders. Its files live in the module's own memory, so nothing of a patient is written to a disk.
 *
 * The package's door is a wrapper for web workers; the module behind it also runs in Node. Every run gets a new instance:
 * the memory of an old one, up to 2 GiB, goes with it.
 */
import { readFileSync } from 'node:fs';

/** What graft uses of an Emscripten module. */
interface Module {
  FS: {
    mkdir(path: string): void;
    writeFile(path: string, bytes: Uint8Array, options: { canOwn: boolean }): void;
    readFile(path: string): Uint8Array<ArrayBuffer>;
    readdir(path: string): string[];
  };
  callMain(args: string[]): number;
}

type MakeModule = (options: {
  wasmBinary: Uint8Array;
  print: (line: string) => void;
  printErr: (line: string) => void;
}) => Promise<Module>;

const folder = new URL('.', import.meta.resolve('@niivue/dcm2niix'));
let loaded: Promise<{ makeModule: MakeModule; wasmBinary: Uint8Array }> | undefined;

async function load() {
  const { default: makeModule } = (await import(new URL('dcm2niix.jpeg.js', folder).href)) as { default: MakeModule };
  return { makeModule, wasmBinary: readFileSync(new URL('dcm2niix.jpeg.wasm', folder)) };
}

export interface Converted {
  /** NIfTI-1 files, not compressed, by what dcm2niix added to their common name: ``, `_e2`, `_Eq`, … */
  files: Map<string, Uint8Array<ArrayBuffer>>;
  /** What it said that went wrong; empty where all went well. */
  complaints: string;
}

/**
 * @param files the bytes of one series' files
 * @param displayed Philips: values as they are displayed (slope and intercept of the standard), not the maker's precise ones
 */
export async function runDcm2niix(files: Iterable<Uint8Array>, displayed = false): Promise<Converted> {
  loaded ??= load();
  const { makeModule, wasmBinary } = await loaded;
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const { FS, callMain } = await makeModule({ wasmBinary, print, printErr: print });
  FS.mkdir('/in');
  FS.mkdir('/out');
  let count = 0;
  for (const bytes of files) FS.writeFile(`/in/${count++}`, bytes, { canOwn: true });

  const exitCode = process.exitCode;
  try {
    // No sidecar (it repeats the header's texts), no compression, a name of our own instead of the series' description.
    callMain(['-b', 'n', '-z', 'n', '-p', displayed ? 'n' : 'y', '-f', 'volume', '-o', '/out', '/in']);
  } catch (error) {
    lines.push(`Error: ${(error as Error).message}`);
  } finally {
    process.exitCode = exitCode; // Emscripten's exit() sets it
  }
  const written = FS.readdir('/out').filter((name) => name.endsWith('.nii'));
  const saying = (words: RegExp) => lines.filter((line) => words.test(line));
  const [errors, warnings] = [saying(/error|unsupported|corrupt|failed/i), saying(/warning|unable/i)];
  return {
    files: new Map(written.map((name) => [name.slice('volume'.length, -'.nii'.length), FS.readFile(`/out/${name}`)])),
    complaints: (errors.length > 0 ? errors : warnings)
      .map((line) =>
        line
          .replace(/^(Error|Warning):? */, '')
          .replace(/\/(in|out)\/\S*/g, 'of a file')
          .trim(),
      )
      .join('; '),
  };
}
