/** A made-up installation of CANN of real shared libraries, compiled for the test. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compileLibrary } from '../ffi/compile.ts'
import abi from '../fixtures/cann-abi.json' with { type: 'json' }

export function fakeCann(root: string) {
  const lib = (name: string) => join(root, 'lib64', `lib${name}.so`)
  const compile = (name: string, source: string, ...flags: string[]) => {
    mkdirSync(join(root, 'lib64'), { recursive: true })
    compileLibrary(source, lib(name), [`-Wl,-soname,lib${name}.so`, ...flags])
  }
  /**
   * Compiles the libraries of the older layout. Every function of the headers does nothing and
   * returns 0, but those of `sources`, and those of `without`, which do not exist.
   */
  const compileAll = ({
    without = [],
    sources = {},
  }: {
    readonly without?: readonly string[]
    readonly sources?: Readonly<Record<string, string>>
  } = {}) => {
    const libraries = [
      ['ascendcl', 'libascendcl.so'],
      ['nnopbase', 'libnnopbase.so'],
      ['opapi', 'libopapi'],
      ['msprofiler', 'libmsprofiler.so'],
    ] as const
    for (const [name, file] of libraries) {
      const source = abi.functions
        .filter((row) => row.library.startsWith(file) && !without.includes(row.name))
        .map((row) => sources[row.name] ?? `long ${row.name}(void) { return 0; }`)
      compile(name, source.join('\n'))
    }
  }
  return { root, lib, compile, compileAll }
}
