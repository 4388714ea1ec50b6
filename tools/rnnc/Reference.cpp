// Reference.cpp - `rnnc run --reference`: the interpreter in the library's
// place. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Reference.h"

#include "Elaborated.h"

using namespace rnnc;
using namespace rnnc::tool;

/// The module a name means: `lstm_2_3`, or `lstm` if only one comes from it.
static Result<rnn::ModuleOp> findModule(Elaborated &program,
                                        const std::string &name) {
  std::vector<rnn::ModuleOp> found;
  std::string known;
  for (rnn::ModuleOp module : program.modules()) {
    std::string symbol = module.getSymName().str();
    std::string source = module.getSource().split('[').first.str();
    known += (known.empty() ? "" : ", ") + symbol;
    if (symbol == name)
      return module;
    if (name.empty() || source == name)
      found.push_back(module);
  }
  if (found.size() == 1)
    return found.front();
  return usageError("rnnc: error: {} `{}`; there is {}",
                    found.empty() ? "no module is named"
                                  : "more than one module is named",
                    name, known);
}

/// Weights from a file; without one the first values, as a library draws them.
static void addWeights(rnn::ModuleOp module, const ReferenceCall &call,
                       bool training, interp::Arrays &inputs) {
  if (!call.weights) {
    for (auto &[name, array] :
         interp::firstValues(module, call.seed.value_or(0)))
      inputs[name] = array;
    return;
  }
  for (const auto &[name, tensor] : call.weights->tensors) {
    bool isOther = name.starts_with("state.") || name.starts_with("trainer.") ||
                   (name.starts_with("optimizer.") && !training);
    if (!isOther)
      inputs[name] = toArray(tensor);
  }
}

/// What the export line says is drawn at most.
static std::optional<int64_t> exportedMost(rnn::ModuleOp module,
                                           const std::string &function) {
  for (auto line : module.getExports().getAsRange<mlir::DictionaryAttr>()) {
    auto of = line.getAs<mlir::StringAttr>("function");
    auto defaults = line.getAs<mlir::DictionaryAttr>("defaults");
    if (!of || of.getValue() != function || !defaults)
      continue;
    if (auto whole = defaults.getAs<mlir::IntegerAttr>("max"))
      return whole.getInt();
    if (auto real = defaults.getAs<mlir::FloatAttr>("max"))
      return static_cast<int64_t>(real.getValueAsDouble());
  }
  return std::nullopt;
}

/// Whether the inputs say how long an axis is.
static bool isGiven(rnn::ModuleOp module, rnn::AxisAttr axis) {
  for (auto input : module.getBody().getOps<rnn::InputOp>())
    if (llvm::is_contained(input.getType().getAxes(), axis))
      return true;
  return false;
}

/// Where neither the inputs nor `--length` say how much is drawn, the source
/// does.
static Status addLengthsOfDraws(rnn::ModuleOp module,
                                const std::string &function,
                                std::map<std::string, int64_t> &lengths) {
  for (auto unfold : module.getBody().getOps<rnn::UnfoldOp>()) {
    std::string axis = unfold.getAxis().getName().str();
    if (lengths.contains(axis) || !unfold.getAxis().isTime() ||
        isGiven(module, unfold.getAxis()))
      continue;
    std::optional<int64_t> most = exportedMost(module, function);
    if (!most)
      most = unfold.getMax();
    Result<int32_t> length = drawnLength(axis, most);
    if (!length)
      return length.error();
    lengths[axis] = *length;
  }
  return {};
}

Result<data::TensorFile> tool::runReference(const ReferenceCall &call) {
  if (!std::string_view(call.model.model).ends_with(".rnn"))
    return usageError("rnnc: error: --reference needs a .rnn source");
  auto program = elaborate(call.model);
  if (!program)
    return program.error();
  size_t dot = call.function.rfind('.');
  Result<rnn::ModuleOp> module = findModule(
      **program, dot == std::string::npos ? "" : call.function.substr(0, dot));
  if (!module)
    return module.error();
  interp::RunOptions run;
  run.function =
      dot == std::string::npos ? call.function : call.function.substr(dot + 1);
  bool training = run.function == "train_step";
  run.dropout = run.function == "grad" || training || run.function == "hvp" ||
                run.function == "state_grad" ||
                (run.function == "vjp" && call.seed);
  run.seed = static_cast<uint32_t>(call.seed.value_or(0));
  run.batch = call.batch;
  run.lengths = call.lengths;
  if (run.function == "sample" || interp::drawsWhole(*module, run.function))
    if (Status status = addLengthsOfDraws(*module, run.function, run.lengths);
        !status)
      return status.error();
  interp::Arrays inputs;
  for (const auto &[name, tensor] : call.args)
    inputs[name] = toArray(tensor);
  addWeights(*module, call, training, inputs);
  std::string error;
  std::optional<interp::Arrays> outputs =
      interp::run(*module, inputs, run, error);
  if (!outputs)
    return dataError("rnnc: error: {}", error);
  data::TensorFile file;
  for (const auto &[name, array] : *outputs)
    file.add(name, toTensor(array, data::DType::F64));
  return file;
}
