/**
 * The CPU backend with native libraries for products of matrices: `linear` at odd sizes with all numbers of
 * threads, which library is taken, and what is said where it is missing. Every operator with each
 * library is in cpu-operators.test.ts. Libraries: Debian's libdnnl2 and libopenblas0-pthread.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { CpuBackend, type CpuBackendOptions } from '../../src/backends/cpu/cpu-backend.ts'
import {
  type BlasChoice,
  bindBlas,
  blasNames,
  chosenBlas,
  installedBlas,
} from '../../src/backends/cpu/native-blas.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { linear, reshape, slice, tensor } from '../../src/ops/index.ts'
import { uniformGenerator } from '../../src/ops/samples.ts'
import { toleranceOf } from '../../src/ops/tolerance.ts'
import { decodeAll, encodeAll } from '../../src/tensor/dtype.ts'
import { assertClose } from '../support/compare.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const uniform = uniformGenerator(11)
/** Positive: a sum that cancels to next to nothing would ask more of a library than sums can give. */
const random = (length: number): Float32Array => Float32Array.from({ length }, uniform)

const isInstalled = (name: BlasChoice | undefined): boolean =>
  name === undefined || name === 'off' || installedBlas(name) !== undefined
/** undefined: the first there is. */
const providers: readonly (BlasChoice | undefined)[] = ['off', ...blasNames, undefined]

/** By float64 sums. */
function expectedLinear(
  [rows, columns, inner]: readonly [number, number, number],
  a: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
): number[] {
  return Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns]
    let sum = bias?.[j] ?? 0
    for (let k = 0; k < inner; k++) sum += a[i * inner + k]! * weight[j * inner + k]!
    return sum
  })
}

/** Panels are 192 columns wide; parts are 48 columns and 64 rows, or more. */
const oddSizes = [1, 3, 17, 70, 150].flatMap((rows) =>
  [1, 15, 17, 28, 200, 400].flatMap((columns) =>
    [0, 1, 19, 320].map((inner) => [rows, columns, inner] as const),
  ),
)
/** Operands of these sizes, and what is right; made once for all libraries and threads. */
const productsIn = (dtype: 'float32' | 'bfloat16') =>
  oddSizes.map((sizes) => {
    const [rows, columns, inner] = sizes
    const operand = (length: number) => encodeAll(dtype, random(length))
    const operands = [operand(rows * inner), operand(columns * inner), operand(columns)] as const
    const [a, b, shift] = operands.map((elements) => decodeAll(dtype, elements))
    const withBias = expectedLinear(sizes, a!, b!, shift)
    return { sizes, operands, withBias, without: expectedLinear(sizes, a!, b!, undefined) }
  })
const products = { float32: productsIn('float32'), bfloat16: productsIn('bfloat16') }

/** That `linear` is right, and that a weight is given back as it was. */
async function expectProducts(options: CpuBackendOptions, dtype: keyof typeof products) {
  const tolerance = toleranceOf('matmul', dtype)
  const backend = new CpuBackend(options)
  try {
    for (const { sizes, operands, ...expected } of products[dtype]) {
      const [rows, columns, inner] = sizes
      const [a, b, shift] = operands
      using input = tensor(backend, dtype, [rows, inner], a)
      using weight = tensor(backend, dtype, [columns, inner], b)
      using bias = tensor(backend, dtype, [columns], shift)
      using withBias = linear(input, weight, bias)
      using without = linear(input, weight)
      const context = { label: sizes.join('×'), shape: [rows, columns] }
      assertClose([...(await withBias.numbers())], expected.withBias, tolerance, context)
      assertClose([...(await without.numbers())], expected.without, tolerance, context)
      const back = await weight.data()
      expect(Buffer.from(back.buffer).equals(Buffer.from(b.buffer)), context.label).toBe(true)
    }
  } finally {
    await backend.close()
  }
}

