/**
 * Two streams of the CPU backend: the second computes while the first does, on weights that it borrows, and what goes wrong
 * in one is no affair of the other. Batches that run two at a time have the bits of one at a time.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { ModelOnDevice } from '../../src/model/model-on-device.ts'
import { add, type Backend, embedding, linear, matmul, tensor } from '../../src/ops/index.ts'
import { uniformGenerator } from '../../src/ops/samples.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { cases } from '../support/embedded-golden.ts'

const weights = new URL('../../weights/roberta-tiny-go_emotions', import.meta.url).pathname
const uniform = uniformGenerator(11)
const random = (length: number): Float32Array =>
  Float32Array.from({ length }, () => 2 * uniform() - 1)

/** A backend beside another one, and the tensors of it that it borrows. */
function openBeside(backend: CpuBackend, lent: readonly Tensor[]) {
  const { backend: beside, views } = backend.beside!(lent)
  const borrowed = views.map(
    ({ storage, dtype, shape, strides, offset }) =>
      new Tensor(storage, dtype, shape, strides, offset),
  )
  return { beside, borrowed }
}

describe.each(['off', undefined] as const)('two streams, ROBERTA_ASCEND_BLAS %s', (blas) => {
  const backend = new CpuBackend({ threads: 2, blas })
  afterAll(() => backend.close())

  it('the second computes while the first is busy', async () => {
    const { beside } = openBeside(backend, [])
    await beside.synchronize()
    using big = tensor(backend, 'float32', [600, 600], random(600 * 600))
    for (let i = 0; i < 30; i++) matmul(big, big).dispose()
    let isBusy = true
    const long = backend.synchronize().then(() => {
      isBusy = false
    })
    using one = tensor(beside, 'float32', [1], Float32Array.of(1))
    using two = add(one, one)
    expect([...(await two.data()), isBusy]).toEqual([2, true])
    await long
    await beside.close()
  })

  it('what it borrows is there only once the first has written it', async () => {
    const [columns, inner] = [300, 500]
    const input = random(2 * inner)
    const elements = random(columns * inner)
    using left = tensor(backend, 'float32', [2, inner], input)
    using weight = tensor(backend, 'float32', [columns, inner], elements)
    using big = tensor(backend, 'float32', [500, 500], random(500 * 500))
    // The weight is packed after these.
    for (let i = 0; i < 20; i++) matmul(big, big).dispose()
    using expected = linear(left, weight)
    const { beside, borrowed } = openBeside(backend, [weight])
    using same = tensor(beside, 'float32', [2, inner], input)
    using result = linear(same, borrowed[0]!)
    expect(await result.data()).toEqual(await expected.data())
    expect(await borrowed[0]!.data()).toEqual(elements)
    borrowed[0]!.dispose()
    await beside.close()
    using again = linear(left, weight)
    expect(await again.data()).toEqual(await expected.data())
  })

  it('memory that is lent stays as it is, also where it is used first and given back first', async () => {
    const [columns, inner] = [200, 300]
    const elements = random(columns * inner)
    const input = random(inner)
    using weight = tensor(backend, 'float32', [columns, inner], elements)
    using left = tensor(backend, 'float32', [1, inner], input)
    const { beside, borrowed } = openBeside(backend, [weight])
    const zeros = (where: Backend) =>
      tensor(where, 'float32', [columns, inner], new Float32Array(columns * inner))
    using first = linear(left, weight)
    const expected = await first.data()
    using _other = zeros(backend)
    using same = tensor(beside, 'float32', [1, inner], input)
    using second = linear(same, borrowed[0]!)
    expect(await second.data()).toEqual(expected)
    expect(await borrowed[0]!.data()).toEqual(elements)
    borrowed[0]!.dispose()
    zeros(beside).dispose()
    expect(await weight.data()).toEqual(elements)
    await beside.close()
  })

  it('a fault is told to those who wait for its stream', async () => {
    const { beside } = openBeside(backend, [])
    using table = tensor(beside, 'float32', [2, 1], Float32Array.of(1, 2))
    using wrong = tensor(beside, 'int32', [1], Int32Array.of(7))
    using refused = embedding(wrong, table)
    await expect(
      Promise.allSettled([backend.synchronize(), refused.data()]),
    ).resolves.toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { name: 'IndexOutOfRangeError', index: 7 } },
    ])
    // One that nobody waits for ends with its stream.
    embedding(wrong, table).dispose()
    await beside.close()
    const next = openBeside(backend, []).beside
    await next.synchronize()
    await next.close()
    await expect(next.synchronize()).rejects.toMatchObject({ name: 'CpuError' })
  })

  it('a fault before another stream is opened is told to those who wait for it later', async () => {
    using table = tensor(backend, 'float32', [2, 1], Float32Array.of(1, 2))
    using wrong = tensor(backend, 'int32', [1], Int32Array.of(7))
    using refused = embedding(wrong, table)
    const { beside } = openBeside(backend, [])
    await beside.synchronize()
    await expect(refused.data()).rejects.toMatchObject({ name: 'IndexOutOfRangeError' })
    await beside.close()
  })

  it('a fault that is found while nobody waits any more is not told to those who wait later', async () => {
    using table = tensor(backend, 'float32', [2, 1], Float32Array.of(1, 2))
    using wrong = tensor(backend, 'int32', [1], Int32Array.of(7))
    using big = tensor(backend, 'float32', [500, 500], random(500 * 500))
    embedding(wrong, table).dispose()
    const first = backend.synchronize()
    for (let i = 0; i < 10; i++) matmul(big, big).dispose()
    embedding(wrong, table).dispose()
    const both = await Promise.allSettled([first, backend.synchronize()])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const { beside } = openBeside(backend, [])
    // Begins when the other stream is through.
    await beside.synchronize()
    await beside.close()
    await backend.synchronize()
  })

  it('closing a stream ends all waits for it, and a second time does nothing', async () => {
    for (let round = 0; round < 200; round++) {
      const { beside } = openBeside(backend, [])
      using one = tensor(beside, 'float32', [1], Float32Array.of(1))
      add(one, one).dispose()
      const waits = [beside.synchronize(), beside.synchronize(), beside.close()]
      const late = beside.synchronize()
      await expect(late).rejects.toMatchObject({ name: 'CpuError' })
      await Promise.all([...waits, beside.close()])
    }
    const { beside } = openBeside(backend, [])
    expect(() => openBeside(backend, [])).toThrow('all of its streams are in use')
    await beside.close()
  })

  it('more commands than a ring holds are kept while a stream is held', async () => {
    using big = tensor(backend, 'float32', [500, 500], random(500 * 500))
    for (let i = 0; i < 10; i++) matmul(big, big).dispose()
    const { beside } = openBeside(backend, [])
    using one = tensor(beside, 'float32', [1], Float32Array.of(1))
    let sum = one.alias()
    for (let i = 0; i < 5000; i++) {
      const next = add(sum, one)
      sum.dispose()
      sum = next
    }
    const closing = sum.data().then(async (data) => {
      sum.dispose()
      await beside.close()
      return [...data]
    })
    expect(await closing).toEqual([5001])
  })

  it('memory of a stream that is closed serves others', async () => {
    const room = async () => {
      const { beside } = openBeside(backend, [])
      const before = beside.heldBytes
      tensor(beside, 'float32', [1_000_000], random(1_000_000)).dispose()
      const held = beside.heldBytes - before
      await beside.close()
      return { held, after: beside.heldBytes, ofFirst: backend.heldBytes }
    }
    const first = await room()
    expect(first.held).toBeGreaterThan(4_000_000)
    expect(first.after).toBe(0)
    expect(await room()).toEqual(first)
  })

  it('a weight that was lent before its first use is borrowed packed once its lender has packed it', async () => {
    const [columns, inner] = [20, 30]
    using weight = tensor(backend, 'float32', [columns, inner], random(columns * inner))
    const input = random(inner)
    using left = tensor(backend, 'float32', [1, inner], input)
    const { beside, borrowed } = openBeside(backend, [weight])
    using same = tensor(beside, 'float32', [1, inner], input)
    const blockOf = ({ storage }: Tensor) => (storage.slot as { block: object }).block
    const results = [linear(same, borrowed[0]!)]
    expect(blockOf(borrowed[0]!)).toBe(blockOf(weight))
    results.push(linear(left, weight))
    await backend.synchronize()
    expect(blockOf(borrowed[0]!)).not.toBe(blockOf(weight))
    results.push(linear(same, borrowed[0]!))
    expect(blockOf(borrowed[0]!)).toBe(blockOf(weight))
    const [first, ...others] = await Promise.all(results.map((one) => one.data()))
    for (const other of others) expect(other).toEqual(first)
    for (const result of results) result.dispose()
    borrowed[0]!.dispose()
    await beside.close()
  })

  it('closing the device ends the second stream, also while it is held', async () => {
    const device = new CpuBackend({ threads: 2, blas })
    using big = tensor(device, 'float32', [500, 500], random(500 * 500))
    for (let i = 0; i < 10; i++) matmul(big, big).dispose()
    const { beside } = openBeside(device, [])
    const waiting = expect(beside.synchronize()).rejects.toMatchObject({ name: 'CpuError' })
    await device.close()
    await waiting
    await expect(beside.synchronize()).rejects.toMatchObject({ name: 'CpuError' })
    await beside.close()
  })

  it('a third stream is refused, and there is none beside the second', async () => {
    const { beside } = openBeside(backend, [])
    expect(() => openBeside(backend, [])).toThrow(
      expect.objectContaining({ name: 'CpuError', message: expect.stringContaining('close') }),
    )
    expect(beside.beside).toBeUndefined()
    await beside.close()
    await openBeside(backend, []).beside.close()
  })
})

