/**
 * Two batches at a time on one device of the emulator: the second is enqueued before the first has been read,
 * results are the bits of one at a time, and the emulator sees no violation.
 */
import * as fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { mapInOrder } from '../../src/model/in-order.ts'
import { cases } from '../support/embedded-golden.ts'
import { controls, forEachBinding } from '../support/emulator.ts'

const built = new URL('../../dist/index.js', import.meta.url).href
const { observe, SequenceClassifier, tensor } = (await import(
  built
)) as typeof import('../../src/index.ts')

/** Texts of 16, 32 or 48 rows when padded. */
const texts = cases
  .map(({ input_ids }) => ({ inputIds: input_ids, truncated: false, untruncatedLength: 0 }))
  .filter(({ inputIds }) => inputIds.length <= 48)
  .sort((a, b) => a.inputIds.length - b.inputIds.length)

/** Products of matrices in a forward of the embedded model. */
const productsOfForward = 14
/** Where batches begin, and how many texts they have. */
type Batch = readonly [start: number, count: number]
const batch = fc.tuple(fc.nat(texts.length - 1), fc.integer({ min: 1, max: 3 }))
const encodings = ([start, count]: Batch) => texts.slice(start, start + count)

/** Logits of batches, one at a time and without plans. */
const expected = new Map<string, unknown>()

