// Instance.cpp: the objects of a module, and calls by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Library.h"

#include <chrono>

using namespace rnnc;
using namespace rnnc::training;
using data::Buffer;
using data::DType;
using data::Tensor;
using data::TensorFile;

Result<std::unique_ptr<Instance>>
Instance::create(std::shared_ptr<Library> library, int module, int threads) {
  std::unique_ptr<Instance> instance(new Instance);
  instance->lib = std::move(library);
  instance->index = module;
  const rnnc_library &api = instance->lib->api();
  instance->context = Buffer(api.context_size());
  rnnc_context_options options{};
  options.threads = threads;
  int status = api.context_init(instance->ctx(), instance->context.size(),
                                &options);
  if (status != RNNC_OK)
    return toolError("{}: error: cannot make a context: {}",
                     instance->lib->path(), api.strerror(status));
  instance->haveContext = true;
  instance->params = Buffer(api.params_size(module));
  if (Status status = instance->initialise(0); !status)
    return status.error();
  return instance;
}

Instance::~Instance() {
  if (haveContext)
    lib->api().context_finish(ctx());
}

std::string Instance::variant() const {
  const char *name = lib->api().context_variant(ctx());
  return name ? name : "";
}

Status Instance::initialise(uint64_t seed) {
  int status =
      lib->api().params_init(index, par(), params.size(), seed);
  havePrepared = false;
  if (status != RNNC_OK)
    return toolError("{}: error: cannot draw first values: {}", lib->path(),
                     lib->api().strerror(status));
  return {};
}

TensorFile Instance::parameters() const {
  TensorFile file;
  const auto &infos = module().parameters;
  for (size_t i = 0; i < infos.size(); ++i)
    file.add(infos[i].name,
             Tensor::copyOf(lib->manifest().real(), infos[i].shape,
                            lib->api().params_data(index, par(),
                                                   static_cast<int>(i))));
  return file;
}

/// Arrays that stand beside the weights in checkpoints.
static bool isWeight(std::string_view name) {
  return !name.starts_with("state.") && !name.starts_with("optimizer.") &&
         !name.starts_with("trainer.");
}

/// Lists what does not fit between the wanted and the given weights.
static std::string weightProblems(const std::vector<ParameterInfo> &infos,
                                  const TensorFile &file) {
  std::string problems;
  for (const ParameterInfo &info : infos) {
    const Tensor *given = file.find(info.name);
    if (!given)
      problems += fmt::format("\n  missing: `{}` {}", info.name,
                              data::shapeText(info.shape));
    else if (given->shape != info.shape)
      problems +=
          fmt::format("\n  `{}`: expected {}, found {}", info.name,
                      data::shapeText(info.shape),
                      data::shapeText(given->shape));
  }
  for (const auto &[name, tensor] : file.tensors) {
    auto same = [&](const ParameterInfo &info) { return info.name == name; };
    if (isWeight(name) && std::none_of(infos.begin(), infos.end(), same))
      problems += fmt::format("\n  unknown: `{}` {}", name,
                              data::shapeText(tensor.shape));
  }
  return problems;
}

Status Instance::setParameters(const TensorFile &file,
                               const std::string &path) {
  const auto &infos = module().parameters;
  std::string problems = weightProblems(infos, file);
  if (!problems.empty())
    return dataError("{}: error: the weights do not fit `{}`:{}", path,
                     module().name, problems);
  // Convert all before any is stored: a refused file changes nothing.
  std::vector<Tensor> converted;
  for (const ParameterInfo &info : infos) {
    Result<Tensor> tensor = data::convertExact(
        *file.find(info.name), lib->manifest().real(), info.name);
    if (!tensor)
      return dataError("{}: error: {}", path, tensor.error().message);
    converted.push_back(std::move(*tensor));
  }
  for (size_t i = 0; i < infos.size(); ++i)
    std::memcpy(lib->api().params_data(index, par(), static_cast<int>(i)),
                converted[i].bytes.data(), converted[i].bytes.size());
  havePrepared = false;
  return {};
}