describe('two batches at a time', () => {
  const sequences = cases.map(({ input_ids }) => input_ids)
  const batches = Array.from({ length: 6 }, (_, i) => sequences.slice(2 * i, 2 * i + 2))

  it.each([
    ['float32', 1],
    ['float32', 2],
    ['float32', 4],
    ['bfloat16', 2],
  ] as const)('have the bits of one at a time: %s, %i threads', async (dtype, threads) => {
    const load = async (overlap: boolean) => {
      const backend = new CpuBackend({ threads, overlap })
      const model = await loadModel(weights, { backend, dtype, warn: expect.unreachable })
      return new ModelOnDevice({ backend, model }, expect.unreachable)
    }
    const alone = await load(false)
    const together = await load(true)
    expect([alone.concurrency, together.concurrency]).toEqual([1, 2])
    const expected: unknown[] = []
    for (const batch of batches) expected.push(await alone.forward(batch))
    for (let round = 0; round < 5; round++) {
      const actual: unknown[] = []
      for (let at = 0; at < batches.length; at += 2) {
        actual.push(...(await Promise.all([at, at + 1].map((i) => together.forward(batches[i]!)))))
      }
      expect(actual).toEqual(expected)
    }
    await alone.close()
    await together.close()
  })

  it('of which one has no memory run one after the other', async () => {
    const warnings: string[] = []
    const load = async () => {
      const backend = new CpuBackend({ threads: 2 })
      const model = await loadModel(weights, {
        backend,
        dtype: 'float32',
        warn: expect.unreachable,
      })
      return new ModelOnDevice({ backend, model }, (warning) => warnings.push(warning))
    }
    const together = (device: ModelOnDevice) =>
      Promise.all([0, 1].map(() => device.forward(batches[0]!)))
    const other = await load()
    const expected = await together(other)
    const bytesOfSecond = other.heldBytes - other.first.backend.heldBytes
    await other.close()

    const device = await load()
    const { backend } = device.first
    await device.forward(batches[0]!)
    // All of the 4 GiB that there are, but more than what a forward needs, and less than what two need.
    const left = backend.allocate('float32', (1.4 * bytesOfSecond) / 4)
    const slots: unknown[] = []
    for (let elements = 2 ** 29; elements >= 2 ** 12; elements /= 2) {
      expect(() => {
        for (;;) slots.push(backend.allocate('float32', elements))
      }).toThrow(expect.objectContaining({ isOutOfMemory: true }))
    }
    backend.free(left)
    expect(await together(device)).toEqual(expected)
    // Either or both have run again.
    expect(warnings[0]).toContain('has no memory for two batches at a time')
    for (const slot of slots) backend.free(slot)
    await device.close()
  })
  it('do not keep a program from ending that closes nothing', async () => {
    const url = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)
    const program = `
      const { GoEmotionsClassifier } = await import(${url})
      const classifier = await GoEmotionsClassifier.load({ device: 'cpu' })
      const { results } = await classifier.predict(['a', 'b', 'c', 'd'], { batchSize: 1 })
      console.log(results.length)
    `
    const args = ['--input-type=module', '-e', program]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
    expect({ stdout, stderr }).toEqual({ stdout: '4\n', stderr: '' })
  })

  it('leave no memory that only batches of the same size could have', async () => {
    const backend = new CpuBackend({ threads: 1 })
    const megabytes = (count: number) => count * 2 ** 18
    const { beside } = openBeside(backend, [])
    const ofSecond = [1024, 512].map((count) => beside.allocate('float32', megabytes(count)))
    const ofFirst = backend.allocate('float32', megabytes(1024))
    for (const slot of ofSecond) beside.free(slot)
    await beside.close()
    // What is left of 4 GiB, what the second stream had, and what the first has in blocks of other sizes.
    const large = backend.allocate('float32', megabytes(1400))
    backend.free(ofFirst)
    const other = backend.allocate('float32', megabytes(1700))
    backend.free(large)
    backend.free(other)
    await backend.close()
  })
})
