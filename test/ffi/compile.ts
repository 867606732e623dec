/** Compiles C for the tests with the system's `cc`, in a temporary folder of the test. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Why nothing can be compiled here; undefined where it can. */
export const noCompiler: string | undefined =
  spawnSync('cc', ['--version']).status === 0 ? undefined : 'there is no C compiler (cc)'

/** A folder that disappears with `using`. */
export function temporaryFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'roberta-ascend-ffi-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Compiles C source text into the shared library `output`. */
export function compileLibrary(
  source: string,
  output: string,
  flags: readonly string[] = [],
): void {
  const compile = [
    '-shared',
    '-fPIC',
    '-x',
    'c',
    '-',
    '-x',
    'none',
    '-o',
    output,
    '-Wl,--no-as-needed',
    ...flags,
  ]
  execFileSync('cc', compile, { input: source, stdio: ['pipe', 'ignore', 'pipe'] })
}

/** Compiles test/ffi/echo.c into `folder` and gives the library's path. */
export function compileEcho(folder: string): string {
  const output = join(folder, 'libecho.so')
  const source = fileURLToPath(new URL('./echo.c', import.meta.url))
  execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Werror', source, '-o', output])
  return output
}
