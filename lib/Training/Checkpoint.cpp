// Checkpoint.cpp: what a training keeps on the disc.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Files.h"
#include "rnnc/Training/Curve.h"
#include "rnnc/Training/Trainer.h"
#include "rnnc/Training/Transfer.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::training;
using data::DType;
using data::Tensor;
using data::TensorFile;

/// A number that tells training data apart (FNV-1a over the first column).
uint64_t Trainer::fingerprint() const {
  uint64_t hash = 14695981039346656037u;
  auto add = [&](uint64_t value) { hash = (hash ^ value) * 1099511628211u; };
  add(static_cast<uint64_t>(train.size()));
  for (const data::Column &column : train.columns) {
    for (int32_t value : column.ints)
      add(static_cast<uint32_t>(value));
    for (double value : column.reals) {
      uint64_t bits;
      std::memcpy(&bits, &value, 8);
      add(bits);
    }
  }
  return hash;
}

static Tensor integers(const std::vector<int64_t> &values) {
  return Tensor::copyOf(DType::I64, {static_cast<int64_t>(values.size())},
                        values.data());
}

static Tensor doubles(const std::vector<double> &values) {
  return Tensor::copyOf(DType::F64, {static_cast<int64_t>(values.size())},
                        values.data());
}

/// result = values / by, all of the library's type.
static void divide(const Tensor &values, double by, Tensor &result) {
  for (int64_t i = 0, n = values.count(); i < n; ++i)
    if (result.type == DType::F64)
      result.as<double>()[i] = values.number(i) / by;
    else
      result.as<float>()[i] = static_cast<float>(values.number(i) / by);
}

TensorFile Trainer::usedWeights() const {
  TensorFile file = instance.parameters();
  int64_t updates = instance.counters()->updates;
  if (average <= 0 || updates == 0)
    return file;
  // The mean began with zeros.
  double weight = 1 - std::pow(average, static_cast<double>(updates));
  TensorFile slots = instance.optimizerState();
  for (const ParameterInfo &info : instance.module().parameters) {
    const Tensor *mean = slots.find("optimizer.average." + info.name);
    if (!info.trainable || !mean)
      continue;
    for (auto &[name, tensor] : file.tensors)
      if (name == info.name)
        divide(*mean, weight, tensor);
  }
  return file;
}

Status Trainer::useMean() {
  if (Status status = instance.fetch(); !status)
    return status;
  return average > 0 ? instance.setParameters(usedWeights(), directory.model)
                     : Status();
}

/// Beside the mean weights a checkpoint keeps those that training goes on with.
static const char kTrained[] = "trainer.weights.";

Status Trainer::saveCheckpoint() {
  if (Status status = instance.fetch(); !status)
    return status;
  TensorFile file = usedWeights();
  if (average > 0)
    for (auto &[name, tensor] : instance.parameters().tensors)
      file.add(kTrained + name, std::move(tensor));
  for (auto &[name, tensor] : instance.optimizerState().tensors)
    file.add(name, std::move(tensor));
  const rnnc_optimizer_counters &counters = *instance.counters();
  // The planned number of updates is left out: it may be an estimate made from
  // the clock, and a resumed training plans anew.
  file.add("trainer.counters",
           integers({counters.updates, counters.skipped, counters.empty,
                     counters.epoch, counters.bad_parameter}));
  file.add("trainer.rate_scale", doubles({counters.rate_scale}));
  file.add("trainer.position", integers({state.step, state.epoch, state.batch,
                                         state.bestStep, state.sinceBest}));
  file.add("trainer.best", doubles({state.best}));
  file.add("trainer.running", doubles({runningLoss, runningWeight}));
  file.add("trainer.faulty_since", integers({health.faultySince()}));
  file.add("trainer.last_loss", doubles({lastLoss}));
  file.add("trainer.plateau", doubles({state.plateau, state.epochLoss}));
  file.add("trainer.plateau_counts",
           integers({state.sincePlateau, state.epochUpdates}));
  file.add("trainer.identity",
           integers({static_cast<int64_t>(options.seed),
                     static_cast<int64_t>(fingerprint()), batch}));
  if (schema.chunk) {
    const data::Buffer &carry = instance.carryBytes();
    file.add("trainer.carry",
             Tensor::copyOf(DType::U8, {static_cast<int64_t>(carry.size())},
                            carry.data()));
  }
  file.metadata = directory.metadata();
  if (Status status = log.flush(); !status)
    return status;
  return data::writeTensorFile(directory.file("last.safetensors"), file);
}

Status Trainer::saveBest() {
  if (Status status = instance.fetch(); !status)
    return status;
  TensorFile file = usedWeights();
  file.metadata = directory.metadata();
  file.metadata["step"] = std::to_string(state.step);
  return data::writeTensorFile(directory.file("best.safetensors"), file);
}

/// Reads one of the trainer's own arrays.
template <typename T>
static bool readNumbers(const TensorFile &file, const char *name, DType type,
                        std::initializer_list<T *> targets) {
  const Tensor *tensor = file.find(name);
  if (!tensor || tensor->type != type ||
      tensor->count() != static_cast<int64_t>(targets.size()))
    return false;
  int64_t i = 0;
  for (T *target : targets)
    *target = tensor->as<T>()[i++];
  return true;
}

