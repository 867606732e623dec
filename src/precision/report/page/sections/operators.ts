/** Every operator, in order of execution. */
import {
  callOf,
  type Measure,
  type OperatorComparison,
  placeOf,
  result,
  stationOf,
  stations,
} from '../data.ts'
import { shape } from '../format.ts'
import { numeric } from '../numeric.ts'
import { verdictColumn } from '../status.ts'
import { type Column, type Table, table } from '../table.ts'
import { operatorDetails } from './operator-details.ts'

export function operatorTable({ name, of }: Measure): Table<OperatorComparison> {
  const has = (mode: 'isolated' | 'cascaded' | 'grafted') =>
    result.operators.some((operator) => operator[mode] !== undefined)
  const columns: readonly (Column<OperatorComparison> | undefined)[] = [
    { label: 'Operator', choice: true, value: ({ operator }) => operator, cell: callOf },
    {
      label: 'Layer',
      choice: true,
      value: stationOf,
      rank: (it) => stations.indexOf(stationOf(it)),
    },
    { label: 'Module', value: ({ scope }) => placeOf(scope) },
    has('isolated') ? verdictColumn('Own verdict', ({ isolated }) => isolated?.verdict) : undefined,
    has('cascaded')
      ? verdictColumn('Accumulated verdict', ({ cascaded }) => cascaded?.verdict)
      : undefined,
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
    { label: 'Output', short: true, value: (it) => `${it.dtype} ${shape(it.shape)}` },
  ]
  return table<OperatorComparison>({
    caption: 'Operators in order of execution',
    rows: result.operators,
    columns: columns.filter((column) => column !== undefined),
    details: operatorDetails,
    limit: 40,
  })
}
