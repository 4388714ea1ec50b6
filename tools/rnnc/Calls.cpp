// Calls.cpp: what a function of a library wants beside its arguments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Calls.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::training;

bool tool::readsPrepared(const FunctionInfo &function) {
  const std::string &name = function.name;
  return name != "vjp" && name != "grad" && name != "hvp" &&
         name != "state_grad" && name != "train_step";
}

bool tool::wantsStream(const ModuleInfo &module, const FunctionInfo &function) {
  const std::string &name = function.name;
  // Draws of outputs that are not fed back go on from nothing.
  bool feedsBack =
      std::any_of(module.ports.begin(), module.ports.end(),
                  [](const PortInfo &port) { return port.unfold; });
  bool goesOn = name == "step" || (name == "sample" && feedsBack) ||
                name == "begin" || name == "predict_chunk";
  return goesOn && !function.draws &&
         (!module.states.empty() || module.find("begin") >= 0);
}

Result<int32_t> tool::batchOf(const FunctionInfo &function, const Arrays &args,
                              int32_t given) {
  for (const ArgInfo &arg : function.args) {
    auto found = args.find(arg.name);
    if (found == args.end() || arg.shape.empty() ||
        arg.shape[0].kind != Dim::Kind::Batch || found->second.shape.empty())
      continue;
    if (found->second.shape[0] > INT32_MAX)
      return dataError("`{}`: {} has too many rows", arg.name,
                       data::shapeText(found->second.shape));
    return static_cast<int32_t>(found->second.shape[0]);
  }
  return given < 0 ? 1 : given;
}
