import { clientsPython } from './python.ts'

/** Before any of the tests, which run two at a time and would each install them. */
export default async function installClients(): Promise<void> {
  await clientsPython()
}
