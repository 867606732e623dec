/** Every operator, in order of execution. */
import {
  type Measure,
  nameOf,
  type OperatorComparison,
  result,
  severityOf,
  stationOf,
  statusOf,
} from '../data.ts'
import { shape } from '../format.ts'
import { numeric } from '../numeric.ts'
import { statusBadge } from '../status.ts'
import { type Column, type Table, table } from '../table.ts'
import { operatorDetails } from './operator-details.ts'

export function operatorTable({ name, of }: Measure): Table<OperatorComparison> {
  const has = (mode: 'isolated' | 'cascaded' | 'grafted') =>
    result.operators.some((operator) => operator[mode] !== undefined)
  const columns: readonly (Column<OperatorComparison> | undefined)[] = [
    { label: 'Operator', value: nameOf },
    { label: 'Layer', choice: true, value: stationOf, rank: ({ layer }) => layer ?? -1 },
    { label: 'Kind', choice: true, value: ({ operator }) => operator },
    {
      label: 'Verdict',
      choice: true,
      value: statusOf,
      rank: (operator) => severityOf(statusOf(operator) ?? 'pass'),
      cell: (operator) => {
        const status = statusOf(operator)
        return status && statusBadge(status)
      },
    },
    has('isolated')
      ? numeric(`Own, ${name}`, ({ isolated }) => isolated && of(isolated.metrics))
      : undefined,
    has('isolated')
      ? numeric('Own, max. ULP', ({ isolated }) => isolated?.metrics.ulp.max)
      : undefined,
    has('cascaded')
      ? numeric(`Accumulated, ${name}`, ({ cascaded }) => cascaded && of(cascaded.metrics))
      : undefined,
    has('grafted')
      ? numeric('Effect on a logit', ({ grafted }) => grafted?.maxLogitError)
      : undefined,
    { label: 'Shape', value: (operator) => shape(operator.shape) },
    { label: 'dtype', choice: true, value: ({ dtype }) => dtype },
  ]
  return table<OperatorComparison>({
    caption: 'Operators in order of execution',
    rows: result.operators,
    columns: columns.filter((column) => column !== undefined),
    details: operatorDetails,
    limit: 40,
  })
}
