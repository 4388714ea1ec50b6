// Reference.h - `rnnc run --reference`: the interpreter in the library's place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_REFERENCE_H
#define RNNC_TOOLS_RNNC_REFERENCE_H

#include "Model.h"

namespace rnnc::tool {

/// A call of `NAME.function` (or `function`, of the only module) in f64.
struct ReferenceCall {
  ModelOptions model;
  std::string function;
  training::Arrays args;
  std::optional<data::TensorFile> weights; ///< else first values, from the seed
  std::optional<uint64_t> seed;            ///< none: `vjp` without dropout
  int64_t batch = 1;                       ///< where no argument shows it
  std::map<std::string, int64_t> lengths;  ///< likewise, of time axes
};

Result<data::TensorFile> runReference(const ReferenceCall &call);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_REFERENCE_H
