import { systemDisk } from '../../base/disk.ts'
import { serveEngine } from '../../base/engines/serve-engine.ts'
import { convertHandler } from '../convert/convert-task.ts'
import { answerConversions } from '../convert/message.ts'
import { convertTask } from '../convert/tasks.ts'
import { createSplitter } from '../split/split.ts'

const convert = convertHandler({ splitter: createSplitter(), disk: systemDisk })

// As the server's engine, but a body that begins with the word takes the process down, as a bug of a native library does.
serveEngine({
  [convertTask]: answerConversions(async (input) => {
    for (const { path, offset } of input.bodies) {
      const file = await systemDisk.open(path, 'read')
      const start = await file.read(offset, 8).finally(() => file.close())
      if (start.toString() === 'SEGFAULT') process.kill(process.pid, 'SIGKILL')
    }
    return await convert(input)
  }),
})
