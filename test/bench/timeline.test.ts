/**
 * The timeline: what the Trace Event Format asks for, and that of a batch on the bundled emulator nothing
 * is missing, overlaps or sticks out.
 */
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { type CompleteEvent, Timeline } from '../../src/bench/timeline.ts'
import { type BatchTrace, traceBatch } from '../../src/bench/trace-batch.ts'
import { builtInTexts } from '../../src/bench/workload.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { RobertaTokenizer } from '../../src/tokenizer/tokenizer.ts'
import { controls, forEachBinding, onEmulator } from '../support/emulator.ts'

const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))

/** "Trace Event Format": complete events and metadata, in the object format. */
const row = { pid: z.int(), tid: z.int() }
const schema = z.strictObject({
  displayTimeUnit: z.enum(['ms', 'ns']),
  traceEvents: z.array(
    z.union([
      z.strictObject({
        ph: z.literal('X'),
        name: z.string(),
        cat: z.string(),
        ts: z.number().nonnegative(),
        dur: z.number().nonnegative(),
        ...row,
        args: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      }),
      z.strictObject({
        ph: z.literal('M'),
        name: z.enum(['process_name', 'thread_name']),
        ...row,
        args: z.strictObject({ name: z.string() }),
      }),
      z.strictObject({
        ph: z.literal('M'),
        name: z.literal('thread_sort_index'),
        ...row,
        args: z.strictObject({ sort_index: z.int() }),
      }),
    ]),
  ),
})

function read(timeline: Timeline) {
  const { traceEvents } = schema.parse(JSON.parse(JSON.stringify(timeline)))
  // Each process and each row has one name, which comes before its events: the importer finds a row's by its tid.
  const seen = new Set<string>()
  for (const { ph, name, pid, tid } of traceEvents) {
    const row = `thread_name ${pid} ${tid}`
    const key = name === 'process_name' ? `${name} ${pid}` : row
    if (ph === 'X') expect(seen).toContain(row)
    else if (name !== 'thread_sort_index') {
      expect(seen).not.toContain(key)
      seen.add(key)
    }
    if (key === row) expect(seen).toContain(`process_name ${pid}`)
  }
  const named = traceEvents.flatMap((one) => (one.name === 'thread_name' ? [one] : []))
  const events = traceEvents.filter((one) => one.ph === 'X') as CompleteEvent[]
  return {
    traceEvents,
    events,
    /** Events of a row, which is named once for each device. */
    on: (name: string) => {
      const rows = named.filter(({ args }) => args?.name === name)
      return events.filter(({ pid, tid }) => rows.some((it) => it.pid === pid && it.tid === tid))
    },
  }
}

/** The times of an event in nanoseconds, as Perfetto's importer reads them (json_trace_utils.cc): cut off. */
const span = ({ ts, dur }: CompleteEvent): [begin: number, end: number] => {
  const begin = Math.trunc(ts * 1000)
  return [begin, begin + Math.trunc(dur * 1000)]
}

/** Each event begins after the one before has ended. */
function expectNoOverlap(events: readonly CompleteEvent[]): void {
  for (const [at, event] of events.entries()) {
    if (at > 0) expect(span(event)[0]).toBeGreaterThanOrEqual(span(events[at - 1]!)[1])
  }
}

/**
 * An event that begins within another also ends within it; of those that begin together the outer one comes
 * first in the file. Perfetto drops others (slice_drop_overlapping_complete_event).
 */
function expectNested(events: readonly CompleteEvent[]): void {
  const open: [number, number][] = []
  const ordered = events.map(span).sort(([a], [b]) => a - b)
  for (const [begin, end] of ordered) {
    while (open.length > 0 && open.at(-1)![1] <= begin) open.pop()
    if (open.length > 0) expect(end).toBeLessThanOrEqual(open.at(-1)![1])
    open.push([begin, end])
  }
}

function counts(events: readonly { readonly name: string }[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { name } of events) sums[name] = (sums[name] ?? 0) + 1
  return sums
}

test('a batch in microseconds from its beginning, and a device without a clock', () => {
  const phases = [{ name: 'batch of 2', begin: 100, end: 100.001 }]
  const trace: BatchTrace = {
    texts: 2,
    tokens: 9,
    phases,
    times: {
      calls: [
        { symbol: 'aclnnAdd', isBeside: false, begin: 100.0001, end: 100.0002 },
        { symbol: 'aclrtSynchronizeStream', isBeside: true, begin: 100.0003, end: 100.0004 },
      ],
      work: [
        { name: 'aclnnAdd', operator: 'add', begin: 100.00015, end: 100.00035 },
        { name: 'aclrtMemcpyAsync', operator: undefined, begin: 100.00035, end: 100.000351 },
      ],
      emptySeconds: 0,
      uncertaintySeconds: 4.2e-6,
    },
  }
  const timeline = new Timeline()
  timeline.add('emulator', [trace])
  timeline.add('cpu', [{ ...trace, times: undefined }])
  const { traceEvents, on } = read(timeline)
  const processes = traceEvents.filter(({ name }) => name === 'process_name')
  expect(processes.map(({ pid, args }) => [pid, args])).toEqual([
    [1, { name: 'emulator (emulator, not an NPU)' }],
    [2, { name: 'cpu' }],
  ])
  const batch = { ph: 'X', cat: 'phase', name: 'batch of 2', ts: 0, dur: 1000, tid: 1 }
  const call = { ph: 'X', cat: 'call', pid: 1 }
  expect(on('host')).toEqual([
    { ...batch, pid: 1, args: { texts: 2, tokens: 9, 'clocks may differ by µs': 5 } },
    { ...call, name: 'aclnnAdd', ts: 100, dur: 100, tid: 1 },
    { ...batch, pid: 2, args: { texts: 2, tokens: 9 } },
  ])
  expect(on('host, thread that waits')).toEqual([
    { ...call, name: 'aclrtSynchronizeStream', ts: 300, dur: 100, tid: 2 },
  ])
  const work = { ph: 'X', pid: 1, tid: 3 }
  const add = { cat: 'operator', name: 'aclnnAdd', ts: 150, dur: 200, args: { operator: 'add' } }
  expect(on('stream of the device')).toEqual([
    { ...work, ...add },
    { ...work, cat: 'copy', name: 'aclrtMemcpyAsync', ts: 350, dur: 1 },
  ])
})

