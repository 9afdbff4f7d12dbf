import type { Target } from './target.ts'

/** No gateway: the load goes to the mock itself. What is left of a run's overhead here is the harness's own. */
export const direct: Target = {
  name: 'direct',
  title: 'no gateway: the mock itself',
  needsMock: true,
  settings: [],
  install: [],
  find: () => Promise.resolve({ installed: true }),
  start: ({ mockUrl }) =>
    Promise.resolve({ name: 'direct', url: mockUrl, managed: false, stop: () => Promise.resolve() }),
}