describe.each(['off', ...blasNames] as const)(
  'linear by %s (skipped where it is not installed)',
  (blas) => {
    const combinations = [1, 2, 4].flatMap((threads) =>
      [true, false].map((relaxedSimd) => ({ threads, relaxedSimd })),
    )
    it.skipIf(!isInstalled(blas)).each(combinations)(
      'is right at odd sizes: $threads threads, relaxed SIMD $relaxedSimd',
      (options) => expectProducts({ ...options, blas }, 'float32'),
    )

    it.skipIf(!isInstalled(blas))('is right in bfloat16, rounded once', () =>
      expectProducts({ threads: 2, blas }, 'bfloat16'),
    )
  },
)

describe('native libraries', () => {
  const installed = blasNames.filter(isInstalled)

  it.skipIf(installed.length === 0)(
    'keep a weight once, take a part of one, and give it back as it was (skipped where none is installed)',
    async () => {
      const backend = new CpuBackend({ blas: installed[0], threads: 2 })
      try {
        // Panels of 192, 192 and 16 columns.
        const rows = random(400 * 1000)
        using input = tensor(backend, 'float32', [2, 1000], random(2000))
        using weight = tensor(backend, 'float32', [400, 1000], rows)
        using whole = linear(input, weight)
        const all = await whole.numbers()
        const held = backend.heldBytes
        using again = linear(input, weight)
        expect(await again.numbers()).toEqual(all)
        expect(backend.heldBytes - held).toBeLessThan(rows.byteLength / 10)
        using part = slice(weight, { start: 185, end: 200 })
        using ofPart = linear(input, part)
        const picked = [0, 1].flatMap((row) => [...all.subarray(row * 400 + 185, row * 400 + 200)])
        const context = { label: 'a part', shape: [2, 15] }
        const tolerance = toleranceOf('matmul', 'float32')
        assertClose([...(await ofPart.numbers())], picked, tolerance, context)
        expect(await weight.data()).toEqual(rows)
      } finally {
        await backend.close()
      }
    },
  )

  it.skipIf(!isInstalled('onednn'))('a failure that oneDNN reports is an error', () => {
    const empty = new Float32Array(16)
    // Rows of C that are shorter than they have to be.
    const gemm = {
      m: 4,
      n: 4,
      k: 4,
      a: empty,
      b: empty,
      ldb: 4,
      lda: 4,
      c: empty,
      ldc: 1,
    } as const
    expect(() => bindBlas('onednn').multiply(gemm)).toThrow('dnnl_sgemm returned')
  })

  it('are named by the settings, as WebAssembly is', async () => {
    for (const blas of providers.filter(isInstalled)) {
      const backend = new CpuBackend({ blas, threads: 1 })
      const names = { off: 'WebAssembly', onednn: 'oneDNN', openblas: 'OpenBLAS' }
      const expected = blas === undefined ? names[chosenBlas()?.name ?? 'off'] : names[blas]
      expect(backend.settings['products by']).toContain(expected)
      await backend.close()
    }
  })

  // Threads that loaded native code at their start took down one such program in six.
  it('do not take down a program that ends at once', async () => {
    const program = `
      import { openBackend, tensor, add } from '${new URL('../../dist/index.js', import.meta.url).href}'
      const backend = await openBackend('cpu')
      const x = tensor(backend, 'float32', [2], Float32Array.of(1, 2))
      console.log(...(await add(x, x).data()))
    `
    for (let i = 0; i < 10; i++) {
      const args = ['--input-type=module', '-e', program]
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
      expect({ stdout, stderr }).toEqual({ stdout: '2 4\n', stderr: '' })
    }
  })

  it('that nobody else overwrites: an input, and a bias, of the same storage as the weight', async () => {
    for (const blas of ['off', ...blasNames].filter((name) => isInstalled(name as BlasChoice))) {
      const backend = new CpuBackend({ blas: blas as BlasChoice, threads: 2 })
      for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
        const size = 64
        // Small integers: products and sums are exact in float32.
        const numbers = Array.from({ length: size * size }, (_, i) => ((i * 7) % 5) - 2)
        using x = tensor(backend, dtype, [size, size], encodeAll(dtype, numbers))
        for (let round = 0; round < 2; round++) {
          using row = slice(x, { start: 3, end: 4 })
          using bias = reshape(row, [size])
          using output = linear(x, x, bias)
          const given = Float32Array.from(numbers)
          const expected = expectedLinear(
            [size, size, size],
            given,
            given,
            given.subarray(192, 256),
          )
          const tolerance = toleranceOf('matmul', dtype)
          const context = { label: `${blas} ${dtype}`, shape: [size, size] }
          assertClose([...(await output.numbers())], expected, tolerance, context)
        }
      }
      await backend.close()
    }
  })

  it('that may not use the instructions of the CPU do not fail in bfloat16', async () => {
    const program = `
      import { openBackend, tensor, linear } from '${new URL('../../dist/index.js', import.meta.url).href}'
      const backend = await openBackend('cpu')
      const ones = tensor(backend, 'bfloat16', [2, 2], Uint16Array.from([0x3f80, 0x3f80, 0x3f80, 0x3f80]))
      console.log(...(await linear(ones, ones).numbers()))
      await backend.close()
    `
    const env = { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2' }
    const args = ['--input-type=module', '-e', program]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env })
    expect(stdout).toBe('2 2 2 2\n')
  })

  it('that nobody knows are bad input', () => {
    expect(() => chosenBlas('mkl')).toThrow(
      expect.objectContaining({
        name: 'InvalidArgumentError',
        argument: 'ROBERTA_ASCEND_BLAS',
        hint: expect.stringContaining('off, onednn, openblas'),
      }),
    )
    expect(chosenBlas('off')).toBeUndefined()
  })

  it('that cannot be loaded are an error only where one is asked for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
    try {
      for (const name of ['libdnnl.so.3', 'libdnnl.so.2', 'libopenblas.so.0']) {
        await writeFile(join(folder, name), 'no library')
      }
      const program = `
        import { openBackend } from '${new URL('../../dist/index.js', import.meta.url).href}'
        const before = JSON.stringify(process.env)
        const backend = await openBackend('cpu')
        console.log(backend.settings['products by'], before === JSON.stringify(process.env))
        await backend.close()
      `
      const run = async (blas: string) => {
        const env = { ...process.env, ROBERTA_ASCEND_BLAS: blas, LD_LIBRARY_PATH: folder }
        const args = ['--input-type=module', '-e', program]
        return promisify(execFile)(process.execPath, args, { env })
      }
      expect((await run('')).stdout).toBe('WebAssembly true\n')
      for (const name of blasNames) {
        await expect(run(name)).rejects.toMatchObject({
          stderr: expect.stringMatching(
            new RegExp(
              `DeviceUnavailableError: device 'cpu' .* ${name} was asked for: .*(file too short|invalid ELF)`,
            ),
          ),
        })
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the embedded model with native libraries', () => {
  const weights = path('../../weights/roberta-tiny-go_emotions')
  const golden = JSON.parse(readFileSync(path('../fixtures/roberta-tiny-golden.json'), 'utf8')) as {
    cases: { input_ids: number[]; logits64: number[] }[]
  }

  it.each([undefined, ...blasNames.filter(isInstalled)])(
    'gives the golden logits, whatever the threads and the batch: %s',
    async (blas) => {
      for (const [threads, batch] of [
        [1, 1],
        [2, 16],
        [4, 7],
      ] as const) {
        const backend = new CpuBackend({ threads, blas })
        const model = await loadModel(weights, {
          backend,
          dtype: 'float32',
          warn: expect.unreachable,
        })
        const sequences = golden.cases.map(({ input_ids }) => input_ids)
        let off = 0
        for (let at = 0; at < sequences.length; at += batch) {
          const rows = await forwardLogits(model, backend, sequences.slice(at, at + batch))
          rows.forEach((row, i) => {
            row.forEach((x, j) => {
              off = Math.max(off, Math.abs(x - golden.cases[at + i]!.logits64[j]!))
            })
          })
        }
        for (const parameter of model.parameters) parameter.dispose()
        await backend.close()
        // Twice the distance of PyTorch's float32, which is 4.3e-6.
        expect(off, `${threads} threads, batches of ${batch}`).toBeLessThan(8.6e-6)
      }
    },
  )
})
