const mebibyte = 2 ** 20

/** A part as it is sent: above it, `body_too_large`. What it may inflate to is in the limits of collect. */
export const partBytesMax = 2048 * mebibyte

/** Parts of one import: above it, `bulk_import_state`. */
export const partsMax = 10_000

/** The longest that the sender of a part may stay silent. */
export const partSilenceMsMax = 15_000

/** Parts that are converted together, as they were sent: a file should be large, and an engine process not. */
export const groupBytesMax = 32 * mebibyte

/** Groups of one import that are converted at the same time. */
export const groupsAtOnce = 2

/** Records of one import that are kept one by one, and their bytes; of the others their part is kept as a whole. */
export const errorRecordsMax = 10_000
export const errorBytesMax = 32 * mebibyte

/** An import that was not deleted is, after so long. */
export const expiryDays = 30