Status Instance::prepare() {
  if (havePrepared)
    return {};
  size_t size = lib->api().prepared_size(ctx(), index);
  if (prepared.size() != size || !prepared.data())
    prepared = Buffer(size);
  int status = lib->api().prepare(
      ctx(), index, par(),
      reinterpret_cast<rnnc_prepared *>(prepared.data()), prepared.size());
  if (status != RNNC_OK)
    return toolError("{}: error: cannot prepare the weights: {}", lib->path(),
                     lib->api().strerror(status));
  havePrepared = true;
  return {};
}

Status Instance::initialiseOptimizer() {
  optimizer = Buffer(lib->api().optimizer_size(index));
  int status = lib->api().optimizer_init(
      index, reinterpret_cast<rnnc_optimizer *>(optimizer.data()),
      optimizer.size());
  if (status != RNNC_OK)
    return toolError("{}: error: cannot make the optimiser: {}", lib->path(),
                     lib->api().strerror(status));
  haveOptimizer = true;
  return {};
}

rnnc_optimizer_counters *Instance::counters() {
  if (!haveOptimizer)
    return nullptr;
  return lib->api().optimizer_counters(
      index, reinterpret_cast<rnnc_optimizer *>(optimizer.data()));
}

/// Slots lie as the parameters do: a parameter's offset in the arena.
static std::byte *slotAt(const rnnc_library &api, int module,
                         rnnc_params *params, void *slot, int parameter) {
  auto *base = static_cast<std::byte *>(api.params_data(module, params, 0));
  auto *here =
      static_cast<std::byte *>(api.params_data(module, params, parameter));
  return static_cast<std::byte *>(slot) + (here - base);
}

TensorFile Instance::optimizerState() const {
  TensorFile file;
  auto *object = reinterpret_cast<rnnc_optimizer *>(
      const_cast<std::byte *>(optimizer.data()));
  const auto &infos = module().parameters;
  for (size_t s = 0; s < module().optimizerSlots.size(); ++s) {
    void *slot = lib->api().optimizer_slot(index, object, static_cast<int>(s));
    for (size_t i = 0; slot && i < infos.size(); ++i)
      file.add(fmt::format("optimizer.{}.{}", module().optimizerSlots[s],
                           infos[i].name),
               Tensor::copyOf(lib->manifest().real(), infos[i].shape,
                              slotAt(lib->api(), index, par(), slot,
                                     static_cast<int>(i))));
  }
  return file;
}

Status Instance::setOptimizerState(const TensorFile &file,
                                   const std::string &path) {
  auto *object = reinterpret_cast<rnnc_optimizer *>(optimizer.data());
  const auto &infos = module().parameters;
  for (size_t s = 0; s < module().optimizerSlots.size(); ++s) {
    void *slot = lib->api().optimizer_slot(index, object, static_cast<int>(s));
    for (size_t i = 0; slot && i < infos.size(); ++i) {
      std::string name = fmt::format(
          "optimizer.{}.{}", module().optimizerSlots[s], infos[i].name);
      const Tensor *tensor = file.find(name);
      if (!tensor)
        return dataError("{}: error: not a checkpoint of this training: `{}` "
                         "is missing",
                         path, name);
      if (tensor->shape != infos[i].shape ||
          tensor->type != lib->manifest().real())
        return dataError("{}: error: not a checkpoint of this training: `{}` "
                         "is {} {}, expected {} {}",
                         path, name, nameOf(tensor->type),
                         data::shapeText(tensor->shape),
                         lib->manifest().precision,
                         data::shapeText(infos[i].shape));
      std::memcpy(slotAt(lib->api(), index, par(), slot, static_cast<int>(i)),
                  tensor->bytes.data(), tensor->bytes.size());
    }
  }
  return {};
}

Status Instance::initialiseCarry(int32_t batch) {
  carry = Buffer(lib->api().carry_size(index, batch));
  int status = lib->api().carry_init(
      index, reinterpret_cast<rnnc_carry *>(carry.data()), carry.size(),
      batch);
  if (status != RNNC_OK)
    return toolError("{}: error: cannot make the carry: {}", lib->path(),
                     lib->api().strerror(status));
  haveCarry = true;
  return {};
}

