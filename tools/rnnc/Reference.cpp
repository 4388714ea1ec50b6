// Reference.cpp - `rnnc run --reference`: the interpreter in the library's place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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

Result<data::TensorFile> tool::runReference(const ModelOptions &options,
                                            const std::string &function,
                                            const training::Arrays &args,
                                            std::optional<uint64_t> seed) {
  if (!std::string_view(options.model).ends_with(".rnn"))
    return usageError("rnnc: error: --reference needs a .rnn source");
  auto program = elaborate(options);
  if (!program)
    return program.error();
  size_t dot = function.rfind('.');
  Result<rnn::ModuleOp> module = findModule(
      **program, dot == std::string::npos ? "" : function.substr(0, dot));
  if (!module)
    return module.error();
  interp::RunOptions run;
  run.function = dot == std::string::npos ? function : function.substr(dot + 1);
  run.dropout = run.function == "grad" || (run.function == "vjp" && seed);
  run.seed = static_cast<uint32_t>(seed.value_or(0));
  interp::Arrays inputs;
  for (const auto &[name, tensor] : args)
    inputs[name] = toArray(tensor);
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
