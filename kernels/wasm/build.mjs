/**
 * Compiles the kernels twice: with plain SIMD, and with relaxed SIMD, whose fused multiply-add is
 * faster and rounds once, for engines that have it. `npm run build` runs this.
 */
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** Exchange of v128: only between our own functions. */
const exchangeOfVectors = '112'

async function compile(name, features) {
  const { error, stderr } = await asc.main([
    path('index.ts'),
    ...['--outFile', path(`../../dist/backends/cpu/${name}.wasm`)],
    ...['--enable', features],
    ...['--runtime', 'stub', '--noAssert', '-O3'],
    // Behind address 0, which stands for no operand, and before src/backends/cpu/memory.ts begins.
    ...['--memoryBase', '64', '--lowMemoryLimit', '4096'],
    ...['--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--noExportMemory'],
    ...['--disableWarning', exchangeOfVectors],
  ])
  const said = stderr.toString()
  if (error || said !== '') {
    console.error(said, error?.message ?? '')
    process.exitCode = 1
  }
}

await compile('kernels', 'simd,threads')
await compile('kernels-relaxed', 'simd,threads,relaxed-simd')
