/** Of one request, as it is sent and once more when it is inflated. */
export const requestBytesMax = 5 << 20

/** Of one event, in its envelope's encoding. */
export const eventBytesMax = 1 << 20

/** That one request may bring in; what comes behind is refused in such a way that senders keep it for the next one. */
export const eventsMax = 500

/** That one request may be made of: with more of them, even the receipts would be too much. */
export const eventsSentMax = 10_000

/** Levels of arrays and objects of a body, the envelope among them. */
export const depthMax = 64

/** How far from now `td_record_time` may be; beyond, the time of receipt is that of the event. */
export const recordTimeSeconds = { past: 7 * 86_400, future: 3 * 86_400 }
