/**
 * Host time per native call, for both bindings: `npm run build && node bench/ffi.mjs`.
 *
 * Compiles test/ffi/echo.c with cc. The functions do nothing, so what is measured is the binding.
 * Prints the median over rounds, in microseconds per call, and the fastest round.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bindingNames, loadBinding } from '../dist/ffi/load-binding.js'
import { NativeThread, step } from '../dist/ffi/native-thread.js'

const rounds = 15
const folder = mkdtempSync(join(tmpdir(), 'roberta-ascend-bench-'))
const echo = join(folder, 'libecho.so')
const source = fileURLToPath(new URL('../test/ffi/echo.c', import.meta.url))
execFileSync('cc', ['-shared', '-fPIC', '-O2', source, '-o', echo])

function report(name, what, samples) {
  samples.sort((a, b) => a - b)
  const [median, fastest] = [samples[rounds >> 1], samples[0]].map((us) => us.toFixed(3))
  console.log(`${name.padEnd(9)} ${what.padEnd(34)} ${median} µs (fastest round ${fastest})`)
}

function measure(name, what, calls, call) {
  const samples = []
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    for (let i = 0; i < calls; i++) call()
    // The first round warms up.
    if (round > 0) samples.push(((performance.now() - start) / calls) * 1000)
  }
  report(name, what, samples)
}

for (const name of bindingNames) {
  const library = loadBinding(name).open(echo)
  const calls = name === 'koffi' ? 200_000 : 2_000
  const create = library.find(
    'shaped_like_create_tensor',
    'pointer (dims: int64*, n: uint64, dtype: int32, strides: int64*, offset: int64, format: int32, storage: int64*, m: uint64, data: pointer)',
  )
  const three = library.find('three_pointers', 'int32 (a: pointer, b: pointer, c: pointer)')
  const dims = BigInt64Array.of(16n, 768n)
  const strides = BigInt64Array.of(768n, 1n)
  const address = 0x1234_5678_9abcn
  measure(name, '9 arguments, as aclCreateTensor', calls, () =>
    create(dims, 2n, 0, strides, 0n, 2, dims, 2n, address),
  )
  measure(name, '3 pointers', calls, () => three(address, address, address))

  const threadId = library.find('thread_id', 'int32 ()')
  const thread = new NativeThread(name)
  const samples = []
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    for (let i = 0; i < 200; i++) await thread.run([step(threadId)])
    if (round > 0) samples.push(((performance.now() - start) / 200) * 1000)
  }
  report(name, 'one call on a NativeThread, awaited', samples)
  await thread.close()
}
rmSync(folder, { recursive: true })
