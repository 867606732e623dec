/**
 * Pinned memory of the host, which asynchronous copies need: AscendCL has its address, JavaScript a view
 * of it. Nothing tells whether a copy still uses it; whoever takes it knows.
 */
import type { Cann } from '../../ffi/open-cann.ts'
import { MemoryPool } from '../memory-pool.ts'

export interface Pinned {
  readonly address: bigint
  readonly bytes: Uint8Array
}

export function pinnedPool({ call, functions, view }: Cann): MemoryPool<Pinned> {
  return new MemoryPool(
    (size) => {
      const handle = new BigUint64Array(1)
      call(functions.aclrtMallocHost, [handle, BigInt(size)])
      const address = handle[0]!
      return { address, bytes: view(address, size) }
    },
    ({ address }) => call(functions.aclrtFreeHost, [address]),
  )
}