/// A place that training can have come to.
bool Trainer::positionFits() const {
  constexpr int64_t most = int64_t(1) << 53;
  auto counts = [](int64_t n, int64_t least) { return n >= least && n < most; };
  return counts(state.step, 0) && counts(state.epoch, 0) &&
         counts(state.bestStep, -1) && counts(state.sinceBest, 0) &&
         std::isfinite(state.best) && std::isfinite(state.plateau) &&
         std::isfinite(state.epochLoss) && counts(state.sincePlateau, -1) &&
         counts(state.epochUpdates, 0) && state.batch >= 0 &&
         state.batch < planEpoch(state.epoch).count();
}

/// With `average`, the weights that the mean is of.
Status Trainer::takeTrained(const TensorFile &file, const std::string &path) {
  if (average <= 0)
    return {};
  TensorFile trained;
  trained.metadata = file.metadata;
  for (const ParameterInfo &info : instance.module().parameters) {
    const Tensor *tensor = file.find(kTrained + info.name);
    if (!tensor)
      return dataError("{}: error: not a checkpoint of this training: `{}{}` "
                       "is missing",
                       path, kTrained, info.name);
    trained.add(info.name, Tensor::copyOf(tensor->type, tensor->shape,
                                          tensor->bytes.data()));
  }
  if (Status status = instance.setParameters(trained, path); !status)
    return status;
  return instance.checkFinite(path);
}

Status Trainer::loadCheckpoint() {
  std::string path = directory.file("last.safetensors");
  Result<TensorFile> file = data::readTensorFile(path);
  if (!file)
    return file.error();
  rnnc_optimizer_counters counters = *instance.counters();
  int64_t badParameter = -1, seed = 0, data = 0, rows = 0, faultySince = 0;
  bool whole =
      readNumbers(*file, "trainer.counters", DType::I64,
                  {&counters.updates, &counters.skipped, &counters.empty,
                   &counters.epoch, &badParameter}) &&
      readNumbers(*file, "trainer.rate_scale", DType::F64,
                  {&counters.rate_scale}) &&
      readNumbers(*file, "trainer.position", DType::I64,
                  {&state.step, &state.epoch, &state.batch, &state.bestStep,
                   &state.sinceBest}) &&
      readNumbers(*file, "trainer.best", DType::F64, {&state.best}) &&
      readNumbers(*file, "trainer.running", DType::F64,
                  {&runningLoss, &runningWeight}) &&
      readNumbers(*file, "trainer.identity", DType::I64, {&seed, &data, &rows});
  // Checkpoints of older versions do not know these.
  readNumbers(*file, "trainer.faulty_since", DType::I64, {&faultySince});
  readNumbers(*file, "trainer.last_loss", DType::F64, {&lastLoss});
  readNumbers(*file, "trainer.plateau", DType::F64,
              {&state.plateau, &state.epochLoss});
  readNumbers(*file, "trainer.plateau_counts", DType::I64,
              {&state.sincePlateau, &state.epochUpdates});
  const Tensor *carry = file->find("trainer.carry");
  // Another model's checkpoint is told by the names and shapes of its weights.
  if (Status status = instance.setParameters(*file, path); !status)
    return status;
  if (Status status = instance.checkFinite(path); !status)
    return status;
  if (!whole || (schema.chunk && !carry))
    return dataError("{}: error: not a checkpoint of a training: it cannot be "
                     "resumed",
                     path);
  if (Status status = instance.setOptimizerState(*file, path); !status)
    return status;
  if (Status status = takeTrained(*file, path); !status)
    return status;
  if (Status status = checkVocabularies(*file, path, directory.vocabularies);
      !status)
    return dataError("{}: error: that training had other data: its vocabulary "
                     "differs",
                     path);
  if (data != static_cast<int64_t>(fingerprint()))
    return dataError("{}: error: that training had other data, or the same "
                     "with another --split, --unit or vocabulary",
                     path);
  if (seed != static_cast<int64_t>(options.seed))
    return usageError("{}: error: that training had --seed {}, this one has {}",
                      path, seed, options.seed);
  if (rows != batch)
    return usageError("{}: error: that training had --batch {}, this one has "
                      "{}",
                      path, rows, batch);
  if (!positionFits() || faultySince < 0 || faultySince > state.step)
    return dataError("{}: error: damaged: no training can have come to this "
                     "place",
                     path);
  if (schema.chunk)
    if (Status status = instance.setCarryBytes(*carry, batch); !status)
      return dataError("{}: error: {}", path, status.error().message);
  const auto &parameters = instance.module().parameters;
  if (badParameter < -1 ||
      badParameter >= static_cast<int64_t>(parameters.size()))
    return dataError("{}: error: damaged: there is no parameter {}", path,
                     badParameter);
  health.resume(
      faultySince,
      badParameter < 0
          ? "the loss is not finite"
          : fmt::format("the gradient of `{}` is not finite",
                        parameters[static_cast<size_t>(badParameter)].name),
      state.step, perEpoch);
  counters.bad_parameter = static_cast<int32_t>(badParameter);
  *instance.counters() = counters;
  lastValidation = -1;
  return {};
}

Status Trainer::writeCurve() {
  std::string unit =
      schema.isLanguageModel() && !instance.module().lossPerExample()
          ? "loss (nats a token)"
          : "loss (mean of an example)";
  return data::writeFileAtomically(
      directory.file("curve.svg"),
      drawCurve(directory.model + ": learning curve", unit, log.updates(),
                log.validations(), log.accuracies()));
}
