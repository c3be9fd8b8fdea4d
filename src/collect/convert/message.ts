import type { EngineHandler, EngineLimits, EnginePool } from '../../base/engines/engines.ts'
import type { ConvertBody, ConvertedBody, ConvertInput, ConvertOutput } from './tasks.ts'
import { convertTask } from './tasks.ts'

/**
 * How a conversion crosses the border between two processes. Single events come by the thousands, and an object for each would cost more
 * there than all else that is done to them: neighbours that are read alike are told by what they have in common and a row of numbers, and
 * what came of a body, where nothing is unusual about it, by one number.
 */
interface AskedConversion extends Omit<ConvertInput, 'bodies'> {
  readonly bodies: readonly AlikeBodies[]
}

/** Neighbours that differ in their places and moments alone. */
interface AlikeBodies {
  readonly alike: Omit<ConvertBody, 'offset' | 'bytes' | 'receivedAtUs'>
  /** Of each: offset, bytes, and the moment of receipt. */
  readonly numbers: Float64Array
}

const numbersEach = 3

interface AnsweredConversion extends Omit<ConvertOutput, 'bodies'> {
  /** Of each body. */
  readonly rows: Float64Array
  /** The bodies of which there is more to tell, by their index. */
  readonly others: ReadonlyMap<number, ConvertedBody>
}

/** Has an engine process convert bodies. */
export async function runConversion(
  engines: EnginePool,
  input: ConvertInput,
  limits: EngineLimits,
): Promise<ConvertOutput> {
  const asked: AskedConversion = { ...input, bodies: groupAlike(input.bodies) }
  const { rows, others, ...answer } = await engines.run<AnsweredConversion>({ kind: convertTask, input: asked }, limits)
  return { ...answer, bodies: Array.from(rows, (count, index) => others.get(index) ?? plainBody(count)) }
}

/** The other side: what an engine process serves `convertTask` with. */
export function answerConversions(convert: (input: ConvertInput) => Promise<ConvertOutput>): EngineHandler {
  return async (asked: AskedConversion): Promise<AnsweredConversion> => {
    const { bodies, ...answer } = await convert({ ...asked, bodies: asked.bodies.flatMap(bodiesOf) })
    const others = new Map<number, ConvertedBody>()
    for (const [index, body] of bodies.entries()) if (!isPlain(body)) others.set(index, body)
    return { ...answer, rows: Float64Array.from(bodies, ({ rows }) => rows), others }
  }
}

/** Whether a body became rows, and there is nothing else to tell of it. */
export function isPlain({ rejected, error }: ConvertedBody): boolean {
  return rejected === 0 && error === null
}

/** What came of a body that became so many rows, and of which there is nothing else to tell. */
export function plainBody(rows: number): ConvertedBody {
  return rows === 1 ? oneRow : { rows, rejected: 0, rejectedRows: [], error: null }
}

/** Of most events. */
const oneRow: ConvertedBody = { rows: 1, rejected: 0, rejectedRows: [], error: null }

function groupAlike(bodies: readonly ConvertBody[]): AlikeBodies[] {
  const groups: AlikeBodies[] = []
  for (let from = 0; from < bodies.length;) {
    const first = bodies[from] as ConvertBody
    let to = from + 1
    while (to < bodies.length && areAlike(bodies[to] as ConvertBody, first)) to += 1
    const { offset: _offset, bytes: _bytes, receivedAtUs: _receivedAtUs, ...alike } = first
    groups.push({ alike, numbers: numbersOf(bodies, from, to) })
    from = to
  }
  return groups
}

function areAlike(a: ConvertBody, b: ConvertBody): boolean {
  return (
    a.path === b.path &&
    a.format === b.format &&
    a.encoding === b.encoding &&
    a.timeColumn === b.timeColumn &&
    a.mayBeLong === b.mayBeLong
  )
}

function numbersOf(bodies: readonly ConvertBody[], from: number, to: number): Float64Array {
  const numbers = new Float64Array((to - from) * numbersEach)
  for (let index = from, at = 0; index < to; index += 1) {
    const { offset, bytes, receivedAtUs } = bodies[index] as ConvertBody
    numbers[at++] = offset
    numbers[at++] = bytes
    numbers[at++] = receivedAtUs
  }
  return numbers
}

function bodiesOf({ alike, numbers }: AlikeBodies): ConvertBody[] {
  const { path, format, encoding, timeColumn, mayBeLong } = alike
  const bodies: ConvertBody[] = []
  for (let at = 0; at < numbers.length; at += numbersEach) {
    const [offset, bytes, receivedAtUs] = [numbers[at], numbers[at + 1], numbers[at + 2]] as [number, number, number]
    bodies.push({ path, offset, bytes, format, encoding, timeColumn, receivedAtUs, mayBeLong })
  }
  return bodies
}
