import { Option } from 'commander'

export function engineOption(): Option {
  const text = 'interactive is begun soon and tried once; batch has more time and disk, and is tried again'
  return new Option('--engine <name>', text).choices(['interactive', 'batch'])
}
