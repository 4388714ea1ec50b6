// Drawing.cpp: how long what a function writes may become.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Drawing.h"

#include "rnnc/Training/Evaluate.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::training;

Result<int32_t> training::drawnLength(const std::string &axis,
                                      std::optional<int64_t> max) {
  if (max && *max <= INT32_MAX)
    return static_cast<int32_t>(*max);
  return usageError("rnnc: error: how much is drawn? `--length {0}=N` says it, "
                    "or `max N` after `unfold` in the source",
                    axis);
}

Status training::addDrawnLengths(const ModuleInfo &module,
                                 const FunctionInfo &function,
                                 std::optional<int32_t> asked,
                                 std::map<std::string, int32_t> &lengths) {
  if (function.name != "sample" && !function.draws)
    return {};
  for (const PortInfo &port : module.ports) {
    if (!port.unfold || port.shape.empty() || port.shape[0].time.empty())
      continue;
    const std::string &axis = port.shape[0].time;
    if (lengths.contains(axis) || function.findInput(axis) >= 0)
      continue;
    Result<int32_t> length =
        asked ? Result<int32_t>(*asked)
              : drawnLength(axis, function.max ? function.max : port.max);
    if (!length)
      return length.error();
    lengths[axis] = *length;
  }
  return {};
}

Error training::noFunction(const ModuleInfo &module, const std::string &name) {
  std::string help;
  // The others are there wherever they can be.
  const std::vector<data::FieldSchema> fields = schemaOf(module).fields;
  if (name == "beam" &&
      std::any_of(fields.begin(), fields.end(), [](const auto &field) {
        return field.unfold && field.isIndex();
      }))
    help = fmt::format(": its source has to say how wide, `export {}.beam("
                       "width = 5)`",
                       module.name);
  if (name == "sample")
    help = ": its outputs cannot be drawn, as a `dist` without a line `sample` "
           "cannot; `rnnc predict` gives what is likeliest";
  return usageError("rnnc: error: the model has no function `{}`{}", name,
                    help);
}
