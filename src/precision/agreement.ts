/** The types of the classifier's table, until the branch that has it is merged. */
export interface Flip {
  readonly text: number
  readonly label: string
  readonly threshold: number
  readonly device: number
  readonly reference: number
  readonly margin: number
}

export interface Agreement {
  readonly meanCosine: number
  readonly mae: number
  readonly maxProbabilityError: number
  readonly errorRate: number
  readonly top1: number
  readonly top3: number
  readonly top3InOrder: number
  readonly flips: readonly Flip[]
}
