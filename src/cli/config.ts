/** A value and where it came from, as people call it. */
export interface Setting {
  readonly value: string
  readonly origin: string
}

export interface Config {
  /** Without a slash at its end. */
  readonly url: Setting
  readonly apiKey: Setting | undefined
  readonly database: Setting | undefined
  /** Keys that were there but belong to another server, with the reason: for `config show` and hints. */
  readonly passedOver: readonly string[]
}

/** One place that settings come from. */
export interface Layer {
  readonly origin: string
  readonly url?: string | undefined
  readonly apiKey?: string | undefined
  readonly database?: string | undefined
  /**
   * The server that the key of this layer is for; undefined where the user gives the key for whichever server is
   * asked. Else a project file could name its own server and be sent the key that is kept for another.
   */
  readonly keyHome?: string | undefined
}

export const defaultUrl = 'http://127.0.0.1:8040'

/** The first layer that has a setting decides it; a key that belongs to another server is passed over. */
export function resolveConfig(layers: readonly Layer[]): Config {
  const first = (pick: (layer: Layer) => string | undefined): Setting | undefined => {
    for (const layer of layers) {
      const value = pick(layer)
      if (value !== undefined && value !== '') return { value, origin: layer.origin }
    }
    return undefined
  }
  const given = first((layer) => layer.url) ?? { value: defaultUrl, origin: 'default' }
  const url = { ...given, value: normalUrl(given.value) }
  const fits = (layer: Layer) => layer.keyHome === undefined || normalUrl(layer.keyHome) === url.value
  const foreign = layers.filter((layer) => layer.apiKey !== undefined && layer.apiKey !== '' && !fits(layer))
  return {
    url,
    apiKey: first((layer) => (fits(layer) ? layer.apiKey : undefined)),
    database: first((layer) => layer.database),
    passedOver: foreign.map(({ origin, keyHome }) => `the key in ${origin} is for ${keyHome ?? ''}`),
  }
}

/** With a scheme and without a slash at the end, so that addresses can be compared. */
export function normalUrl(text: string): string {
  const trimmed = text.trim().replace(/\/+$/, '')
  return /^https?:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`
}
