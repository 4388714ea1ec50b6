// ModelInstance.cpp: the objects of a module, and calls by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Library.h"

#include "Bind.h"
#include "rnnc/Training/Transfer.h"

#include <chrono>
#include <cmath>

using namespace rnnc;
using namespace rnnc::training;
using data::Buffer;
using data::Tensor;
using data::TensorFile;

Result<std::unique_ptr<ModelInstance>>
ModelInstance::create(std::shared_ptr<Library> library, int module, int threads,
                      const std::string &device) {
  if (!device.empty() && threads > 1)
    return usageError("rnnc: error: --threads {} is for a processor, and "
                      "--device {} is none",
                      threads, device);
  std::unique_ptr<ModelInstance> instance(new ModelInstance);
  instance->lib = std::move(library);
  instance->index = module;
  const rnnc_library &api = instance->lib->api();
  instance->context = Buffer(api.context_size());
  rnnc_context_options options{};
  options.size = sizeof(options);
  options.threads = threads;
  options.variant = device.empty() ? nullptr : device.c_str();
  int status = api.context_init(instance->ctx(), instance->context.size(),
                                &options, &instance->error);
  if (status != RNNC_OK) {
    Error refusal = instance->refused("cannot make a context");
    // Another library, or another command line, would do.
    if (status == RNNC_ERR_UNSUPPORTED && !device.empty())
      refusal.exitCode = ExitUsage;
    return refusal;
  }
  instance->haveContext = true;
  instance->isOnDevice = !device.empty();
  instance->params = Buffer(api.params_size(module));
  if (Status status = instance->initialise(0); !status)
    return status.error();
  return instance;
}

ModelInstance::~ModelInstance() {
  if (haveContext)
    lib->api().context_finish(ctx());
}

std::string ModelInstance::variant() const {
  const char *name = lib->api().context_variant(ctx());
  return name ? name : "";
}

Error ModelInstance::refused(std::string_view what) const {
  return toolError("{}: error: {}: {}", lib->path(), what, error.message);
}

/// A library may have been made before there was such a function, or gather
/// gradients, which it does on the host: it copies in each update.
Status ModelInstance::keep() {
  bool gathers = module().train.contains("accumulate");
  if (!isOnDevice || !livesOnDevice || isKept || !haveOptimizer || gathers ||
      !lib->api().gpu_keep)
    return {};
  if (lib->api().gpu_keep(ctx(), index, par(), opt(), &error) != RNNC_OK)
    return refused("cannot put the parameters on the device");
  isKept = true;
  return {};
}

Status ModelInstance::fetch() {
  if (!isKept)
    return {};
  if (lib->api().gpu_fetch(ctx(), index, par(), opt(), &error) != RNNC_OK)
    return refused("cannot take the parameters from the device");
  return {};
}

Status ModelInstance::initialise(uint64_t seed) {
  isKept = false;
  int status =
      lib->api().params_init(index, par(), params.size(), seed, &error);
  havePrepared = false;
  if (status != RNNC_OK)
    return refused("cannot draw first values");
  return {};
}

bool ModelInstance::hasBaked() const {
  auto *baked = lib->api().params_baked;
  return baked && baked(index);
}

Status ModelInstance::initialiseBaked() {
  isKept = false;
  int status =
      lib->api().params_init_baked(index, par(), params.size(), nullptr);
  havePrepared = false;
  if (status != RNNC_OK)
    return toolError("{}: error: cannot take the library's weights: {}",
                     lib->path(), lib->api().strerror(status));
  return {};
}

