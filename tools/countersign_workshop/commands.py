"""The commands of a checkout: the name, what the list says of it, its module in this package."""

COMMANDS = (
    ("demo", "the whole path: three emulated devices, the gateway, the chain", "demo"),
    ("chain", "run the development chain", "ledger.chain"),
    ("runtime", "start a MicroPython runtime on this machine", "emulation.runtime"),
    ("fetch", "fetch a part that comes from elsewhere", "parts.fetch"),
    ("build", "build a board's firmware image", "images.firmware_build"),
    ("package", "make what mip installs on a board with stock MicroPython", "images.package"),
    ("emulate", "start emulated boards, or run a script on one", "emulation.emulate"),
    ("native", "build the native engine for each architecture", "images.native"),
    ("bench-proof", "measure proofs on boards; one JSON object last", "bench_proof.command"),
    ("bench-boards", "measure boards at a site; one JSON object last", "bench_boards.command"),
    ("soak", "let one board check in for long; one JSON object last", "bench_boards.soak"),
    ("bench-gateway", "measure the gateway; one JSON object last", "bench_gateway.command"),
)
