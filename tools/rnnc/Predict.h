// Predict.h: what a trained model says about data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_PREDICT_H
#define RNNC_TOOLS_RNNC_PREDICT_H

#include "Trained.h"

namespace rnnc::tool {

struct PredictCommand {
  std::string directory, in;
  std::vector<std::string> texts;
  DataOptions data;
  UseOptions use;
  bool json = false;
  /// `predict`, or a function that draws.
  std::string function = "predict";
  training::Arrays settings; ///< its options
  /// What is written has no <unk>, where the function can leave it out.
  bool leavesUnknownOut = false;
  std::optional<uint64_t> seed;
  std::optional<int32_t> length; ///< of what is drawn
};

/// Prints what the function gives for each example; returns the exit code.
int predict(const PredictCommand &command);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_PREDICT_H
