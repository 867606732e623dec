/**
 * The CPU backend: every operator of the catalogue, with and without fused multiply-add; the edges of
 * its tiles; the accuracy of GELU and of layer norm; the embedded model; memory, threads, faults, and what a process
 * leaves behind. The kernels and the worker come from `dist`, which `npm test` builds first.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { availableThreads } from '../../src/backends/cpu/available-threads.ts'
import { compileKernels } from '../../src/backends/cpu/built.ts'
import { CommandQueue } from '../../src/backends/cpu/command-queue.ts'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { SharedMemory, StreamMemory } from '../../src/backends/cpu/memory.ts'
import { Workers } from '../../src/backends/cpu/workers.ts'
import { openBackend } from '../../src/backends/open.ts'
import { erfc } from '../../src/backends/reference/erf.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import {
  add,
  cast,
  embedding,
  gelu,
  layerNorm,
  linear,
  matmul,
  slice,
  tensor,
} from '../../src/ops/index.ts'
import { uniformGenerator } from '../../src/ops/samples.ts'
import { toleranceOf } from '../../src/ops/tolerance.ts'
import { numberToBfloat16, numberToFloat16 } from '../../src/tensor/float-bits.ts'
import { assertClose } from '../support/compare.ts'

// WebAssembly's own products; native libraries are in native-blas.test.ts.
const blas = 'off'

const execute = promisify(execFile)
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const uniform = uniformGenerator(7)
const random = (length: number): Float32Array =>
  Float32Array.from({ length }, () => 2 * uniform() - 1)

describe('the CPU backend', () => {
  const backend = new CpuBackend({ threads: 2, blas })
  afterAll(() => backend.close())

  // Rows of a tile are 4, columns of a panel 8, steps of k at a time 768.
  it.each([1, 2, 3, 4, 5, 31])(
    'matrix products are right at the edges of tiles: %i rows',
    async (rows) => {
      for (const columns of [1, 3, 4, 5, 7, 8, 9, 17]) {
        for (const inner of [1, 2, 767, 768, 769, 1540]) {
          const [a, b, shift] = [random(rows * inner), random(columns * inner), random(columns)]
          using input = tensor(backend, 'float32', [rows, inner], a)
          using weight = tensor(backend, 'float32', [columns, inner], b)
          using bias = tensor(backend, 'float32', [columns], shift)
          using output = linear(input, weight, bias)
          const expected = Array.from({ length: rows * columns }, (_, at) => {
            const [i, j] = [Math.floor(at / columns), at % columns]
            let sum = shift[j]!
            for (let k = 0; k < inner; k++) sum += a[i * inner + k]! * b[j * inner + k]!
            return sum
          })
          const context = { label: `${rows}×${columns}×${inner}`, shape: [rows, columns] }
          const tolerance = toleranceOf('matmul', 'float32')
          assertClose([...(await output.numbers())], expected, tolerance, context)
        }
      }
    },
  )

  // Below -1 an eighth power multiplies the rounding of its base: 16 seen at -4.4, where GELU is 3e-5.
  // Results below -13 are subnormal, or nearly.
  it.each([
    { from: -15, to: -4.5, units: 4 },
    { from: -4.5, to: -1, units: 24 },
    { from: -1, to: 15, units: 4 },
  ])('GELU is within $units units in the last place from $from to $to', async (range) => {
    const count = 100_000
    const step = (range.to - range.from) / count
    const x = Float32Array.from({ length: count }, (_, i) => range.from + i * step)
    using input = tensor(backend, 'float32', [x.length], x)
    using output = gelu(input)
    const actual = await output.numbers()
    let worst = { at: 0, units: 0 }
    actual.forEach((value, i) => {
      const at = x[i]!
      const exact = (at / 2) * erfc(-at * Math.SQRT1_2)
      const exponent = Math.max(Math.floor(Math.log2(Math.abs(exact))), -126)
      const units =
        exact === 0 ? Math.abs(value) * 2 ** 149 : Math.abs(value - exact) / 2 ** (exponent - 23)
      if (units > worst.units) worst = { at, units }
    })
    expect(worst.units, `at ${worst.at}`).toBeLessThan(range.units)
  })

  it.each([
    { name: 'near zero', of: (noise: number) => noise },
    { name: 'far from zero', of: (noise: number) => 1000 + noise },
    { name: 'of squares beyond float32', of: (noise: number) => 1e25 * noise },
    { name: 'of squares below float32', of: (noise: number) => 1e-22 * noise, eps: 0 },
    { name: 'of sums beyond float32', of: (noise: number) => 3e38 * Math.sign(noise + 0.5) },
    {
      name: 'closer together than the rounding of their sum',
      of: (noise: number) => 1877.5568 + 1e-4 * noise,
    },
    { name: 'of one number', of: () => 24931.5627 },
  ])('layer norm is right for rows $name', async ({ of, eps = 1e-12 }) => {
    const [rows, width] = [2, 4098]
    const x = random(rows * width).map(of)
    using input = tensor(backend, 'float32', [rows, width], x)
    using weight = tensor(backend, 'float32', [width], new Float32Array(width).fill(2))
    using bias = tensor(backend, 'float32', [width], new Float32Array(width).fill(1))
    using output = layerNorm(input, weight, bias, { eps })
    const expected = Array.from({ length: rows }, (_, row) => {
      const own = [...x.subarray(row * width, (row + 1) * width)]
      const mean = own.reduce((sum, value) => sum + value, 0) / width
      const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width
      return own.map((value) => ((value - mean) / Math.sqrt(variance + eps)) * 2 + 1)
    }).flat()
    const context = { label: 'layer_norm', shape: [rows, width] }
    const tolerance = toleranceOf('reduction', 'float32')
    assertClose([...(await output.numbers())], expected, tolerance, context)
  })

  it('a weight is packed once, in no more memory, and reads as it was', async () => {
    const [columns, inner] = [32, 50]
    const count = 20
    const rows = random(columns * inner)
    using input = tensor(backend, 'float32', [2, inner], random(2 * inner))
    const weights = Array.from({ length: count }, () =>
      tensor(backend, 'float32', [columns, inner], rows),
    )
    linear(input, weights[0]!).dispose()
    await backend.synchronize()
    const held = backend.heldBytes
    for (const weight of weights) linear(input, weight).dispose()
    using once = linear(input, weights[1]!)
    // One block more while the first of them is both: it is smaller than the others by the padding.
    expect(backend.heldBytes - held).toBeLessThan(3 * 4 * columns * inner)
    using part = slice(weights[1]!, { start: 5, end: 9 })
    using ofPart = linear(input, part)
    const whole = await once.numbers()
    expect([...(await ofPart.numbers())]).toEqual(
      [0, 1].flatMap((row) => [...whole.subarray(row * columns + 5, row * columns + 9)]),
    )
    expect(await part.data()).toEqual(rows.slice(5 * inner, 9 * inner))
    expect(await weights[2]!.data()).toEqual(rows)
    using again = linear(input, weights[2]!)
    expect(await again.numbers()).toEqual(whole)
    for (const weight of weights) weight.dispose()
  })

  it('memory that is freed while work still uses it is not overwritten by an upload', async () => {
    const size = 300
    using left = tensor(backend, 'float32', [size, size], random(size * size))
    const ones = new Float32Array(size * size).fill(1)
    using expected = matmul(left, tensor(backend, 'float32', [size, size], ones))
    const right = tensor(backend, 'float32', [size, size], ones.slice())
    const busy = Array.from({ length: 5 }, () => matmul(left, left))
    using result = matmul(left, right)
    right.dispose()
    using other = tensor(backend, 'float32', [size, size], new Float32Array(size * size))
    expect(await result.data()).toEqual(await expected.data())
    expect((await other.data()).every((value) => value === 0)).toBe(true)
    for (const product of busy) product.dispose()
  })

  it('more commands than the ring holds: none is lost, and the event loop is free', async () => {
    using one = tensor(backend, 'float32', [1], Float32Array.of(1))
    using big = tensor(backend, 'float32', [900, 900], random(900 * 900))
    for (let i = 0; i < 20; i++) matmul(big, big).dispose()
    let sum = one.alias()
    for (let i = 0; i < 10_000; i++) {
      const next = add(sum, one)
      sum.dispose()
      sum = next
    }
    let ticks = 0
    const clock = setInterval(() => ticks++, 1)
    expect([...(await sum.data())]).toEqual([10_001])
    clearInterval(clock)
    expect(ticks).toBeGreaterThan(0)
    sum.dispose()
  })

  it('an index out of range is refused when the result is read, and the next call is right', async () => {
    using table = tensor(backend, 'float32', [3, 2], Float32Array.of(0, 1, 2, 3, 4, 5))
    using wrong = tensor(backend, 'int64', [2], BigInt64Array.of(1n, -7n))
    using right = tensor(backend, 'int32', [1], Int32Array.of(2))
    using refused = embedding(wrong, table)
    await expect(refused.data()).rejects.toMatchObject({
      name: 'IndexOutOfRangeError',
      operator: 'embedding',
      index: -7,
      size: 3,
    })
    using fine = embedding(right, table)
    expect([...(await fine.data())]).toEqual([4, 5])
  })

  it('memory that cannot be had is an error, and what is there stays usable', async () => {
    using small = tensor(backend, 'float32', [2], Float32Array.of(1, 2))
    const huge = () => backend.allocate('float32', 2 ** 30)
    expect(huge).toThrow(expect.objectContaining({ name: 'CpuError', kind: 'device' }))
    using sum = add(small, small)
    expect([...(await sum.data())]).toEqual([2, 4])
  })

  it('does nothing while there is nothing to do', async () => {
    await backend.synchronize()
    await setTimeout(50)
    const before = process.cpuUsage()
    await setTimeout(400)
    const { user, system } = process.cpuUsage(before)
    expect(user + system).toBeLessThan(200_000)
  })
})

describe('the embedded model on cpu', () => {
  const weights = path('../../weights/roberta-tiny-go_emotions')
  const golden = JSON.parse(readFileSync(path('../fixtures/roberta-tiny-golden.json'), 'utf8')) as {
    cases: { input_ids: number[]; logits64: number[] }[]
  }
  const sequences = golden.cases.map(({ input_ids }) => input_ids)

  async function logits(
    threads: number,
    layout: 'packed' | 'padded',
    batch: number,
    relaxed = true,
  ) {
    const backend = new CpuBackend({ threads, relaxedSimd: relaxed, blas })
    try {
      const model = await loadModel(weights, {
        backend,
        dtype: 'float32',
        warn: expect.unreachable,
      })
      const rows: Float64Array[] = []
      for (let at = 0; at < sequences.length; at += batch) {
        rows.push(...(await forwardLogits(model, backend, sequences.slice(at, at + batch), layout)))
      }
      for (const parameter of model.parameters) parameter.dispose()
      return rows
    } finally {
      await backend.close()
    }
  }

  it.each([
    [1, 'packed', true],
    [2, 'packed', true],
    [2, 'packed', false],
    [2, 'padded', true],
    [4, 'padded', false],
  ] as const)(
    'gives the golden logits: %i threads, %s, relaxed SIMD %s',
    async (threads, layout, relaxed) => {
      const rows = await logits(threads, layout, 8, relaxed)
      const off = Math.max(
        ...rows.flatMap((row, i) =>
          Array.from(row, (x, j) => Math.abs(x - golden.cases[i]!.logits64[j]!)),
        ),
      )
      // Twice the distance of PyTorch's float32, which is 4.3e-6.
      expect(off).toBeLessThan(8.6e-6)
    },
  )

  it('logits do not depend on the number of threads or on the batch, to the last bit', async () => {
    const expected = await logits(2, 'packed', 16)
    expect(await logits(1, 'packed', 16)).toEqual(expected)
    expect(await logits(4, 'packed', 1)).toEqual(expected)
  })
})

describe('threads of the CPU backend', () => {
  it.each([0, -1, 1.5, NaN, 5000])('%s is no number of threads', async (threads) => {
    await expect(openBackend('cpu', { threads })).rejects.toMatchObject({
      name: 'InvalidArgumentError',
      argument: 'threads',
    })
  })

  it('other devices have none', async () => {
    await expect(openBackend('reference', { threads: 2 })).rejects.toMatchObject({
      name: 'InvalidArgumentError',
      message: expect.stringContaining('reference'),
    })
  })

  it('there are as many as the cgroup grants cores', () => {
    const files = (content: Record<string, string>) => (file: string) => content[file]
    const two = availableThreads(files({ '/sys/fs/cgroup/cpu.max': '50000 100000' }))
    expect(two).toBe(1)
    const all = availableThreads(files({}))
    expect(availableThreads(files({ '/sys/fs/cgroup/cpu.max': 'max 100000' }))).toBe(all)
    const first = {
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    }
    expect(availableThreads(files(first))).toBe(1)
    const none = { ...first, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1' }
    expect(availableThreads(files(none))).toBe(all)
  })

  it('a kernel that traps is an error at the next wait, and the threads go on', async () => {
    const workers = new Workers(compileKernels().module, new SharedMemory().wasm, 2)
    const queue = new CommandQueue(workers)
    try {
      queue.submit('add', 1, 1, [4e9, 4e9, 4e9, 4], 'add')
      await expect(queue.wait()).rejects.toMatchObject({
        name: 'CpuError',
        operator: 'add',
        message: expect.stringContaining('out of bounds'),
      })
      await queue.wait()
    } finally {
      await workers.close()
    }
  })

  it('whole vectors can be read to the end of the last block and beyond', () => {
    const shared = new SharedMemory()
    const memory = new StreamMemory(shared, () => 0)
    const before = shared.wasm.buffer.byteLength
    let end = 0
    // To the end of what there is at first, and no further.
    while (end < before) {
      const { address, size } = memory.take(64)
      end = address + size
      if (shared.wasm.buffer.byteLength < end + 16) throw new Error(`nothing is beyond ${end}`)
    }
    expect(end).toBe(before)
  })

  it('a thread that dies is an error, not a wait without end', async () => {
    const notMemory = { buffer: new SharedArrayBuffer(0) } as SharedMemory['wasm']
    const workers = new Workers(compileKernels().module, notMemory, 2)
    const queue = new CommandQueue(workers)
    await expect(queue.wait()).rejects.toMatchObject({ name: 'CpuError', kind: 'device' })
    await expect(queue.wait()).rejects.toMatchObject({ name: 'CpuError' })
    await workers.close()
  })

  it('closing rejects who waits, and later waits', async () => {
    const backend = new CpuBackend({ threads: 1 })
    using big = tensor(backend, 'float32', [900, 900], random(900 * 900))
    for (let i = 0; i < 5; i++) matmul(big, big).dispose()
    const waiting = expect(backend.synchronize()).rejects.toMatchObject({ name: 'CpuError' })
    await backend.close()
    await waiting
    await expect(backend.synchronize()).rejects.toMatchObject({ name: 'CpuError' })
  })

  // Each ends by itself; a promise that nobody can settle would end it with 13.
  it.each([
    ['without closing', ''],
    ['after closing', 'await backend.close()'],
  ])('a program ends %s', async (_name, end) => {
    const url = (file: string) =>
      JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href)
    const program = `
      const { openBackend, tensor, add } = await import(${url('index.js')})
      const backend = await openBackend('cpu')
      const x = tensor(backend, 'float32', [2], Float32Array.of(1, 2))
      console.log(...(await add(x, x).data()))
      ${end}
    `
    const { stdout, stderr } = await execute(process.execPath, [
      '--input-type=module',
      '-e',
      program,
    ])
    expect({ stdout, stderr }).toEqual({ stdout: '2 4\n', stderr: '' })
  })
})

// Float32 numbers at and around each number of the format and each midpoint, and beyond the largest; the lowest
// `bits` bits are new. Of float16 from half the smallest subnormal number, 2^-25, to 2^16.
it.each([
  { dtype: 'float16', first: 0x33000000, last: 0x47800000, bits: 13, round: numberToFloat16 },
  { dtype: 'bfloat16', first: 0, last: 0x7fff0000, bits: 16, round: numberToBfloat16 },
] as const)('float32 is rounded to $dtype as the host does it', async ({ dtype, ...format }) => {
  const { first, last, bits, round } = format
  const backend = new CpuBackend({ threads: 2 })
  const half = 2 ** (bits - 1)
  const patterns: number[] = []
  for (let base = first; base <= last; base += 2 ** bits) {
    for (const more of [0, 1, half - 1, half, half + 1, 2 * half - 1]) {
      patterns.push(base + more, base + more + 0x80000000)
    }
  }
  const x = new Float32Array(Uint32Array.from(patterns).buffer)
  using wide = tensor(backend, 'float32', [x.length], x)
  using narrow = cast(wide, dtype)
  const actual = await narrow.data()
  const wrong = patterns.filter((_, at) => actual[at] !== round(x[at]!))
  expect(wrong.slice(0, 5).map((pattern) => pattern.toString(16))).toEqual([])
  // Eight are converted at a time.
  for (let count = 1; count <= 17; count++) {
    using few = tensor(backend, 'float32', [count], x.slice(0, count))
    using rounded = cast(few, dtype)
    expect(await rounded.data()).toEqual(actual.slice(0, count))
  }
  await backend.close()
})

it('16-bit floats are converted as the host does, for every bit pattern', async () => {
  const backend = new CpuBackend({ threads: 1 })
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits)
  for (const dtype of ['float16', 'bfloat16'] as const) {
    using narrow = tensor(backend, dtype, [all.length], all)
    using wide = cast(narrow, 'float32')
    using back = cast(wide, dtype)
    const numbers = await narrow.numbers()
    expect(await wide.numbers()).toEqual(numbers)
    expect(
      (await back.data()).filter((bits, i) => bits !== i && !Number.isNaN(numbers[i])),
    ).toHaveLength(0)
  }
  await backend.close()
})
