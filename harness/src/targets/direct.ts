import type { Target } from './target.ts'

/** No gateway: the load goes to the mock itself. What is left of a run's overhead here is the harness's own. */
export const direct: Target = {
  name: 'direct',
  needsMock: true,
  start: ({ mockUrl }) =>
    Promise.resolve({ name: 'direct', url: mockUrl, managed: false, stop: () => Promise.resolve() }),
}
