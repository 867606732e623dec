/**
 * A device of the emulator with memory for one batch and not for two at a time: what fails beside another
 * batch is run again alone, to the same bits, and no healthy device is taken out for it.
 */
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import type { SequenceClassifier as Classifier, LoadOptions } from '../../src/index.ts'
import { mapInOrder } from '../../src/model/in-order.ts'
import { cases } from '../support/embedded-golden.ts'
import { controls, forEachBinding } from '../support/emulator.ts'

const built = new URL('../../dist/index.js', import.meta.url).href
const { SequenceClassifier } = (await import(built)) as typeof import('../../src/index.ts')

const texts = cases
  .map(({ input_ids }) => ({ inputIds: input_ids, truncated: false, untruncatedLength: 0 }))
  .filter(({ inputIds }) => inputIds.length <= 48)

/** Batches of some texts each, so that activations are large beside the weights that are lent. */
const batches = [8, 6, 4].map((count) => texts.slice(0, count))
const unlimited = 2n ** 36n

/** What `alone` has found out. */
const known = new Map<string, { readonly logits: readonly unknown[]; readonly enough: bigint }>()

const warning = (device: string) =>
  expect.stringMatching(new RegExp(`^device '${device}' has no memory for two batches at a time`))

function usedBytes({ backend }: Classifier): number {
  const { totalBytes, freeBytes } = (backend as NpuBackend).info()
  return totalBytes - freeBytes
}

forEachBinding((binding) => {
  beforeEach(() => controls.reset())
  afterEach(() => {
    controls.limitMemory(unlimited)
    controls.hold(0)
    const { violations, live } = controls.report()
    expect(violations).toEqual([])
    expect(Object.entries(live).filter(([, count]) => count > 0)).toEqual([])
    controls.setDeviceCount(1)
  })

  /** Has a model, and what it was told. */
  async function withModel(
    options: LoadOptions,
    body: (classifier: Classifier, warnings: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const warnings: string[] = []
    const onWarning = (message: string) => warnings.push(message)
    const classifier = await SequenceClassifier.load({ ...options, onWarning })
    try {
      await body(classifier, warnings)
    } finally {
      await classifier.close()
    }
  }

  /** Logits of each batch alone, and the bytes that the device then needs. */
  async function alone(options: LoadOptions) {
    const key = JSON.stringify(options)
    const found = known.get(key)
    if (found !== undefined) return found
    const logits: unknown[] = []
    const used: number[] = []
    for (const batch of batches) {
      await withModel({ ...options, device: 'emulator' }, async (classifier) => {
        logits.push(await classifier.forward(batch))
        // Nothing goes back to the device before there is none left.
        used.push(usedBytes(classifier))
      })
    }
    const made = { logits, enough: BigInt(Math.max(...used)) }
    known.set(key, made)
    return made
  }

  const ways: [string, LoadOptions][] = [
    ['without plans', { plans: false }],
    ['with plans', { graphs: false }],
    ['with graphs', {}],
  ]
  it.each(ways)(
    'what has no memory beside another batch runs again alone, %s',
    async (_, options) => {
      const { logits, enough } = await alone(options)
      await withModel({ ...options, device: 'emulator' }, async (classifier, warnings) => {
        controls.limitMemory(enough)
        for (let round = 0; round < 2; round++) {
          expect(await Promise.all(batches.map((batch) => classifier.forward(batch)))).toEqual(
            logits,
          )
        }
        expect(warnings).toEqual([warning('emulator')])
        // With memory for both, they run at a time again.
        controls.limitMemory(unlimited)
        expect(await Promise.all(batches.map((batch) => classifier.forward(batch)))).toEqual(logits)
        controls.reset()
        controls.hold(1)
        const forwards = batches.slice(0, 2).map((batch) => classifier.forward(batch))
        try {
          expect(controls.report().calls.aclrtMemcpyAsync).toBe(4)
        } finally {
          controls.hold(0)
        }
        expect(await Promise.all(forwards)).toEqual(logits.slice(0, 2))
      })
    },
  )

  it('what has no memory alone either is an error, and the batch beside it and the next are right', async () => {
    const { logits } = await alone({})
    await withModel({ device: 'emulator' }, async (classifier, warnings) => {
      const [large, small] = [batches[0]!, batches[2]!]
      expect(await classifier.forward(small)).toEqual(logits[2])
      controls.limitMemory(BigInt(usedBytes(classifier)))
      const [beside, failed] = await Promise.allSettled(
        [small, large].map((batch) => classifier.forward(batch)),
      )
      expect(beside).toEqual({ status: 'fulfilled', value: logits[2] })
      expect(failed).toMatchObject({ status: 'rejected', reason: { code: 207001 } })
      expect(warnings).toEqual([])
      controls.limitMemory(unlimited)
      expect(await classifier.forward(large)).toEqual(logits[0])
    })
  })

  it('where both have none they run one after the other, whichever fails first', async () => {
    const { logits, enough } = await alone({})
    await withModel({ device: 'emulator' }, async (classifier) => {
      const forward = (at: number) => classifier.forward(batches[at]!)
      for (let between = 0; between < (binding === 'koffi' ? 8 : 2); between++) {
        controls.limitMemory(unlimited)
        await Promise.all([0, 1].map(forward))
        // Each stream holds a plan that leaves too little for the other's next one.
        controls.limitMemory(enough)
        const first = forward(2)
        // The second begins while the failure of the first is on its way.
        for (let tick = 0; tick < between; tick++) await undefined
        expect(await Promise.all([first, forward(0)])).toEqual([logits[2], logits[0]])
      }
    })
  })

  it('a stream for which there is no memory', async () => {
    const { logits } = await alone({})
    await withModel({ device: 'emulator' }, async (classifier, warnings) => {
      controls.failCall('aclrtCreateStream', 1n, 207001)
      expect(await Promise.all(batches.map((batch) => classifier.forward(batch)))).toEqual(logits)
      expect(warnings).toEqual([warning('emulator')])
    })
  })

  it('no device of several is taken out for it', async () => {
    const { logits, enough } = await alone({})
    controls.setDeviceCount(2)
    await withModel({ device: 'emulator:all' }, async (classifier, warnings) => {
      controls.limitMemory(enough)
      const many = [0, 1, 2, 0, 1, 2, 0, 1]
      const results = await Promise.all(many.map((at) => classifier.forward(batches[at]!)))
      expect(results).toEqual(many.map((at) => logits[at]))
      expect(warnings.toSorted()).toEqual([warning('emulator:0'), warning('emulator:1')])
      expect(classifier.concurrency).toBe(4)
    })
  })

  it('gives the bits of one at a time, over random memory', async () => {
    const { logits, enough } = await alone({})
    await withModel({ device: 'emulator' }, async (classifier) => {
      const runs = fc.record({
        order: fc.array(fc.nat(batches.length - 1), { minLength: 2, maxLength: 8 }),
        more: fc.bigInt({ min: 0n, max: enough }),
      })
      await fc.assert(
        fc.asyncProperty(runs, async ({ order, more }) => {
          controls.limitMemory(enough + more)
          let at = 0
          const run = (one: number) => classifier.forward(batches[one]!)
          for await (const result of mapInOrder(order, 2, run)) {
            expect(result).toEqual(logits[order[at++]!])
          }
          expect(controls.report().violations).toEqual([])
        }),
        { numRuns: binding === 'koffi' ? 10 : 3 },
      )
    })
  })
})