forEachBinding((binding) => {
  beforeAll(async () => {
    if (expected.size > 0) return
    await using classifier = await SequenceClassifier.load({ device: 'emulator', plans: false })
    for (let start = 0; start < texts.length; start++) {
      for (const count of [1, 2, 3]) {
        expected.set(`${start},${count}`, await classifier.forward(encodings([start, count])))
      }
    }
  })
  beforeEach(() => controls.reset())
  afterEach(() => {
    controls.hold(0)
    const { violations, live } = controls.report()
    expect(violations).toEqual([])
    expect(Object.entries(live).filter(([, count]) => count > 0)).toEqual([])
  })

  it.each([
    ['operator by operator', { plans: false }, 'aclnnTanh'],
    ['as graphs', {}, 'aclmdlRIExecuteAsync'],
  ])(
    '%s, the second batch is enqueued before the first is read, and a third waits',
    async (...row) => {
      const [, options, oncePerForward] = row
      await using classifier = await SequenceClassifier.load({ device: 'emulator', ...options })
      const forward = (start: number) => classifier.forward(texts.slice(start, start + 2))
      const alone = [await forward(0), await forward(2), await forward(4)]
      // Both streams have recorded such a forward, and captured it.
      for (let round = 0; round < 2; round++) await Promise.all([forward(0), forward(2)])
      controls.reset()
      controls.hold(1)
      let done = 0
      const count = () => {
        done += 1
      }
      const forwards = [0, 2, 4].map((start) => forward(start).finally(count))
      try {
        // Uploads, launches and downloads of two are enqueued, and both are waited for.
        expect(controls.callCount(oncePerForward)).toBe(2n)
        const waits = () => expect(controls.callCount('aclrtSynchronizeStream')).toBe(2n)
        await vi.waitFor(waits, { timeout: 30_000 })
        expect([controls.callCount(oncePerForward), done]).toEqual([2n, 0])
      } finally {
        controls.hold(0)
      }
      expect(await Promise.all(forwards)).toEqual(alone)
      expect(controls.callCount(oncePerForward)).toBe(3n)
    },
  )

  it('a second stream that cannot be had is an error of its batch alone', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'emulator' })
    const together = () =>
      Promise.allSettled([0, 2].map((at) => classifier.forward(texts.slice(at, at + 2))))
    controls.failCall('aclrtCreateStream', 1n, 207008)
    const [first, second] = await together()
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 207008 } })
    const [again, other] = await together()
    expect(again).toEqual(first)
    expect(other!.status).toBe('fulfilled')
  })

  it('weights that a model is given later are those of all its batches', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'emulator' })
    const together = () =>
      Promise.all([0, 2].map((at) => classifier.forward(texts.slice(at, at + 2))))
    const before = await together()
    const bias = classifier.model.parameters.find(
      ({ name }) => name === 'classifier.out_proj.bias',
    )!
    const shift = new Float32Array(bias.shape[0]!).fill(1)
    // In other memory, since that of the old ones is not free yet.
    const other = tensor(classifier.backend, 'float32', bias.shape, shift)
    bias.dispose()
    bias.load(other)
    const after = await together()
    const alone = [
      await classifier.forward(texts.slice(0, 2)),
      await classifier.forward(texts.slice(2, 4)),
    ]
    expect(after).toEqual(alone)
    expect(after[1]).not.toEqual(before[1])
  })

  it('the settings count plans and graphs of both streams', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'emulator' })
    const together = () =>
      Promise.all([0, 2].map((at) => classifier.forward(texts.slice(at, at + 2))))
    await together()
    expect(classifier.settings).toMatchObject({ plans: 'on', graphs: 'on' })
    // Each stream captures its plan, the first one first.
    controls.failCall('aclmdlRICaptureBegin', 2n, 507899)
    await together()
    expect(classifier.settings.graphs).toBe(
      'on, 1 of 2 plans without: aclmdlRICaptureBegin failed with code 507899',
    )
    // Of the first forward, which both streams record anew with other shapes.
    const launches = Number(controls.callCount('aclSetAclOpExecutorRepeatable'))
    controls.failCall('aclSetAclOpExecutorRepeatable', BigInt(launches) / 2n + 1n, 561000)
    const shorter = [0, 2].map((at) => classifier.forward(texts.slice(at, at + 1)))
    await Promise.all(shorter)
    expect(classifier.settings.plans).toMatch(
      new RegExp(`^on, 1 of ${2 * launches} launches one-shot: aclnn\\w+$`),
    )
  })

  it('one batch after the other needs no second stream', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'emulator', graphs: false })
    for (const start of [0, 2, 4]) await classifier.forward(texts.slice(start, start + 2))
    expect(controls.callCount('aclrtCreateStream')).toBe(1n)
  })

  it('without overlap there is one stream, and a second batch waits', async () => {
    const options = { device: 'emulator', graphs: false, overlap: false }
    await using classifier = await SequenceClassifier.load(options)
    expect(classifier.concurrency).toBe(1)
    expect(classifier.settings).toMatchObject({ graphs: 'off', overlap: 'off' })
    const runs = [
      [0, 2],
      [2, 2],
      [4, 2],
    ] as const
    const logits = await Promise.all(runs.map((one) => classifier.forward(encodings(one))))
    expect(logits).toEqual(runs.map((one) => expected.get(one.join())))
    expect(controls.callCount('aclrtCreateStream')).toBe(1n)
  })

  it('who observes the device sees all batches', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'emulator' })
    const together = () =>
      Promise.all([0, 2].map((at) => classifier.forward(texts.slice(at, at + 2))))
    await together()
    let seen = 0
    const count = ({ operator }: { operator: string }) => {
      if (operator === 'linear') seen += 1
    }
    using _ = observe({ operator: count }, classifier.backend)
    expect(classifier.concurrency).toBe(1)
    await together()
    expect(seen).toBe(2 * productsOfForward)
  })

  it('a fault in one of two batches is that batch’s, and the next are right', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'emulator', plans: false })
    const together = (): Promise<PromiseSettledResult<unknown>[]> =>
      Promise.allSettled([0, 2].map((at) => classifier.forward(texts.slice(at, at + 2))))
    const alone = await together()
    for (const [place, n] of [3n, BigInt(productsOfForward) + 3n].entries()) {
      controls.faultCall('aclnnAddmm', n, 507015)
      const outcomes = await together()
      expect(outcomes[place]).toMatchObject({ status: 'rejected', reason: { code: 507015 } })
      expect(outcomes[1 - place]).toEqual(alone[1 - place])
      expect(await together()).toEqual(alone)
    }
  })

  it('gives the bits of one at a time, over random sequences of shapes, with and without plans', async () => {
    const options = [{}, { graphs: false }, { plans: false }, { planMemory: 2 ** 21 }]
    const classifiers = await Promise.all(
      options.map((some) => SequenceClassifier.load({ device: 'emulator', ...some })),
    )
    const sequences = fc.record({
      batches: fc.array(batch, { minLength: 2, maxLength: 12 }),
      most: fc.integer({ min: 2, max: 4 }),
      classifier: fc.nat(options.length - 1),
    })
    try {
      await fc.assert(
        fc.asyncProperty(sequences, async ({ batches, most, classifier }) => {
          const run = (one: Batch) => classifiers[classifier]!.forward(encodings(one))
          let at = 0
          for await (const logits of mapInOrder(batches, most, run)) {
            expect(logits).toEqual(expected.get(batches[at++]!.join()))
          }
          expect(at).toBe(batches.length)
          expect(controls.report().violations).toEqual([])
        }),
        { numRuns: binding === 'koffi' ? 40 : 5 },
      )
    } finally {
      for (const classifier of classifiers) await classifier.close()
    }
  })
})
