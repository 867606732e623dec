/**
 * The operators of the catalogue on the CPU backend: with WebAssembly's own products and those of each native
 * library, with 1, 2 and 4 threads, with and without relaxed SIMD. Libraries: Debian's libdnnl2 and
 * libopenblas0-pthread.
 */
import { describe } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { blasNames, installedBlas } from '../../src/backends/cpu/native-blas.ts'
import { operatorSuite } from '../support/operator-suite.ts'

for (const blas of ['off', ...blasNames] as const) {
  const isMissing = blas !== 'off' && installedBlas(blas) === undefined
  describe.skipIf(isMissing)(`${blas} (skipped where it is not installed)`, () => {
    for (const threads of [1, 2, 4]) {
      for (const relaxedSimd of [true, false]) {
        const simd = relaxedSimd ? 'relaxed SIMD' : 'plain SIMD'
        operatorSuite(`cpu, ${blas}, ${threads} threads, ${simd}`, () => {
          return new CpuBackend({ blas, threads, relaxedSimd })
        })
      }
    }
  })
}
