/** What the sandbox uses of it; neither the language's types nor Node's have it. */
declare namespace WebAssembly {
  class Module {
    private constructor();
  }
  class Memory {
    constructor(size: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
