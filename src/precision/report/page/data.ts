/** The data of the report, and the names that it goes by on the page. */
import type { ComparisonResult, Judgement, OperatorComparison, Side } from '../../compare/result.ts'
import type { Metrics } from '../../metrics.ts'
import type { Status } from '../../standards/index.ts'
import { reviver } from '../numbers.ts'
import type { ReportData } from '../texts.ts'

export type { ComparisonResult, Judgement, Metrics, OperatorComparison, ReportData, Side, Status }

export const result = JSON.parse(await unpacked('result'), reviver) as ReportData

/** What `data-block.ts` packed into an element. */
async function unpacked(id: string): Promise<string> {
  const bytes = Uint8Array.from(atob(document.getElementById(id)!.textContent), (character) =>
    character.charCodeAt(0),
  )
  const unzip = new DecompressionStream('gzip')
  return new Response(new Blob([bytes]).stream().pipeThrough(unzip)).text()
}

/** From good to bad. */
export const severities: readonly Status[] = ['pass', 'warning', 'error']

export function sideName({ device, dtype }: Side): string {
  return `${device} ${dtype}`
}

/** The module without what all scopes begin with and the number of the layer: `attention.self.query`. */
export function placeOf(scope: string): string {
  return scope.replace(/^roberta\./, '').replace(/^encoder\.layer\.\d+\.?/, '')
}

/** The same in all layers: `linear · attention.self.query`. */
export function kindOf({ operator, scope }: OperatorComparison): string {
  return `${operator} · ${placeOf(scope)}`
}

/** `add`, or `add #1` where a module has two. */
export function callOf({ id, operator }: OperatorComparison): string {
  const occurrence = /#[1-9]\d*$/.exec(id)?.[0]
  return occurrence === undefined ? operator : `${operator} ${occurrence}`
}

/** `gelu · layer 3 · intermediate.intermediate_act_fn`. */
export function nameOf(operator: OperatorComparison): string {
  const { scope, layer } = operator
  const parts = [callOf(operator), layer === undefined ? '' : `layer ${layer}`, placeOf(scope)]
  return parts.filter(Boolean).join(' · ')
}

/** Where in the model something is: what comes before the layers, a layer, or the head. */
export function stationOf({ scope, layer }: { scope: string; layer: number | undefined }): string {
  if (layer !== undefined) return String(layer)
  return /(?:^|\.)embeddings(?:\.|$)/.test(scope) ? 'embeddings' : 'classifier'
}

/** In order of execution. */
export const stations: readonly string[] = [
  'embeddings',
  ...Array.from({ length: result.model.layers }, (_, layer) => String(layer)),
  'classifier',
].filter((station) => result.operators.some((operator) => stationOf(operator) === station))

/** What fits into a narrow column. */
export function shortStation(station: string): string {
  return { embeddings: 'emb', classifier: 'head' }[station] ?? station
}

export interface Measure {
  readonly name: string
  of(metrics: Metrics): number
}

/** The figures that errors can be looked at by; the first is shown at first. */
export const measures: readonly Measure[] = [
  measure('relative L2 error', ({ relativeL2 }) => relativeL2),
  measure('largest absolute error', ({ maxAbs }) => maxAbs),
  measure('largest error in ULP', ({ ulp }) => ulp.max),
  measure('mean error in ULP', ({ ulp }) => ulp.mean),
  measure('1 − cosine', ({ cosine }) => 1 - cosine),
]

/** Metrics are of what is finite; an error is NaN where one side has a NaN that the other has not. */
function measure(name: string, of: (metrics: Metrics) => number): Measure {
  return {
    name,
    of: (metrics) => (metrics.nonFinite.disagreements > 0 ? Number.NaN : of(metrics)),
  }
}
