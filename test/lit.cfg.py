# Configuration of the lit tests; the paths come from lit.site.cfg.py.
import os
import platform
import shutil

import lit.formats

config.name = "rnnc"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".mlir", ".test", ".ll"]
config.excludes = ["CMakeLists.txt", "Golden/data", "programs", "data"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.rnnc_build, "test")
# lit begins with what took longest the last time. On a clean checkout it takes
# that from .lit_test_times.txt here: in the order of names a long test that comes
# last would run alone. A name that is missing there only runs later.

path = [config.rnnc_tools, config.llvm_tools,
        config.environment.get("PATH", os.environ["PATH"])]
config.environment["PATH"] = os.path.pathsep.join(path)
# Colour and locale must not change what is compared.
config.environment["NO_COLOR"] = "1"
config.environment["LC_ALL"] = "C.UTF-8"
whole = config.rnnc_tools == os.path.join(config.rnnc_build, "bin")
if config.sanitize:
    # Leaks count in the `rnnc` that only reads (tools/rnnc/CMakeLists.txt). The
    # whole one links LLVM and MLIR, which keep registries until the end on
    # purpose.
    config.environment["ASAN_OPTIONS"] = "detect_leaks=" + str(int(not whole))
    config.environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
    config.environment["ASAN_SYMBOLIZER_PATH"] = os.path.join(
        config.llvm_tools, "llvm-symbolizer")
for name in ("HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions.append(("%examples", os.path.join(config.rnnc_source, "examples")))
config.substitutions.append(("%source", config.rnnc_source))
config.substitutions.append(("%build", config.rnnc_build))
config.substitutions.append(("%cc", config.c_compiler))
config.substitutions.append(("%cxx", config.cxx_compiler))
config.substitutions.append(("%python", config.python))

if config.sanitize:
    config.available_features.add("sanitize")
# What compiles a source says REQUIRES: codegen if it stands among the tests of
# the readers.
if whole:
    config.available_features.add("codegen")

# PTX is checked by test/Target/NVPTX/ptx.py; the assembler of NVIDIA's toolkit, which
# is no package of Debian, finds more.
if not shutil.which("ptxas") and not os.path.exists("/usr/local/cuda/bin/ptxas"):
    lit_config.note("no ptxas (NVIDIA's CUDA toolkit has it): PTX is parsed and run on "
                    "numpy arrays, and not assembled")

# Libraries for AArch64: what makes programs for it, and what runs them here. A
# part that is missing is said, and the tests that need it are not run.
cross = {"compiler": shutil.which("aarch64-linux-gnu-gcc"),
         "emulator": shutil.which("qemu-aarch64")}
sysroot = "/usr/aarch64-linux-gnu"
if platform.machine() == "aarch64":
    cross, sysroot = {"compiler": config.c_compiler, "emulator": "env"}, None
cross["runtime in rnnc"] = "aarch64" in config.runtimes
if all(cross.values()):
    config.available_features.add("aarch64")
    run = [cross["emulator"]] + (["-L", sysroot] if sysroot else [])
    config.substitutions.append(("%aarch64-cc", cross["compiler"]))
    config.substitutions.append(("%aarch64-run", " ".join(run)))
else:
    missing = " and ".join(name for name, path in cross.items() if not path)
    lit_config.note(f"no {missing} for AArch64 (setup.sh test installs them): "
                    "libraries for it are not tested")

# Tools that only some tests use. One that is missing is said.
for feature, tools in {"gcc": {"%gcc": "gcc", "%gxx": "g++"},
                       "cmake": {"%cmake": "cmake", "ninja": "ninja"},
                       "clang-format": {"%clang-format": "clang-format-22"},
                       "clang-tidy": {"%clang-tidy": "clang-tidy-22"}}.items():
    missing = " and ".join(tool for tool in tools.values() if not shutil.which(tool))
    if missing:
        lit_config.note(f"no {missing} (setup.sh test installs it): "
                        f"tests that say `REQUIRES: {feature}` are not run")
        continue
    config.available_features.add(feature)
    config.substitutions.extend((name, shutil.which(tool)) for name, tool in tools.items()
                                if name.startswith("%"))

# Debian's wordnet-base, whose glosses are the data of one example.
if os.path.exists("/usr/share/wordnet/data.noun"):
    config.available_features.add("wordnet")

# Tests that take many minutes: `lit --param long=1 build/test`.
if lit_config.params.get("long"):
    config.available_features.add("long")