TensorFile ModelInstance::parameters() const {
  TensorFile file;
  const auto &infos = module().parameters;
  for (size_t i = 0; i < infos.size(); ++i)
    file.add(infos[i].name,
             Tensor::copyOf(
                 lib->manifest().real(), infos[i].shape,
                 lib->api().params_data(index, par(), static_cast<int>(i))));
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
      problems += fmt::format("\n  `{}`: expected {}, found {}", info.name,
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

Status ModelInstance::setParameters(const TensorFile &file,
                                    const std::string &path) {
  const auto &infos = module().parameters;
  std::string problems = weightProblems(infos, file);
  problems += vocabularyProblems(file, module(), !problems.empty());
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
  // What is newer elsewhere must not come after what is written now.
  if (Status status = fetch(); !status)
    return status;
  isKept = false;
  for (size_t i = 0; i < infos.size(); ++i)
    std::memcpy(lib->api().params_data(index, par(), static_cast<int>(i)),
                converted[i].bytes.data(), converted[i].bytes.size());
  havePrepared = false;
  return {};
}

Status ModelInstance::checkFinite(const std::string &path) const {
  TensorFile file = parameters();
  for (const ParameterInfo &info : module().parameters) {
    const Tensor &tensor = *file.find(info.name);
    for (int64_t i = 0, n = tensor.count(); i < n; ++i) {
      double value = tensor.number(i);
      if (std::isfinite(value) || (!info.trainable && !std::isnan(value)))
        continue;
      std::vector<int64_t> place(tensor.shape.size());
      int64_t rest = i;
      for (size_t dim = place.size(); dim-- > 0; rest /= tensor.shape[dim])
        place[dim] = rest % tensor.shape[dim];
      return dataError("{}: error: these weights are of no use: `{}` is {}{}; "
                       "train again with `clip` or a smaller `lr`",
                       path, info.name, value,
                       place.empty() ? "" : " at " + data::shapeText(place));
    }
  }
  return {};
}

Status ModelInstance::prepare() {
  if (havePrepared)
    return {};
  size_t size = lib->api().prepared_size(ctx(), index);
  if (prepared.size() != size || !prepared.data())
    prepared = Buffer(size);
  int status = lib->api().prepare(
      ctx(), index, par(), reinterpret_cast<rnnc_prepared *>(prepared.data()),
      prepared.size(), &error);
  if (status != RNNC_OK)
    return refused("cannot prepare the weights");
  havePrepared = true;
  return {};
}

Status ModelInstance::initialiseOptimizer() {
  if (Status status = fetch(); !status)
    return status;
  isKept = false;
  optimizer = Buffer(lib->api().optimizer_size(index));
  int status = lib->api().optimizer_init(
      index, reinterpret_cast<rnnc_optimizer *>(optimizer.data()),
      optimizer.size(), &error);
  if (status != RNNC_OK)
    return refused("cannot make the optimiser");
  haveOptimizer = true;
  return {};
}

rnnc_optimizer_counters *ModelInstance::counters() {
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

TensorFile ModelInstance::optimizerState() const {
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

Status ModelInstance::setOptimizerState(const TensorFile &file,
                                        const std::string &path) {
  if (Status status = fetch(); !status)
    return status;
  isKept = false;
  auto *object = reinterpret_cast<rnnc_optimizer *>(optimizer.data());
  const auto &infos = module().parameters;
  for (size_t s = 0; s < module().optimizerSlots.size(); ++s) {
    void *slot = lib->api().optimizer_slot(index, object, static_cast<int>(s));
    for (size_t i = 0; slot && i < infos.size(); ++i) {
      std::string name = fmt::format("optimizer.{}.{}",
                                     module().optimizerSlots[s], infos[i].name);
      const Tensor *tensor = file.find(name);
      if (!tensor)
        return dataError("{}: error: not a checkpoint of this training: `{}` "
                         "is missing",
                         path, name);
      if (tensor->shape != infos[i].shape ||
          tensor->type != lib->manifest().real())
        return dataError(
            "{}: error: not a checkpoint of this training: `{}` "
            "is {} {}, expected {} {}",
            path, name, nameOf(tensor->type), data::shapeText(tensor->shape),
            lib->manifest().precision, data::shapeText(infos[i].shape));
      std::memcpy(slotAt(lib->api(), index, par(), slot, static_cast<int>(i)),
                  tensor->bytes.data(), tensor->bytes.size());
    }
  }
  return {};
}

Status ModelInstance::initialiseCarry(int32_t batch) {
  carry = Buffer(lib->api().carry_size(index, batch));
  int status =
      lib->api().carry_init(index, reinterpret_cast<rnnc_carry *>(carry.data()),
                            carry.size(), batch, &error);
  if (status != RNNC_OK)
    return refused("cannot make the carry");
  haveCarry = true;
  return {};
}

Status ModelInstance::setCarryBytes(const Tensor &bytes, int32_t batch) {
  if (Status status = initialiseCarry(batch); !status)
    return status.error();
  if (bytes.bytes.size() != carry.size())
    return dataError("the carry has {} bytes, expected {}", bytes.bytes.size(),
                     carry.size());
  std::memcpy(carry.data(), bytes.bytes.data(), carry.size());
  return {};
}

void *ModelInstance::carryState(int state) {
  // Libraries that were made before there was this function have none.
  if (!haveCarry || !lib->api().carry_state)
    return nullptr;
  return lib->api().carry_state(
      index, reinterpret_cast<rnnc_carry *>(carry.data()), state);
}

Status ModelInstance::initialiseStream(int32_t batch) {
  stream = Buffer(lib->api().stream_size(index, batch));
  int status = lib->api().stream_init(
      ctx(), index, par(), reinterpret_cast<rnnc_stream *>(stream.data()),
      stream.size(), batch, &error);
  if (status != RNNC_OK)
    return refused("cannot make the stream");
  haveStream = true;
  return {};
}

void *ModelInstance::streamState(int state) {
  if (!haveStream)
    return nullptr;
  return lib->api().stream_state(
      index, reinterpret_cast<rnnc_stream *>(stream.data()), state);
}

Error ModelInstance::callError(const FunctionInfo &function, int status) const {
  // A message that names the argument tells example and value as well.
  bool told = std::string_view(error.message).find(error.name) !=
              std::string_view::npos;
  std::string text = fmt::format(
      "`{}.{}` failed: {}", module().name, function.name,
      error.message[0] ? error.message : lib->api().strerror(status));
  if (!told && error.name[0] && status != RNNC_ERR_WORKSPACE) {
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

size_t ModelInstance::workspaceBytes(int function, int32_t batch,
                                     int32_t steps) const {
  const FunctionInfo &info = module().functions[static_cast<size_t>(function)];
  std::vector<int32_t> times(info.times.size(), steps);
  return lib->api().workspace_size(ctx(), index, function, batch, times.data());
}

Status ModelInstance::invoke(int function, BoundCall &bound,
                             const CallOptions &options) {
  const rnnc_library &api = lib->api();
  const FunctionInfo &info = module().functions[static_cast<size_t>(function)];
  // A size that cannot be held is 0; the call says which.
  size_t bytes = api.workspace_size(ctx(), index, function, bound.batch,
                                    bound.times.data());
  needed = bytes;
  if (workspace.size() < bytes || !workspace.data())
    workspace = Buffer(bytes);
  rnnc_call call{};
  call.size = sizeof(call);
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
  if (options.norms) {
    options.norms->assign(module().parameters.size(), 0);
    call.norms = options.norms->data();
  }
  for (int i = 0; i < options.repeat; ++i) {
    error = {};
    error.size = sizeof(error);
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

std::string training::skipReason(const rnnc_error &error) {
  if (error.status != RNNC_ERR_NOT_FINITE)
    return "";
  bool isUpdate = std::string_view(error.message).starts_with("the update");
  return fmt::format("the {} of `{}` is not finite",
                     isUpdate ? "update" : "gradient", error.name);
}

Result<Arrays> ModelInstance::call(int function, const Arrays &args,
                                   const CallOptions &options) {
  const FunctionInfo &info = module().functions[static_cast<size_t>(function)];
  Result<BoundCall> arguments =
      bindArguments(module().name, info, args, options);
  if (!arguments)
    return arguments.error();
  BoundCall &bound = *arguments;
  if (options.usePrepared)
    if (Status status = prepare(); !status)
      return status.error();
  if (options.useOptimizer)
    if (Status status = keep(); !status)
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
