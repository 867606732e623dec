/** Figures from times that are made up, worked out by hand; and what an emulator's are called. */
import { describe, expect, test } from 'vitest'
import { type Run, ratioOf, summarize } from '../../src/bench/measure.ts'
import type { BenchmarkReport, DeviceReport, RatioReport } from '../../src/bench/report.ts'
import { labelOf } from '../../src/bench/report.ts'
import { speedUp } from '../../src/bench/speed-up.ts'
import { checkedBatchSizes } from '../../src/bench/workload.ts'
import { renderBenchmark } from '../../src/cli/output/benchmark.ts'

/** 5 texts in batches of 2, one after the other, seconds for each batch; the forward takes half of them. */
const run = (...seconds: number[]): Run => {
  let begin = 1000
  return seconds.map((taken, at) => {
    const end = begin + taken
    const times: Run[number] = {
      texts: [2, 2, 1][at]!,
      endToEnd: [begin, end],
      forward: [begin + taken / 2, end],
    }
    begin = end
    return times
  })
}

test('throughput is that of the median round, latency that of full batches', () => {
  const { endToEnd, forward } = summarize([run(1, 2, 1), run(3, 4, 93), run(2, 2, 1)], 2, 40)
  // Rounds of 4, 100 and 5 seconds. Full batches: 1, 2, 2, 2, 3, 4; ranks 2.5, 4.75, 4.95.
  expect(endToEnd.textsPerSecond).toBeCloseTo(1, 12)
  expect(endToEnd.tokensPerSecond).toBeCloseTo(8, 12)
  expect(endToEnd.latency.batches).toBe(6)
  expect(endToEnd.latency.p50).toBeCloseTo(2, 12)
  expect(endToEnd.latency.p95).toBeCloseTo(3.75, 12)
  expect(endToEnd.latency.p99).toBeCloseTo(3.95, 12)
  expect(forward.textsPerSecond).toBeCloseTo(2, 12)
})

test('batches that are under way together count once', () => {
  const at = (begin: number, end: number): Run[number] => ({
    texts: 2,
    endToEnd: [begin, end],
    forward: [begin, end],
  })
  // Two devices from 0 to 3 and from 1 to 4, then nothing, then one within another.
  const { endToEnd } = summarize([[at(0, 3), at(1, 4), at(6, 10), at(7, 8)]], 2, 16)
  expect(endToEnd.textsPerSecond).toBe(8 / 8)
  expect(endToEnd.latency.p50).toBe(3)
})

test('a ratio is the median of the ratios of rounds', () => {
  const device = [run(1, 1, 0), run(1, 0, 0), run(2, 2, 0)]
  const baseline = [run(2, 2, 0), run(9, 0, 0), run(2, 2, 4)]
  // 4/2, 9/1, 8/4; the ratio of medians would be 4/2 as well, of means 21/7.
  expect(ratioOf(device, baseline, 'endToEnd')).toBe(2)
  expect(ratioOf([run(1), run(1)], [run(1), run(4)], 'endToEnd')).toBe(2.5)
})

test('batch sizes: smallest first, each once, none beyond all texts', () => {
  expect(checkedBatchSizes([16, 1, 23, 99, 1], 23)).toEqual([1, 16, 23])
  expect(() => checkedBatchSizes([0], 23)).toThrow('batch-size')
  expect(() => checkedBatchSizes([1], 0)).toThrow('texts: there are none')
})

function device(name: string, textsPerSecond: number): DeviceReport {
  const latency = { batches: 1, p50: 1, p95: 1, p99: 1 }
  const speed = { textsPerSecond, tokensPerSecond: 1, latency }
  return {
    device: name,
    ...labelOf(name),
    settings: {},
    loadSeconds: 1,
    heldBytes: 1,
    batches: [{ batchSize: 16, endToEnd: speed, forward: speed }],
  }
}

function ratio(name: string, baseline: string, endToEnd: number): RatioReport {
  return {
    device: name,
    baseline,
    ...labelOf(name, baseline),
    batchSize: 16,
    endToEnd,
    forward: 1,
  }
}

function render(devices: DeviceReport[], ratios: RatioReport[]): string {
  const table = speedUp(devices, ratios)
  const report: BenchmarkReport = {
    model: { name: 'm', layers: 1, dtype: 'float32' },
    machine: { node: 'v', platform: 'p', processor: 'c', parallelism: 1, loadAverage: 0 },
    workload: { texts: 1, tokens: 1, batchSizes: [16], warmUp: 0, rounds: 1 },
    devices,
    ratios,
    ...(table === undefined ? {} : { speedUp: table }),
    peakResidentBytes: 1,
  }
  return renderBenchmark(report, '1.2.3', { columns: 80, color: false, unicode: true })
}

describe('a CPU and an NPU', () => {
  test('side by side, whichever came first', () => {
    const devices = [device('npu:1', 30), device('reference', 1), device('cpu', 10)]
    const ratios = [ratio('reference', 'npu:1', 0.03), ratio('cpu', 'npu:1', 0.5)]
    expect(speedUp(devices, ratios)).toEqual({
      cpu: 'cpu',
      npu: 'npu:1',
      rows: [{ batchSize: 16, cpuTextsPerSecond: 10, npuTextsPerSecond: 30, speedUp: 2 }],
    })
    const table = render(devices, ratios)
    expect(table).toMatch(
      /^batch +CPU texts\/s +NPU texts\/s +speed-up\n16 +10\.0 +30\.0 +2\.00 ×$/m,
    )
    expect(table).not.toContain('emulator')
  })

  test('an emulator has no speed-up, and its label wherever it is named', () => {
    const devices = [device('reference', 2), device('emulator', 12)]
    const ratios = [ratio('emulator', 'reference', 5)]
    expect(speedUp(devices, ratios)).toEqual({
      label: 'emulator, not an NPU',
      cpu: 'reference',
      emulator: 'emulator',
      rows: [{ batchSize: 16, cpuTextsPerSecond: 2, emulatorTextsPerSecond: 12, ratio: 5 }],
    })
    const table = render(devices, ratios)
    expect(table).not.toMatch(/speed-up$/m)
    expect(table.match(/^.*emulator.*$/gm)).toEqual([
      'emulator (emulator, not an NPU)',
      expect.stringMatching(/^emulator \(emulator, not an NPU\) +16 +5\.00 × +1\.00 ×$/),
      'reference and emulator (emulator, not an NPU): no speed-up of an NPU',
      expect.stringMatching(/^batch +reference texts\/s +emulator texts\/s +ratio$/),
    ])
  })

  test('an emulator does not stand in for an NPU that is there', () => {
    const devices = [device('cpu', 2), device('emulator', 12), device('npu:0', 4)]
    const ratios = [ratio('emulator', 'cpu', 6), ratio('npu:0', 'cpu', 2)]
    expect(speedUp(devices, ratios)).toMatchObject({ npu: 'npu:0', rows: [{ speedUp: 2 }] })
  })

  test('no table of one kind alone', () => {
    const ratios = [ratio('reference', 'cpu', 1)]
    expect(speedUp([device('cpu', 1), device('reference', 1)], ratios)).toBeUndefined()
    expect(speedUp([device('npu:0', 1)], [])).toBeUndefined()
  })
})
