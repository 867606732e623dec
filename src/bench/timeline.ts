/**
 * Batches on a time axis, in the Trace Event Format, which Perfetto (ui.perfetto.dev) and
 * chrome://tracing open: "Trace Event Format", Google, the JSON object format with events of the phases
 * X (complete) and M (metadata). Times are in microseconds.
 *
 * A device is a process of the trace, with a row for the host, for the thread of the host that waits for
 * the device, and for the stream of the device. A new row is a line in `rows`.
 */
import { labelOf } from './report.ts'
import type { BatchTrace } from './trace-batch.ts'

export interface CompleteEvent {
  readonly ph: 'X'
  readonly name: string
  /** What it is; viewers colour and filter by it. */
  readonly cat: 'phase' | 'call' | 'operator' | 'graph' | 'copy'
  readonly ts: number
  readonly dur: number
  readonly pid: number
  readonly tid: number
  readonly args?: Readonly<Record<string, string | number>>
}

export interface MetadataEvent {
  readonly ph: 'M'
  readonly name: 'process_name' | 'thread_name' | 'thread_sort_index'
  readonly pid: number
  readonly tid: number
  readonly args: Readonly<Record<string, string | number>>
}

export interface TraceFile {
  readonly displayTimeUnit: 'ms'
  readonly traceEvents: readonly (CompleteEvent | MetadataEvent)[]
}

/** Names of rows; their order is that in viewers that read `thread_sort_index`. */
const rows = ['host', 'host, thread that waits', 'stream of the device'] as const

type Slice = Omit<CompleteEvent, 'ph' | 'ts' | 'dur' | 'pid' | 'tid'> & {
  readonly row: (typeof rows)[number]
  readonly begin: number
  readonly end: number
}

export class Timeline {
  /** By device. */
  readonly #slices: { readonly device: string; readonly slices: Slice[] }[] = []

  /** Adds a device and what it did. */
  add(device: string, batches: readonly BatchTrace[]): void {
    this.#slices.push({ device, slices: batches.flatMap(slicesOf) })
  }

  /** The file's content; its time begins with the first event. */
  toJSON(): TraceFile {
    const start = Math.min(...this.#slices.flatMap(({ slices }) => slices.map((one) => one.begin)))
    // Whole nanoseconds, so that what does not overlap does not come to by rounding.
    const nanoseconds = (seconds: number) => Math.round((seconds - start) * 1e9)
    const traceEvents = this.#slices.flatMap(({ device, slices }, at) => {
      const pid = at + 1
      const events = slices.map(({ row, begin, end, ...rest }): CompleteEvent => {
        const [from, to] = [nanoseconds(begin), nanoseconds(end)]
        const tid = rows.indexOf(row) + 1
        const [ts, dur] = [microseconds(from), microseconds(to - from)]
        return { ph: 'X', ...rest, ts, dur, pid, tid }
      })
      return [...names(device, pid, new Set(slices.map(({ row }) => row))), ...events]
    })
    return { displayTimeUnit: 'ms', traceEvents }
  }
}

/**
 * Perfetto multiplies by 1000 and cuts off, and drops what then overlaps the end of another event: 1.005 would
 * be 1004 nanoseconds. The next number above is right for those who round, too.
 */
function microseconds(nanoseconds: number): number {
  const nearest = nanoseconds / 1000
  const isRight = Math.trunc(nearest * 1000) === nanoseconds
  return isRight ? nearest : nearest * (1 + Number.EPSILON)
}

function names(device: string, pid: number, used: ReadonlySet<string>): MetadataEvent[] {
  const { label } = labelOf(device)
  const name = label === undefined ? device : `${device} (${label})`
  return [
    { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } },
    ...rows.flatMap((row, at): MetadataEvent[] => {
      if (!used.has(row)) return []
      const where = { ph: 'M', pid, tid: at + 1 } as const
      return [
        { ...where, name: 'thread_name', args: { name: row } },
        { ...where, name: 'thread_sort_index', args: { sort_index: at } },
      ]
    }),
  ]
}

function slicesOf({ texts, tokens, phases, times }: BatchTrace): Slice[] {
  const [host, waiting, stream] = rows
  const clocks = times && { 'clocks may differ by µs': Math.ceil(times.uncertaintySeconds * 1e6) }
  const [batch, ...parts] = phases.map((phase): Slice => ({ ...phase, cat: 'phase', row: host }))
  const calls = (times?.calls ?? []).map(({ symbol: name, isBeside, begin, end }): Slice => {
    return { name, cat: 'call', begin, end, row: isBeside ? waiting : host }
  })
  const work = (times?.work ?? []).map(({ name, operator, begin, end }): Slice => {
    const span = { name, begin, end, row: stream }
    if (operator !== undefined) return { ...span, cat: 'operator', args: { operator } }
    return { ...span, cat: name.startsWith('aclrtMem') ? 'copy' : 'graph' }
  })
  return [{ ...batch!, args: { texts, tokens, ...clocks } }, ...parts, ...calls, ...work]
}
