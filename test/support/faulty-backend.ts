/** A real backend with a fault planted in it, for tests of what is meant to find faults. */
import type {
  Backend,
  ElementWriter,
  HostElements,
  OperatorCall,
  OperatorInputs,
  TensorSpec,
} from '../../src/ops/backend.ts'
import type { Attributes, OperatorName } from '../../src/ops/index.ts'
import type { DType } from '../../src/tensor/dtype.ts'
import type { TensorView } from '../../src/tensor/storage.ts'

export interface Fault {
  /** What arrives instead of the arrays of one transfer. */
  upload?(arrays: readonly HostElements[]): readonly HostElements[]
  /** What runs instead of a call; `run` is the real backend. */
  execute?(call: OperatorCall, run: (call: OperatorCall) => void): void
}

export class FaultyBackend implements Backend {
  constructor(
    readonly real: Backend,
    readonly fault: Fault,
  ) {}

  get device() {
    return this.real.device
  }
  get preferredLayout() {
    return this.real.preferredLayout
  }
  get settings() {
    return this.real.settings
  }
  get heldBytes() {
    return this.real.heldBytes
  }
  supports(operator: OperatorName, inputs: OperatorInputs<TensorSpec>, attributes: Attributes) {
    return this.real.supports(operator, inputs, attributes)
  }
  allocate(dtype: DType, length: number) {
    return this.real.allocate(dtype, length)
  }
  upload(arrays: readonly HostElements[]) {
    return this.real.upload(this.fault.upload?.(arrays) ?? arrays)
  }
  uploadFrom(dtype: DType, length: number, write: ElementWriter) {
    return this.real.uploadFrom(dtype, length, write)
  }
  execute(call: OperatorCall) {
    const run = (one: OperatorCall): void => this.real.execute(one)
    if (this.fault.execute === undefined) run(call)
    else this.fault.execute(call, run)
  }
  download(view: TensorView) {
    return this.real.download(view)
  }
  free(slot: unknown) {
    this.real.free(slot)
  }
  synchronize() {
    return this.real.synchronize()
  }
  close() {
    return this.real.close()
  }
}
