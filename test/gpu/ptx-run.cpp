// ptx-run.cpp: runs a kernel of a PTX text and prints its buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Launch.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace rnnc::ptx;

static const char *const kHelp =
    R"(usage: ptx-run FILE.ptx [KERNEL [OPTION]… [ARGUMENT]…]
Runs a kernel in the interpreter; without one, says which there are.
  --grid=X[,Y[,Z]]   blocks (1)
  --block=X[,Y[,Z]]  threads of a block (.reqntid, or 1)
  --shared=BYTES     dynamic shared memory
  --cooperative      all blocks at once
  --time             says how many instructions of threads a second
Arguments, in the order of the kernel's parameters:
  TYPE=VALUE         a number: u32=7, s64=-1, f32=0.5
  TYPE[N]            a buffer that holds nothing yet
  TYPE[N]=A,B,…      a buffer with these, again and again
  TYPE[N]=iota       0, 1, 2, …
  in:TYPE[N]=…       the same, not printed
  null               a null pointer
RNNC_PTX_SEED, RNNC_PTX_WEAK and others work here too (README.md).
)";

[[noreturn]] static void fail(const std::string &why) {
  std::fprintf(stderr, "ptx-run: %s\n", why.c_str());
  std::exit(2);
}

static uint64_t bitsOf(Type type, const std::string &text) {
  if (!isFloat(type))
    return std::strtoull(text.c_str(), nullptr, 0);
  double value = std::strtod(text.c_str(), nullptr);
  if (type == Type::F64) {
    uint64_t bits;
    std::memcpy(&bits, &value, 8);
    return bits;
  }
  float single = float(value);
  uint32_t bits;
  std::memcpy(&bits, &single, 4);
  return bits;
}

static void print(Type type, const uint8_t *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, bytesOf(type));
  if (type == Type::F32) {
    float value;
    std::memcpy(&value, from, 4);
    std::printf("%.9g", double(value));
  } else if (type == Type::F64) {
    double value;
    std::memcpy(&value, from, 8);
    std::printf("%.17g", value);
  } else if (isSigned(type)) {
    unsigned shift = 64 - bytesOf(type) * 8;
    std::printf("%lld",
                static_cast<long long>(int64_t(bits << shift) >> shift));
  } else {
    std::printf("%llu", static_cast<unsigned long long>(bits));
  }
}

namespace {

struct Buffer {
  Type type;
  Allocation *memory;
  bool isPrinted;
};

struct Run {
  LaunchShape shape;
  bool isTimed = false;
  std::vector<uint8_t> params;
  std::vector<Buffer> buffers;
};

} // namespace

static Type typeNamed(const std::string &name) {
  std::optional<Type> type = typeOf(name);
  if (!type || !bytesOf(*type))
    fail("`" + name + "` is no type");
  return *type;
}

static void fillBuffer(Buffer &buffer, const std::string &values) {
  if (values.empty())
    return;
  std::vector<std::string> parts;
  std::stringstream stream(values);
  for (std::string part; std::getline(stream, part, ',');)
    parts.push_back(part);
  unsigned bytes = bytesOf(buffer.type);
  for (uint64_t k = 0; k * bytes < buffer.memory->size; ++k) {
    std::string text =
        values == "iota" ? std::to_string(k) : parts[k % parts.size()];
    uint64_t bits = bitsOf(buffer.type, text);
    std::memcpy(buffer.memory->host + k * bytes, &bits, bytes);
  }
}

static void addArgument(Run &run, const Kernel &kernel, DeviceMemory &memory,
                        std::string text, size_t index) {
  if (index >= kernel.params.size())
    fail("the kernel has " + std::to_string(kernel.params.size()) +
         " parameters");
  const Parameter &param = kernel.params[index];
  uint64_t bits = 0;
  if (text != "null") {
    bool isInput = text.starts_with("in:");
    if (isInput)
      text = text.substr(3);
    size_t is = text.find('='), bracket = text.find('[');
    std::string values = is == text.npos ? "" : text.substr(is + 1);
    Type type = typeNamed(text.substr(0, std::min(is, bracket)));
    if (bracket < is) {
      uint64_t count = std::strtoull(text.c_str() + bracket + 1, nullptr, 0);
      Buffer buffer{type, memory.allocate(count * bytesOf(type), 256),
                    !isInput};
      if (!buffer.memory)
        fail("no memory for " + text);
      fillBuffer(buffer, values);
      run.buffers.push_back(buffer);
      bits = buffer.memory->base;
    } else {
      bits = bitsOf(type, values);
    }
  }
  run.params.resize(kernel.paramBytes);
  std::memcpy(&run.params[param.offset], &bits,
              std::min<uint64_t>(param.bytes, 8));
}

