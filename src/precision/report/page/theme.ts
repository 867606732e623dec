/** Light or dark as the system has it, until somebody chooses. */
import { h } from './dom.ts'

export function themeButton(): HTMLElement {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const root = document.documentElement
  const isDark = (): boolean =>
    (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark'
  const button = h('button', { type: 'button', class: 'theme', click: toggle })

  function toggle(): void {
    root.dataset.theme = isDark() ? 'light' : 'dark'
    name()
  }
  function name(): void {
    button.textContent = isDark() ? 'Light' : 'Dark'
    button.setAttribute('aria-label', isDark() ? 'Use light colours' : 'Use dark colours')
  }

  system.addEventListener('change', name)
  name()
  return button
}
