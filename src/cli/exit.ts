/** Ends a command that has said everything already, with an exit code and without a message. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit with code ${code}`)
  }
}
