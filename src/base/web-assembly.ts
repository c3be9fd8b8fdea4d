/** WebAssembly is a global of Node.js that its types leave to those of browsers. */
declare const WebAssembly: {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

/** What a module exports. Undefined on a processor without the instructions that it takes (SSE4.1 or NEON), for which V8 does not take it. */
export function openModule(bytes: Uint8Array): unknown {
  if (!WebAssembly.validate(bytes)) return undefined
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports
}
