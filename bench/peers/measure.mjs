/** What both engines do the same way: say how long they took to begin, and run passes when they are told to. */
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

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
 * array of logits for each. Resolves when compare.mjs sends nothing more.
 */
export function serve({ workloads }, forward, about) {
  process.send(about)
  process.on('message', async (number) => {
    const { sequences, batchSize } = workloads[number]
    const begin = performance.now()
    const logits = []
    for (let start = 0; start < sequences.length; start += batchSize) {
      logits.push(...(await forward(sequences.slice(start, start + batchSize))))
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
