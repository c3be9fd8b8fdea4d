/**
 * Messages as the programs of the field send them, written byte for byte by the specification and the sources of the programs. Each has
 * the same two events, if it has two.
 */
export interface Capture {
  readonly name: string
  readonly bytes: Buffer
  readonly events: 1 | 2
  /** The chunk that has to come back; undefined where the sender waits for nothing. */
  readonly chunk: string | undefined
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

export const captures: readonly Capture[] = [
  {
    name: 'Fluentd, out_forward: PackedForward, entries as str32, EventTime',
    events: 2,
    chunk: 'YKHYsfLkw6WXiHlqW0w9Lg==\n',
    bytes: hex(
      '93aa6170702e616363657373db0000003a92d7006553f100075bcd1582a470617468a12fa4636f6465ccc892d7006553f101' +
        '0000000082a470617468a62f636166c3a9a4636f6465cd019483a473697a6502aa636f6d70726573736564a474657874a563' +
        '68756e6bb9594b485973664c6b7736575869486c71573077394c673d3d0a',
    ),
  },
  {
    name: 'Fluentd, out_forward with compress gzip: a member for each append to the chunk',
    events: 2,
    chunk: 'YKHYsfLkw6WXiHlqW0w9Lg==\n',
    bytes: hex(
      '93aa6170702e616363657373db000000621f8b08000000000002ff9b749d2135f823037bf459d1a625058925190bf59724e7' +
        'a7a49e390100a6846c021a0000001f8b08000000000002ff9b749d2135f823230310342d29482cc958a69f9c987678e592e4' +
        'fc94d4b38c5300f0c51a142000000083a473697a6502aa636f6d70726573736564a4677a6970a56368756e6bb9594b485973' +
        '664c6b7736575869486c71573077394c673d3d0a',
    ),
  },
  {
    name: 'Fluent Bit, out_forward: entries as bin, metadata beside the time',
    events: 2,
    chunk: '60a1d8b1f2e4c3a59788796a5b4c3d2e',
    bytes: hex(
      '93aa6170702e616363657373c4559292d7006553f100075bcd158082a470617468a12fa4636f6465ccc89292d7006553f101' +
        '0000000081a46f746c7081af73657665726974795f6e756d6265720982a470617468a62f636166c3a9a4636f6465cd019483' +
        'a473697a6502a56368756e6bd9203630613164386231663265346333613539373838373936613562346333643265ad666c75' +
        '656e745f7369676e616c00',
    ),
  },
  {
    name: 'Fluent Bit, out_forward with Compress gzip',
    events: 2,
    chunk: '60a1d8b1f2e4c3a59788796a5b4c3d2e',
    bytes: hex(
      '93aa6170702e616363657373c45e1f8b08000000000002ff9b34e93a436af04706f6e8b3a20d4d4b0a124b3216ea2f49ce4f' +
        '493d736212448e9101081a97e497e41434ae2f4e2d4b2dca2ca98ccf2bcd4d4a2de2846859a69f9c9876782558df59c62900' +
        '550acdea5500000084a473697a6502aa636f6d70726573736564a4677a6970a56368756e6bd9203630613164386231663265' +
        '346333613539373838373936613562346333643265ad666c75656e745f7369676e616c00',
    ),
  },
  {
    name: 'Forward mode, EventTime in its longer encoding beside whole seconds',
    events: 2,
    chunk: '60a1d8b1f2e4c3a59788796a5b4c3d2e',
    bytes: hex(
      '93aa6170702e6163636573739292c708006553f100075bcd1582a470617468a12fa4636f6465ccc892ce6553f10182a47061' +
        '7468a62f636166c3a9a4636f6465cd019481a56368756e6bd920363061316438623166326534633361353937383837393661' +
        '3562346333643265',
    ),
  },
  {
    name: 'a logger library: Message mode without acknowledgement',
    events: 1,
    chunk: undefined,
    bytes: hex('93aa6170702e616363657373ce6553f10082a470617468a12fa4636f6465ccc8'),
  },
]