Status Instance::setCarryBytes(const Tensor &bytes, int32_t batch) {
  if (Status status = initialiseCarry(batch); !status)
    return status.error();
  if (bytes.bytes.size() != carry.size())
    return dataError("the carry has {} bytes, expected {}", bytes.bytes.size(),
                     carry.size());
  std::memcpy(carry.data(), bytes.bytes.data(), carry.size());
  return {};
}

Status Instance::initialiseStream(int32_t batch) {
  stream = Buffer(lib->api().stream_size(index, batch));
  int status = lib->api().stream_init(
      ctx(), index, par(), reinterpret_cast<rnnc_stream *>(stream.data()),
      stream.size(), batch);
  if (status != RNNC_OK)
    return toolError("{}: error: cannot make the stream: {}", lib->path(),
                     lib->api().strerror(status));
  haveStream = true;
  return {};
}

void *Instance::streamState(int state) {
  if (!haveStream)
    return nullptr;
  return lib->api().stream_state(
      index, reinterpret_cast<rnnc_stream *>(stream.data()), state);
}

/// The arguments of one call, checked and converted.
struct Instance::Bound {
  int32_t batch = -1;
  std::vector<int32_t> times;    ///< padded lengths, -1 while unknown
  std::vector<std::optional<Tensor>> tensors; ///< by position
  std::vector<void *> pointers;
  std::string problems;
};

/// `[batch, T, 4]`.
static std::string shapeText(const std::vector<Dim> &shape) {
  std::string text;
  for (const Dim &dim : shape) {
    text += text.empty() ? "" : ", ";
    text += dim.kind == Dim::Kind::Fixed   ? std::to_string(dim.size)
            : dim.kind == Dim::Kind::Batch ? "batch"
                                           : dim.time;
  }
  return "[" + text + "]";
}

static int timeIndex(const FunctionInfo &function, std::string_view name) {
  for (size_t i = 0; i < function.times.size(); ++i)
    if (function.times[i] == name)
      return static_cast<int>(i);
  return -1;
}

/// Takes batch and lengths from a given array, or says what does not fit.
static bool fitShape(const FunctionInfo &function, const ArgInfo &arg,
                     const Tensor &given, int32_t &batch,
                     std::vector<int32_t> &times) {
  // A number alone may come as one element.
  if (arg.shape.empty())
    return given.count() == 1;
  if (given.shape.size() != arg.shape.size())
    return false;
  for (size_t d = 0; d < arg.shape.size(); ++d) {
    int64_t size = given.shape[d];
    if (size > INT32_MAX)
      return false;
    const Dim &dim = arg.shape[d];
    if (dim.kind == Dim::Kind::Fixed) {
      if (size != dim.size)
        return false;
      continue;
    }
    int32_t &known = dim.kind == Dim::Kind::Batch
                         ? batch
                         : times[timeIndex(function, dim.time)];
    if (known < 0)
      known = static_cast<int32_t>(size);
    if (known != size)
      return false;
  }
  return true;
}

/// A number for an option that was not given.
static Tensor scalarOf(DType type, double value) {
  Tensor source(DType::F64, {});
  source.as<double>()[0] = value;
  Result<Tensor> exact = data::convertExact(source, type, "");
  if (exact)
    return *exact;
  Tensor rounded(DType::F32, {});
  rounded.as<float>()[0] = static_cast<float>(value);
  return rounded;
}

/// Text of a problem with one argument, with the sizes known so far.
static std::string misfit(const FunctionInfo &function, const ArgInfo &arg,
                          const Tensor &given, int32_t batch,
                          const std::vector<int32_t> &times) {
  std::string known;
  if (batch >= 0)
    known += fmt::format(", batch = {}", batch);
  for (size_t i = 0; i < times.size(); ++i)
    if (times[i] >= 0)
      known += fmt::format(", {} = {}", function.times[i], times[i]);
  return fmt::format("\n  `{}`: expected {} {}, found {} {}{}", arg.name,
                     nameOf(arg.dtype), shapeText(arg.shape),
                     nameOf(given.type), data::shapeText(given.shape), known);
}

