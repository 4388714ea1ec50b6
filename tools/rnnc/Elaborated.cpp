// Elaborated.cpp - a source at the rnn level, for what asks the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Elaborated.h"

#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#include "rnnc/Frontend/Check.h"

using namespace rnnc;
using namespace rnnc::tool;

std::vector<rnn::ModuleOp> Elaborated::modules() {
  std::vector<rnn::ModuleOp> list;
  for (rnn::ModuleOp one : module->getOps<rnn::ModuleOp>())
    list.push_back(one);
  return list;
}

Result<std::unique_ptr<Elaborated>> tool::elaborate(const ModelOptions &options,
                                                    bool quiet) {
  FrontendOptions frontend;
  frontend.importDirs = options.importDirs;
  auto dims = parseDims(options.dims);
  if (!dims)
    return dims.error();
  frontend.dims = std::move(*dims);
  SourceManager sources;
  Diagnostics diags(sources);
  auto result = std::make_unique<Elaborated>();
  std::optional<CheckedProgram> program =
      check(sources, options.model, frontend, diags);
  if (program) {
    reportUnsupported(*program, diags);
    if (!diags.hasErrors())
      result->module = emitRNN(*program, sources, result->context, diags);
  }
  diags.sort();
  if (!quiet)
    fmt::print(stderr, "{}", diags.render(wantsColor(stderr)));
  if (!result->module)
    return Error{"", ExitSourceError};
  return result;
}

interp::Array tool::toArray(const data::Tensor &tensor) {
  interp::Array array(tensor.shape);
  for (int64_t i = 0; i < array.size(); ++i)
    array.data[static_cast<size_t>(i)] = tensor.number(i);
  return array;
}

data::Tensor tool::toTensor(const interp::Array &array, data::DType type) {
  data::Tensor tensor(type, array.shape);
  for (int64_t i = 0; i < array.size(); ++i) {
    double value = array.data[static_cast<size_t>(i)];
    switch (type) {
    case data::DType::F32:
      tensor.as<float>()[i] = static_cast<float>(value);
      break;
    case data::DType::F64:
      tensor.as<double>()[i] = value;
      break;
    case data::DType::I32:
      tensor.as<int32_t>()[i] = static_cast<int32_t>(value);
      break;
    case data::DType::I64:
      tensor.as<int64_t>()[i] = static_cast<int64_t>(value);
      break;
    case data::DType::U8:
      tensor.as<uint8_t>()[i] = static_cast<uint8_t>(value);
      break;
    }
  }
  return tensor;
}
