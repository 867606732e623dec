/** This library on a device, as a process that compare.mjs forks: `ours.mjs JOB.json`. */
import { openBackend } from '../../dist/backends/open.js'
import { labelOf } from '../../dist/bench/report.js'
import { loadModel } from '../../dist/model/load-model.js'
import { ModelOnDevice } from '../../dist/model/model-on-device.js'
import { firstResult, readJob, serve } from './measure.mjs'

const job = await readJob()
const begin = performance.now()
const backend = await openBackend(job.device)
const model = await loadModel(job.model, { backend, dtype: job.dtype, warn: console.warn })
await backend.synchronize()
const loadSeconds = (performance.now() - begin) / 1000
const device = new ModelOnDevice({ backend, model }, console.warn)
const forward = (batch) => device.forward(batch)
const firstResultSeconds = await firstResult(job, forward)
const details = [
  ...Object.values(labelOf(backend.device)),
  ...Object.entries(backend.settings).map(([name, value]) => `${name} ${value}`),
]
const engine = details.length === 0 ? backend.device : `${backend.device} (${details.join(', ')})`
await serve(job, forward, device.concurrency, { engine, loadSeconds, firstResultSeconds })
await device.close()