test('what touches or nests to the nanosecond does so for a reader that cuts off', () => {
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 10_000_000 }), {
    minLength: 3,
    maxLength: 20,
  })
  fc.assert(
    fc.property(times, (nanoseconds) => {
      const seconds = nanoseconds.sort((a, b) => a - b).map((one) => one / 1e9)
      const phases = [
        { name: 'all', begin: seconds[0]!, end: seconds.at(-1)! },
        ...seconds.slice(1).map((end, at) => ({ name: 'part', begin: seconds[at]!, end })),
      ]
      const timeline = new Timeline()
      timeline.add('cpu', [{ texts: 1, tokens: 3, phases, times: undefined }])
      const events = read(timeline).on('host')
      expectNested(events)
      expectNoOverlap(events.slice(1))
      const from = nanoseconds[0]!
      expect(span(events[0]!)).toEqual([0, nanoseconds.at(-1)! - from])
      expect(events.slice(1).map(span)).toEqual(
        nanoseconds.slice(1).map((end, at) => [nanoseconds[at]! - from, end - from]),
      )
    }),
  )
})

/** Has the emulator's counts set to zero when a stopwatch has started, and calls `look` before it stops. */
function betweenStartAndStop(backend: NpuBackend, look: () => void): void {
  const start = backend.startStopwatch.bind(backend)
  backend.startStopwatch = async () => {
    const stopwatch = await start()
    controls.reset()
    return {
      enqueued: 0,
      stop: () => {
        look()
        return stopwatch.stop()
      },
    }
  }
}

forEachBinding(() => {
  test.each([false, true])(
    'all that the emulator counts is there, in its row, and nested in the phases; graphs: %s',
    (graphs) =>
      onEmulator(
        async (backend) => {
          const tokenizer = await RobertaTokenizer.load(weights)
          const options = { backend, dtype: 'float32', warn: expect.unreachable } as const
          const model = await loadModel(weights, options)
          const classifier = {
            backend,
            config: model.config,
            encode: (text: string) => tokenizer.encode(text, { maxLength: 64 }),
            forward: async (encodings: readonly { readonly inputIds: readonly number[] }[]) => {
              const ids = encodings.map(({ inputIds }) => inputIds)
              const rows = await forwardLogits(model, backend, ids)
              return rows.map((logits) => ({ logits, truncated: false }))
            },
          }
          const calls: Record<string, number>[] = []
          betweenStartAndStop(backend, () => {
            const made = Object.entries(controls.report().calls).filter(([, count]) => count > 0)
            calls.push(Object.fromEntries(made))
          })
          try {
            // The first batch records a plan, the second replays it, as a graph that is captured meanwhile.
            let round = 0
            for (const _ of [1, 2]) {
              const timeline = new Timeline()
              timeline.add('emulator', [await traceBatch(classifier, builtInTexts().slice(0, 3))])
              const { events, on } = read(timeline)
              const counted = calls.at(-1)!
              const kind = (cat: string) => counts(events.filter((event) => event.cat === cat))
              expect(kind('call')).toEqual(counted)
              const launches = Object.entries(counted).filter(
                ([name]) => name.startsWith('aclnn') && !name.endsWith('GetWorkspaceSize'),
              )
              expect(launches.reduce((sum, [, count]) => sum + count, 0)).toBe(39)
              const isGraph = graphs && round === 1
              round += 1
              expect(kind('operator')).toEqual(isGraph ? {} : Object.fromEntries(launches))
              expect(kind('graph')).toEqual(isGraph ? { aclmdlRIExecuteAsync: 1 } : {})
              expect(kind('copy')).toEqual({ aclrtMemcpyAsync: counted.aclrtMemcpyAsync })
              const phases = { 'batch of 3': 1, tokenize: 1, forward: 1, scores: 1 }
              expect(kind('phase')).toEqual(phases)
              expectNoOverlap(on('stream of the device'))
              expectNoOverlap(on('host, thread that waits'))
              expectNested(on('host'))
              const [batch, tokenize, forward] = on('host').map(span)
              for (const event of on('host').filter(({ cat }) => cat === 'call')) {
                expect(span(event)[0]).toBeGreaterThanOrEqual(tokenize![1])
                expect(span(event)[1]).toBeLessThanOrEqual(forward![1])
              }
              for (const event of on('host, thread that waits')) {
                expect(span(event)[1]).toBeLessThanOrEqual(batch![1])
              }
            }
          } finally {
            for (const parameter of model.parameters) parameter.dispose()
          }
        },
        { graphs },
      ),
  )
})
