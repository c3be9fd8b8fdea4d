import { openOperation } from '../operation.ts'
import type { Operation } from '../operation.ts'

const serverStatus = openOperation('GET', '/system/server_status', async () => ({ body: { status: 'ok' } }))

export const systemOperations: readonly Operation[] = [serverStatus]
