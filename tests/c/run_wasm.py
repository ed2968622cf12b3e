"""Run a wasm program with one argument, the path of a file that it may read."""

import sys
from pathlib import Path

from wasmtime import Engine, ExitTrap, Linker, Module, Store, WasiConfig

program, argument = sys.argv[1:]
engine = Engine()
wasi = WasiConfig()
wasi.argv = [program, argument]
wasi.preopen_dir(str(Path(argument).parent), str(Path(argument).parent))
wasi.inherit_stdout()
wasi.inherit_stderr()
store = Store(engine)
store.set_wasi(wasi)
linker = Linker(engine)
linker.define_wasi()
instance = linker.instantiate(store, Module.from_file(engine, program))
try:
    instance.exports(store)["_start"](store)
except ExitTrap as exited:
    sys.exit(exited.code)
