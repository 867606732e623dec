/** This library on a device, as a process that compare.mjs forks: `ours.mjs JOB.json`. */
import { openBackend } from '../../dist/backends/open.js'
import { labelOf } from '../../dist/bench/report.js'
import { forwardLogits } from '../../dist/model/forward.js'
import { loadModel } from '../../dist/model/load-model.js'
import { firstResult, readJob, serve } from './measure.mjs'

const job = await readJob()
const begin = performance.now()
const backend = await openBackend(job.device)
const model = await loadModel(job.model, { backend, dtype: job.dtype, warn: console.warn })
await backend.synchronize()
const loadSeconds = (performance.now() - begin) / 1000
const forward = (batch) => forwardLogits(model, backend, batch)
const firstResultSeconds = await firstResult(job, forward)
const details = [
  ...Object.values(labelOf(backend.device)),
  ...Object.entries(backend.settings).map(([name, value]) => `${name} ${value}`),
]
const engine = details.length === 0 ? backend.device : `${backend.device} (${details.join(', ')})`
await serve(job, forward, { engine, loadSeconds, firstResultSeconds })
for (const parameter of model.parameters) parameter.dispose()
await backend.close()