static void readShape(Dim3 &shape, const std::string &text) {
  shape = {1, 1, 1};
  if (std::sscanf(text.c_str(), "%u,%u,%u", &shape[0], &shape[1], &shape[2]) <
      1)
    fail("`" + text + "` is no shape");
}

static int runKernel(Run &run, const Kernel &kernel, DeviceMemory &memory,
                     const Options &options) {
  Fault fault;
  uint64_t instructions = 0;
  std::clock_t start = std::clock();
  int code = launchKernel(kernel, run.shape, run.params, memory, options, 0,
                          fault, &instructions);
  double time = double(std::clock() - start) / CLOCKS_PER_SEC;
  if (code) {
    std::printf("status %d: %s\n", code, fault.message.c_str());
    return 1;
  }
  for (const Buffer &buffer : run.buffers) {
    if (!buffer.isPrinted)
      continue;
    unsigned bytes = bytesOf(buffer.type);
    for (uint64_t at = 0; at < buffer.memory->size; at += bytes) {
      if (at)
        std::printf(" ");
      print(buffer.type, buffer.memory->host + at);
    }
    std::printf("\n");
  }
  if (run.isTimed)
    std::printf(
        "%llu instructions in %.3f s of a core: %.0f million a second\n",
        static_cast<unsigned long long>(instructions), time,
        double(instructions) / time / 1e6);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2 || std::string(argv[1]) == "--help") {
    std::fputs(kHelp, argc < 2 ? stderr : stdout);
    return argc < 2 ? 2 : 0;
  }
  std::ifstream file(argv[1]);
  if (!file)
    fail(std::string("no file ") + argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  Options options = Options::fromEnvironment();
  DeviceMemory memory;
  Refusal refusal;
  std::unique_ptr<LoadedModule> module =
      loadModule(text.str(), memory, refusal);
  if (!module) {
    std::printf("%s:%d: %s\n", argv[1], refusal.line, refusal.reason.c_str());
    return 1;
  }
  if (argc < 3) {
    for (const auto &kernel : module->kernels)
      std::printf("%s: %zu instructions, %u registers, %llu bytes of shared "
                  "memory\n",
                  kernel->name.c_str(), kernel->code.size(),
                  kernel->registersPerThread,
                  static_cast<unsigned long long>(kernel->sharedBytes));
    return 0;
  }
  const Kernel *kernel = module->find(argv[2]);
  if (!kernel)
    fail(std::string("no kernel ") + argv[2]);
  Run run;
  if (kernel->reqntid[0])
    run.shape.block = kernel->reqntid;
  size_t index = 0;
  for (int k = 3; k < argc; ++k) {
    std::string option = argv[k];
    std::string value = option.substr(option.find('=') + 1);
    if (option.starts_with("--grid="))
      readShape(run.shape.grid, value);
    else if (option.starts_with("--block="))
      readShape(run.shape.block, value);
    else if (option.starts_with("--shared="))
      run.shape.dynamicShared = std::strtoull(value.c_str(), nullptr, 0);
    else if (option == "--cooperative")
      run.shape.isCooperative = true;
    else if (option == "--time")
      run.isTimed = true;
    else if (option.starts_with("--"))
      fail("no option " + option);
    else
      addArgument(run, *kernel, memory, option, index++);
  }
  if (index != kernel->params.size())
    fail("the kernel has " + std::to_string(kernel->params.size()) +
         " parameters");
  return runKernel(run, *kernel, memory, options);
}
