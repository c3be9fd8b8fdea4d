import { readFileSync } from 'node:fs'

// Loaded before everything else in every process of a server that is tortured: its clock jumps when the file says so. Durations are
// measured on another clock, which no jump moves.

const file = process.env['BIWA_TORTURE_CLOCK'] ?? ''
const realNow = Date.now.bind(Date)
const realOrigin = performance.timeOrigin
let stepMs = 0

function look() {
  try {
    stepMs = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    stepMs = 0
  }
}

if (file !== '') {
  look()
  setInterval(look, 100).unref()
  Date.now = () => realNow() + stepMs
  Object.defineProperty(performance, 'timeOrigin', { get: () => realOrigin + stepMs })
}
