/** Which calls a profile counts and times, with figures worked out by hand, and that it leaves nothing behind. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { profile } from '../../src/bench/profile.ts'
import type { Profiled } from '../../src/bench/watch-forward.ts'
import {
  attention,
  type OperatorCall,
  type OperatorName,
  reshape,
  scope,
  tensor,
} from '../../src/ops/index.ts'
import type { DeviceWork, Stopwatch } from '../../src/ops/stopwatch.ts'
import { arena } from '../../src/tensor/tensor.ts'

/** Has a kernel for attention, which gives the values back; counts what it executes. */
class FusedBackend extends ReferenceBackend {
  readonly executed: OperatorName[] = []

  constructor(readonly fuses: boolean) {
    super()
  }

  override supports(...[operator, inputs, attributes]: Parameters<ReferenceBackend['supports']>) {
    if (operator === 'attention') return this.fuses || 'it does not fuse'
    return super.supports(operator, inputs, attributes)
  }

  override execute(call: OperatorCall): void {
    this.executed.push(call.operator)
    const { operator, inputs, output } = call
    if (operator !== 'attention') super.execute(call)
    else super.execute({ operator: 'contiguous', inputs: [inputs[2]], attributes: {}, output })
  }
}

/** Two layers of nothing but attention: one text of 3 rows, 2 heads of 2 columns. */
function modelOn(backend: FusedBackend): Profiled {
  return {
    backend,
    encode: () => ({ inputIds: [0, 5, 2], truncated: false, untruncatedLength: 3 }),
    forward: async () => {
      arena(() => {
        const x = tensor(backend, 'float32', [12], new Float32Array(12))
        const rows = reshape(x, [3, 4])
        for (const layer of [0, 1]) {
          scope(`encoder.layer.${layer}.self`, () =>
            attention(rows, rows, rows, undefined, { numHeads: 2, lengths: [3] }),
          )
        }
        return undefined
      })
      return []
    },
  }
}

const rounds = 2

describe.each([true, false])('attention fused: %s', (fuses) => {
  let backend: FusedBackend
  beforeEach(() => {
    backend = new FusedBackend(fuses)
  })

  test('each call that a device executes counts once; layers count as one', async () => {
    const report = await profile(modelOn(backend), ['a'], rounds)
    expect(report).toMatchObject({ texts: 1, tokens: 3, clock: 'host' })
    const found = Object.fromEntries(
      report.byOperator.map(({ operator, calls, flops, bytes }) => [
        operator,
        { calls, flops, bytes },
      ]),
    )
    // Products: for each of 2 heads 3 × 3 × 2 multiply-adds. float32 has 4 bytes.
    const product = 2 * 2 * (3 * 3 * 2)
    const [rows, scores] = [3 * 4 * 4, 2 * 3 * 3 * 4]
    if (fuses) {
      // By the catalogue 12 operations for each score of its softmax.
      const flops = 2 * (2 * product + 12 * 2 * 3 * 3)
      expect(found).toEqual({ attention: { calls: 2, flops, bytes: 2 * 4 * rows } })
    } else {
      expect(found['attention > matmul']).toEqual({
        calls: 4,
        flops: 4 * product,
        bytes: 4 * (2 * rows + scores),
      })
      expect(found['attention > softmax']).toMatchObject({ calls: 2, bytes: 2 * 2 * scores })
      expect(found).not.toHaveProperty('attention')
    }
    expect(new Set(report.byModule.map(({ module }) => module))).toEqual(
      new Set(['encoder.layer.*.self']),
    )
    const calls = report.byOperator.reduce((sum, one) => sum + one.calls, 0)
    // Once to see the calls; then as a whole and one by one, in a round to warm up and in two.
    expect(backend.executed).toHaveLength(calls * (1 + 2 * (1 + rounds)))
  })

  test('nothing stays behind, also where the device fails', async () => {
    await profile(modelOn(backend), ['a'], rounds)
    expect(backend.heldBytes).toBe(0)
    const good = modelOn(backend)
    const failing = {
      ...good,
      forward: async () => {
        await good.forward([])
        throw new Error('lost')
      },
    }
    await expect(profile(failing, ['a'], rounds)).rejects.toThrow('lost')
    expect(backend.heldBytes).toBe(0)
  })
})

/** Has a clock: an operator takes 1 s, a softmax takes 2 s in two launches; a copy of 16 s comes with it. */
class ClockBackend extends FusedBackend {
  #work: DeviceWork[] = []
  readonly started: Stopwatch[] = []

  override execute(call: OperatorCall): void {
    super.execute(call)
    this.#take(undefined, 16)
    this.#take(call.operator, 1)
    if (call.operator === 'softmax') this.#take(call.operator, 1)
  }

  #take(operator: string | undefined, seconds: number): void {
    const begin = this.#work.at(-1)?.end ?? 0
    this.#work.push({ name: 'f', operator, begin, end: begin + seconds })
  }

  async startStopwatch(): Promise<Stopwatch> {
    const work: DeviceWork[] = []
    this.#work = work
    const stopwatch = {
      get enqueued() {
        return work.length
      },
      stop: vi.fn(async () => ({ work, calls: [], emptySeconds: 3, uncertaintySeconds: 0 })),
    }
    this.started.push(stopwatch)
    return stopwatch
  }
}

describe('a device with a clock', () => {
  test('times operators while forwards run, each by its own launches alone', async () => {
    const backend = new ClockBackend(false)
    const report = await profile(modelOn(backend), ['a'], rounds)
    expect(report).toMatchObject({ clock: 'device', emptySeconds: 3 })
    const seconds = Object.fromEntries(
      report.byOperator.map(({ operator, calls, seconds }) => [operator, [calls, seconds]]),
    )
    expect(seconds).toMatchObject({ 'attention > matmul': [4, 4], 'attention > softmax': [2, 4] })
    const calls = report.byOperator.reduce((sum, one) => sum + one.calls, 0)
    expect(report.operatorSeconds).toBe(calls + 2)
    // Forwards as they are, and forwards that are timed; nothing else.
    expect(backend.executed).toHaveLength(calls * 2 * (1 + rounds))
    expect(backend.started).toHaveLength(1 + rounds)
  })

  test('a forward that fails stops the stopwatch', async () => {
    const backend = new ClockBackend(false)
    const good = modelOn(backend)
    const failing = {
      ...good,
      forward: async () => {
        await good.forward([])
        if (backend.started.length > 0) throw new Error('lost')
        return []
      },
    }
    await expect(profile(failing, ['a'], rounds)).rejects.toThrow('lost')
    expect(backend.started.map(({ stop }) => vi.mocked(stop).mock.calls.length)).toEqual([1])
    expect(backend.heldBytes).toBe(0)
  })
})
