/** What both engines do the same way: run each workload, time it, keep its logits. */
import { readFile } from 'node:fs/promises'

/** Runs over a workload that do not count. */
const warmUp = 2

/**
 * For each workload the seconds of `passes` runs and the logits of its sequences. `forward` takes a
 * batch of sequences of token ids and gives an array of logits for each.
 */
export async function measure({ workloads, passes }, forward) {
  const results = []
  for (const { name, sequences, batchSize } of workloads) {
    const seconds = []
    let logits = []
    for (let pass = -warmUp; pass < passes; pass++) {
      const begin = performance.now()
      logits = []
      for (let start = 0; start < sequences.length; start += batchSize) {
        logits.push(...(await forward(sequences.slice(start, start + batchSize))))
      }
      if (pass >= 0) seconds.push((performance.now() - begin) / 1000)
    }
    results.push({ name, seconds, logits: logits.map((row) => Array.from(row)) })
  }
  return results
}

/** Reads the job that compare.mjs gives to an engine as a file. */
export async function readJob() {
  return JSON.parse(await readFile(process.argv[2], 'utf8'))
}

/** Seconds from the start of the process to the logits of one text. */
export async function firstResult({ workloads }, forward) {
  await forward(workloads[0].sequences.slice(0, 1))
  return process.uptime()
}

/** Prints the engine's answer: what it is, how long it took to begin, its results. */
export function answer(engine, { loadSeconds, firstResultSeconds }, results) {
  // libuv gives KiB on every platform.
  const peakResidentBytes = process.resourceUsage().maxRSS * 1024
  console.log(
    JSON.stringify({ engine, loadSeconds, firstResultSeconds, peakResidentBytes, results }),
  )
}