static void bindInput(const FunctionInfo &function, const ArgInfo &arg,
                      const Arrays &args, int32_t &batch,
                      std::vector<int32_t> &times,
                      std::optional<Tensor> &tensor, std::string &problems) {
  auto given = args.find(arg.name);
  if (given == args.end()) {
    if (arg.defaultValue && arg.shape.empty())
      tensor = scalarOf(arg.dtype, *arg.defaultValue);
    else if (!arg.optional)
      problems += fmt::format("\n  missing: `{}`, {} {}", arg.name,
                              nameOf(arg.dtype), shapeText(arg.shape));
    return;
  }
  if (!fitShape(function, arg, given->second, batch, times)) {
    problems += misfit(function, arg, given->second, batch, times);
    return;
  }
  // Options are typed by people: 0.8 need not be exact in f32.
  if (arg.role == ArgInfo::Role::Option && arg.shape.empty()) {
    tensor = scalarOf(arg.dtype, given->second.number(0));
    if (tensor->type != arg.dtype)
      problems += misfit(function, arg, given->second, batch, times);
    return;
  }
  Result<Tensor> exact =
      data::convertExact(given->second, arg.dtype, arg.name);
  if (exact)
    tensor = std::move(*exact);
  else
    problems += "\n  " + exact.error().message;
}

/// Padded lengths that only the lengths themselves tell.
static void fillTimes(const FunctionInfo &function, const Arrays &args,
                      const std::map<std::string, int32_t> &given,
                      std::vector<int32_t> &times) {
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i] >= 0)
      continue;
    if (auto found = given.find(function.times[i]); found != given.end()) {
      times[i] = found->second;
      continue;
    }
    auto lengths = args.find(function.times[i]);
    times[i] = 0;
    if (lengths == args.end())
      continue;
    for (int64_t k = 0, n = lengths->second.count(); k < n; ++k)
      times[i] = std::max(times[i],
                          static_cast<int32_t>(lengths->second.number(k)));
  }
}

Status Instance::bind(const FunctionInfo &function, const Arrays &args,
                      const CallOptions &options, Bound &bound) const {
  bound.batch = options.batch;
  bound.times.assign(function.times.size(), -1);
  bound.tensors.resize(function.args.size());
  for (size_t i = 0; i < function.args.size(); ++i)
    if (!function.args[i].isOutput())
      bindInput(function, function.args[i], args, bound.batch, bound.times,
                bound.tensors[i], bound.problems);
  for (const auto &[name, tensor] : args) {
    int at = function.find(name);
    bool isLength = timeIndex(function, name) >= 0;
    if (at < 0 && !isLength)
      bound.problems += fmt::format("\n  unknown: `{}` {}", name,
                                    data::shapeText(tensor.shape));
  }
  if (!bound.problems.empty()) {
    std::string expected;
    for (const ArgInfo &arg : function.args)
      if (!arg.isOutput())
        expected += fmt::format("{}`{}`", expected.empty() ? "" : ", ",
                                arg.name);
    return dataError("the arguments do not fit `{}.{}`:{}\n  it takes {}",
                     module().name, function.name, bound.problems, expected);
  }
  if (bound.batch < 0)
    bound.batch = 1;
  fillTimes(function, args, options.lengths, bound.times);
  for (size_t i = 0; i < function.args.size(); ++i) {
    const ArgInfo &arg = function.args[i];
    if (!arg.isOutput())
      continue;
    std::vector<int64_t> shape;
    for (const Dim &dim : arg.shape)
      shape.push_back(dim.kind == Dim::Kind::Fixed ? dim.size
                      : dim.kind == Dim::Kind::Batch
                          ? bound.batch
                          : bound.times[timeIndex(function, dim.time)]);
    bound.tensors[i] = Tensor(arg.dtype, shape);
  }
  for (std::optional<Tensor> &tensor : bound.tensors)
    bound.pointers.push_back(tensor ? tensor->bytes.data() : nullptr);
  return {};
}

