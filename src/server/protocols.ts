import type { FastifyInstance } from 'fastify'

import type { ObjectAddress } from '../base/objects/object-address.ts'
import { eventCollector } from '../protocols/events/plugin.ts'
import type { EventPluginOptions } from '../protocols/events/plugin.ts'
import { inHttp } from '../protocols/fluent/in-http.ts'
import type { InHttpOptions } from '../protocols/fluent/in-http.ts'
import { icebergCatalog } from '../protocols/iceberg/plugin.ts'
import { tdApi } from '../protocols/td/plugin.ts'
import type { TdPluginOptions } from '../protocols/td/plugin.ts'
import type { IcebergCatalog } from '../store/iceberg.ts'

export interface ProtocolParts
  extends TdPluginOptions, Omit<EventPluginOptions, keyof TdPluginOptions>, Omit<InHttpOptions, keyof TdPluginOptions> {
  readonly catalog: IcebergCatalog
  /** Where the files of tables lie. */
  readonly address: ObjectAddress
}

/** The protocols of others that are spoken over HTTP, beside our own API and over the same doors. */
export function addProtocols(app: FastifyInstance, parts: ProtocolParts): void {
  void app.register(icebergCatalog(parts), { prefix: '/iceberg/v1' })
  void app.register(tdApi(parts), { prefix: '/v3' })
  void app.register(eventCollector(parts))
  void app.register(inHttp(parts), { prefix: '/fluentd' })
}
