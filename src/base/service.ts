/**
 * Whatever runs for as long as the process does. The supervisor starts services in order, drains them in reverse order
 * when a stop is asked for, and then stops them in reverse order.
 */
export interface Service {
  readonly name: string
  /** Resolves when the service is ready; its work goes on behind. Rejects when it cannot start. */
  start(): Promise<void>
  /** Takes no new work and resolves when the work in hand is done. */
  drain?(): Promise<void>
  /** Gives everything back, finished or not. Safe to call twice. */
  stop(): Promise<void>
}
