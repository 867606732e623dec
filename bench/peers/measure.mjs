/** What both engines do the same way: say how long they took to begin, and run passes when they are told to. */
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { mapInOrder } from '../../dist/model/in-order.js'

/** Reads the job that compare.mjs gives to an engine as a file. */
export async function readJob() {
  return JSON.parse(await readFile(process.argv[2], 'utf8'))
}

/** Seconds from the start of the process to the logits of one text. */
export async function firstResult({ workloads }, forward) {
  await forward(workloads[0].sequences.slice(0, 1))
  return process.uptime()
}

/** Linux counts what the parent had before the fork in getrusage's figure, and not in this one. */
function peakResidentBytes() {
  const file = '/proc/self/status'
  if (!existsSync(file)) return process.resourceUsage().maxRSS * 1024
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(file, 'utf8'))[1]) * 1024
}

/**
 * Tells compare.mjs what the engine is and how long it took to begin, and runs a pass over the workload with the number
 * that it then sends: seconds and logits go back. `forward` takes a batch of sequences of token ids and gives an
 * array of logits for each; `concurrency` is how many batches the engine takes at a time, where the workload is not one
 * text after the other. Resolves when compare.mjs sends nothing more.
 */
export function serve({ workloads }, forward, concurrency, about) {
  process.send(about)
  process.on('message', async (number) => {
    const { sequences, batchSize } = workloads[number]
    const starts = [...sequences.keys()].filter((at) => at % batchSize === 0)
    const run = (start) => forward(sequences.slice(start, start + batchSize))
    const begin = performance.now()
    const logits = []
    for await (const rows of mapInOrder(starts, batchSize === 1 ? 1 : concurrency, run)) {
      logits.push(...rows)
    }
    const seconds = (performance.now() - begin) / 1000
    process.send({
      seconds,
      peakResidentBytes: peakResidentBytes(),
      logits: logits.map((row) => Array.from(row)),
    })
  })
  return new Promise((end) => process.once('disconnect', end))
}
