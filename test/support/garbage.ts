/** Runs the garbage collector and the finalizers of what it collected. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Finalizers run in tasks of their own, some time after a collection; ten rounds have been plenty. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 10; round++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