Error Instance::callError(const FunctionInfo &function, int status) const {
  std::string text =
      fmt::format("`{}.{}` failed: {}", module().name, function.name,
                  error.message[0] ? error.message
                                   : lib->api().strerror(status));
  if (error.name[0] && status != RNNC_ERR_WORKSPACE) {
    text += fmt::format("; `{}`", error.name);
    if (error.example >= 0)
      text += fmt::format(", example {}", error.example);
    if (error.step >= 0)
      text += fmt::format(", step {}", error.step);
    if (status == RNNC_ERR_INDEX || status == RNNC_ERR_LENGTH)
      text += fmt::format(", value {}", error.value);
  }
  bool data = status == RNNC_ERR_INDEX || status == RNNC_ERR_LENGTH ||
              status == RNNC_ERR_EMPTY || status == RNNC_ERR_ARGUMENT;
  return {text, data ? ExitBadData : ExitToolFailure};
}

Status Instance::invoke(int function, Bound &bound,
                        const CallOptions &options) {
  const rnnc_library &api = lib->api();
  const FunctionInfo &info = module().functions[static_cast<size_t>(function)];
  int64_t bytes = api.workspace_size(ctx(), index, function, bound.batch,
                                     bound.times.data());
  if (bytes < 0)
    return callError(info, static_cast<int>(-bytes));
  if (workspace.size() < static_cast<size_t>(bytes) || !workspace.data())
    workspace = Buffer(static_cast<size_t>(bytes));
  rnnc_call call{};
  call.params = par();
  if (options.usePrepared)
    call.prepared = reinterpret_cast<rnnc_prepared *>(prepared.data());
  if (options.useOptimizer && haveOptimizer)
    call.optimizer = reinterpret_cast<rnnc_optimizer *>(optimizer.data());
  if (options.useCarry && haveCarry)
    call.carry = reinterpret_cast<rnnc_carry *>(carry.data());
  if (options.useStream && haveStream)
    call.stream = reinterpret_cast<rnnc_stream *>(stream.data());
  call.workspace = workspace.data();
  call.workspace_bytes = workspace.size();
  call.batch = bound.batch;
  call.num_times = static_cast<int32_t>(bound.times.size());
  call.times = bound.times.data();
  call.args = bound.pointers.data();
  call.num_args = static_cast<int32_t>(bound.pointers.size());
  call.seed = options.seed;
  call.has_seed = options.hasSeed;
  call.error = &error;
  for (int i = 0; i < options.repeat; ++i) {
    error = {};
    error.example = error.step = error.argument = -1;
    auto begin = std::chrono::steady_clock::now();
    int status = api.call(ctx(), index, function, &call);
    auto end = std::chrono::steady_clock::now();
    if (options.times)
      options.times->push_back(
          std::chrono::duration<double, std::milli>(end - begin).count());
    error.status = status;
    // A skipped update is a result of training, not a failure of the call.
    if (status != RNNC_OK && status != RNNC_ERR_NOT_FINITE)
      return callError(info, status);
  }
  return {};
}

Result<Arrays> Instance::call(int function, const Arrays &args,
                              const CallOptions &options) {
  const FunctionInfo &info = module().functions[static_cast<size_t>(function)];
  Bound bound;
  if (Status status = bind(info, args, options, bound); !status)
    return status.error();
  if (options.usePrepared)
    if (Status status = prepare(); !status)
      return status.error();
  if (Status status = invoke(function, bound, options); !status)
    return status.error();
  if (options.useOptimizer)
    havePrepared = false; // the weights have changed
  Arrays results;
  for (size_t i = 0; i < info.args.size(); ++i)
    if (info.args[i].isOutput())
      results[info.args[i].name] = std::move(*bound.tensors[i]);
  return results;
}
