import { nearest } from '../nearest.ts'

/** What `${name}` in a target file may name. */
const NAMES = ['mockUrl', 'port', 'connections', 'timeoutMs', 'model', 'folder'] as const

export type PlaceholderValues = Record<(typeof NAMES)[number], string | number>

/** `$${` stands for `${` itself, which other programs' configurations use too. */
const PLACEHOLDER = /\$\$\{|\$\{([^}]*)\}/g

/** @example fillIn('listen ${port}; home $${HOME}', values) // 'listen 8080; home ${HOME}' */
export function fillIn(text: string, values: PlaceholderValues): string {
  return text.replace(PLACEHOLDER, (_, name?: string) => (isName(name) ? String(values[name]) : '${'))
}

/** Of texts by their paths: each placeholder that names nothing. */
export function placeholderProblems(places: readonly (readonly [path: string, text: string])[]): string[] {
  return places.flatMap(([path, text]) =>
    Array.from(text.matchAll(PLACEHOLDER), ([, name]) => name)
      .filter((name) => name !== undefined && !isName(name))
      .map((name = '') => {
        const guess = nearest(name, NAMES)
        const right = guess === undefined ? `write one of ${NAMES.join(', ')}` : `did you mean ${guess}?`
        return `${path} \${${name}} is not known; ${right}; a plain \${ is written $\${`
      }),
  )
}

function isName(name: string | undefined): name is keyof PlaceholderValues {
  return NAMES.some((known) => known === name)
}
