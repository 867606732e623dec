import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { operatorSuite } from '../support/operator-suite.ts'

operatorSuite('cpu', () => new CpuBackend({ threads: 2 }))
