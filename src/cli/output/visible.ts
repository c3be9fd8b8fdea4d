/**
 * Text as it may reach a terminal. Data can hold control characters, which would move the cursor, change the title or
 * worse; they are shown as escapes. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// All of C0 and C1 but tab and line feed, and the marks that reverse the direction of writing.
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
