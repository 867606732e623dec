/** Making elements. Text becomes text nodes and never HTML: see `html.ts` for why. */

export type Child = Node | string | number | undefined
type Attribute = string | number | boolean | undefined | ((event: Event) => void)

/** A function is a listener of the event its attribute names; `true` is an attribute without a value. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child) => child !== undefined).map(asNode))
  return element
}

function asNode(child: Node | string | number): Node {
  return child instanceof Node ? child : document.createTextNode(String(child))
}

let ids = 0

/** An id that no other element of the page has. */
export function freshId(): string {
  return `id-${++ids}`
}
