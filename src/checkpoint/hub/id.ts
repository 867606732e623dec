/**
 * What names a model on the hub: its id and a revision, and the place on disk that follows from it.
 *
 * Nothing here asks the hub whether the model exists.
 */
import { join } from 'node:path'
import { HubError } from './error.ts'

export interface HubId {
  /** As given: `owner/name`, or `name` alone for the oldest models. */
  readonly id: string
  readonly owner: string | undefined
  readonly name: string
}

// The hub's own rules for names: letters, digits, `_`, `-` and `.`, at most 96 of them, with `-` and
// `.` neither at an end nor twice in a row, and no `.git` at the end.
const hubName = /^(?!.*(?:--|\.\.))(?!.*\.git$)\w(?:[\w.-]{0,94}\w)?$/

/**
 * Splits a model id into owner and name.
 *
 * @throws HubError 'invalid-id'
 */
export function parseHubId(id: string): HubId {
  const parts = id.split('/')
  if (parts.length > 2 || !parts.every((part) => hubName.test(part))) {
    throw new HubError('invalid-id', JSON.stringify(id), 'is not a model id', {
      hint: 'write it as owner/name, for example SamLowe/roberta-base-go_emotions',
    })
  }
  const name = parts.at(-1) as string
  return { id, owner: parts.length === 2 ? parts[0] : undefined, name }
}

/**
 * Where a model is downloaded to by default: `weights/<name>`, relative to the current directory.
 *
 * @throws HubError 'invalid-id'
 */
export function localModelDirectory(id: string): string {
  return join('weights', parseHubId(id).name)
}

/**
 * Checks that `revision` can be a branch, a tag (`v1.0`), a reference (`refs/pr/1`) or a commit.
 *
 * @throws HubError 'invalid-revision'
 */
export function parseRevision(revision: string): string {
  if (!/^\w[\w./+@-]*$/.test(revision) || revision.includes('..')) {
    throw new HubError('invalid-revision', JSON.stringify(revision), 'is not a revision', {
      hint: 'give a branch, a tag or a commit',
    })
  }
  return revision
}
