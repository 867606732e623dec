/** A command line with a button that copies it. */
import { h } from './dom.ts'

export function command(line: string): HTMLElement {
  const code = h('code', {}, line)
  const button = h('button', { type: 'button', class: 'copy', click: copy }, 'Copy')
  const said = h('span', { class: 'said', role: 'status' })

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(line)
      said.textContent = 'Copied'
    } catch {
      // Some browsers keep the clipboard from files; what is selected can be copied by hand.
      getSelection()?.selectAllChildren(code)
      said.textContent = 'Selected'
    }
    setTimeout(() => said.replaceChildren(), 2000)
  }

  return h('div', { class: 'command' }, code, button, said)
}
