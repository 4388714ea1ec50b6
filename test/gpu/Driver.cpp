// Driver.cpp: what the stand-in driver keeps: modules, launches, failures on
// purpose. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Driver.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace rnnc::ptx;

std::vector<CUcontext> &rnnc::ptx::currentContexts() {
  thread_local std::vector<CUcontext> stack;
  return stack;
}

/// It lives until the end: programs may call from other destructors.
Driver &Driver::get() {
  static Driver *driver = [] {
    auto *made = new Driver();
    std::atexit([] { Driver::get().report(); });
    return made;
  }();
  return *driver;
}

Driver::Call::Call(const char *entry, Needs needs) : lock(Driver::get().mutex) {
  Driver &driver = Driver::get();
  if (needs == Needs::Nothing)
    driver.options = Options::fromEnvironment();
  status = driver.failure(entry);
  if (status || needs == Needs::Nothing)
    return;
  if (!driver.isInitialized)
    status = kNotInitialized;
  else if (needs == Needs::Context && currentContexts().empty())
    status = kInvalidContext;
  else if (needs == Needs::Context && !currentContexts().back())
    status = kInvalidContext;
  else if (needs == Needs::Context && driver.sticky)
    status = driver.sticky;
}

int Driver::failure(const char *entry) {
  uint64_t call = ++calls[entry];
  for (const Options::Failure &failure : options.failures)
    if (failure.entry == entry && (!failure.call || failure.call == call))
      return failure.code;
  return kSuccess;
}

int Driver::init() {
  options = Options::fromEnvironment();
  if (options.noDevice)
    return kNoDevice;
  memory.setCapacity(options.memory);
  isInitialized = true;
  return kSuccess;
}

/// Empty where there is no such file: no module.
static std::string readText(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int Driver::loadImage(CUmodule *module, const void *image, std::string &log) {
  const char *text = static_cast<const char *>(image);
  std::string_view start(text, strnlen(text, 4));
  if (start == "\177ELF" || start == "\x50\xed\x55\xba") {
    log = "the interpreter takes PTX, and no code for a chip";
    return kInvalidImage;
  }
  std::string other;
  if (!options.instead.empty()) {
    other = readText(options.instead);
    text = other.c_str();
  }
  if (!options.save.empty())
    std::ofstream(options.save) << text;
  Refusal refusal;
  std::unique_ptr<LoadedModule> loaded = loadModule(text, memory, refusal);
  if (!loaded) {
    log = "line " + std::to_string(refusal.line) + ": " + refusal.reason;
    bool isVersion = refusal.reason.starts_with("version ");
    return isVersion ? kUnsupportedPtxVersion : kInvalidPtx;
  }
  unsigned chip = unsigned(std::atoi(loaded->syntax.target.c_str() + 3));
  // sm_90a and the like are for that chip alone.
  bool isExact =
      !std::isdigit(static_cast<unsigned char>(loaded->syntax.target.back()));
  if (isExact ? chip != options.capability : chip > options.capability) {
    log = "the text is for " + loaded->syntax.target +
          ", the device has compute capability " +
          std::to_string(options.capability / 10) + "." +
          std::to_string(options.capability % 10);
    unloadModule(*loaded, memory);
    return kInvalidPtx;
  }
  auto *made = new CUmod_st();
  made->module = std::move(loaded);
  modules.insert(made);
  *module = made;
  return kSuccess;
}

int Driver::launch(CUfunction function, const LaunchShape &shape, void **params,
                   void **extra) {
  if (!functions.count(function))
    return kInvalidHandle;
  const Kernel &kernel = *function->kernel;
  if (extra || (!params && !kernel.params.empty()))
    return kInvalidValue;
  if (shape.dynamicShared > function->mostDynamicShared ||
      shape.dynamicShared + kernel.sharedBytes > (163 << 10)) {
    std::fprintf(stderr,
                 "rnnc PTX interpreter: kernel %s: %llu bytes of dynamic "
                 "shared memory, and %llu were allowed\n",
                 kernel.name.c_str(),
                 static_cast<unsigned long long>(shape.dynamicShared),
                 static_cast<unsigned long long>(function->mostDynamicShared));
    return kInvalidValue;
  }
  std::vector<uint8_t> bytes(kernel.paramBytes);
  for (size_t k = 0; k < kernel.params.size(); ++k)
    std::memcpy(&bytes[kernel.params[k].offset], params[k],
                kernel.params[k].bytes);
  Fault fault;
  uint64_t instructions = 0;
  int code = launchKernel(kernel, shape, std::move(bytes), memory, options,
                          numLaunches++, fault, &instructions);
  Launched &sum = launched[kernel.name];
  ++sum.launches;
  sum.instructions += instructions;
  if (!code)
    return kSuccess;
  std::fprintf(stderr, "rnnc PTX interpreter: %s\n", fault.message.c_str());
  // Faults of threads are found too late to go on; others are refusals.
  if (code >= kIllegalAddress && code != kOutOfResources &&
      code != kCooperativeTooLarge)
    sticky = code;
  return code;
}

void Driver::reset() {
  for (CUmodule module : modules) {
    unloadModule(*module->module, memory);
    delete module;
  }
  for (CUstream stream : streams)
    delete stream;
  for (CUevent event : events)
    delete event;
  modules.clear();
  functions.clear();
  streams.clear();
  events.clear();
  for (const Allocation &allocation : memory.all())
    if (!allocation.isFreed)
      memory.release(allocation.base);
  sticky = kSuccess;
}

void Driver::report() const {
  if (options.log.empty())
    return;
  FILE *file =
      options.log == "-" ? stderr : std::fopen(options.log.c_str(), "a");
  if (!file)
    return;
  auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  uint64_t launches = 0, instructions = 0;
  for (const auto &[name, sum] : launched) {
    std::fprintf(file, "kernel %s: %llu launches, %llu instructions\n",
                 name.c_str(), number(sum.launches), number(sum.instructions));
    launches += sum.launches;
    instructions += sum.instructions;
  }
  std::fprintf(file, "total: %llu launches, %llu instructions\n",
               number(launches), number(instructions));
  std::fprintf(file,
               "copies: %llu to the device, %llu bytes, the largest %llu; %llu "
               "to the host, %llu bytes, the largest %llu\n",
               number(toDevice.count), number(toDevice.bytes),
               number(toDevice.largest), number(toHost.count),
               number(toHost.bytes), number(toHost.largest));
  uint64_t count = 0, bytes = 0;
  for (const Allocation &allocation : memory.all())
    if (!allocation.isFreed && !allocation.isVariable)
      ++count, bytes += allocation.size;
  std::fprintf(file,
               "leaked: %llu allocations of %llu bytes, %llu modules, %llu "
               "streams, %llu events, %d references of the context\n",
               number(count), number(bytes), number(modules.size()),
               number(streams.size()), number(events.size()),
               context.references);
  if (file != stderr)
    std::fclose(file);
}
