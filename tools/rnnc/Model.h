// Model.h: a compiled library, or a source that is compiled on the fly.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_MODEL_H
#define RNNC_TOOLS_RNNC_MODEL_H

#include "rnnc/Training/Drawing.h"
#include "rnnc/Training/Library.h"

#include <CLI/CLI.hpp>

namespace rnnc::tool {

/// How a source is compiled before it is used.
struct ModelOptions {
  std::string model;
  std::string precision; ///< empty: f32, or what the library was made with
  std::vector<std::string> dims; ///< `V=96`
  std::vector<std::string> importDirs;
  int optLevel = 3;
  bool fastMath = false;
  /// What weights are stored as where no gradient is computed.
  std::string weightType = "f32";
  std::string productType = "f32";
  /// Says nothing about a source that compiles: it was said when it was
  /// trained.
  bool onlyErrors = false;
  /// Does not say that it takes a while.
  bool quiet = false;
  /// Limit gradients where `clipgrad` says so.
  bool clipGradients = true;
  /// Make `state_grad` too.
  bool stateGradients = false;
  /// Make `attention` too, where there is any.
  bool attention = false;
  /// Let `loss` give each of its terms too, if there are several.
  bool lossTerms = false;
  /// What runs its code: `gpu` or `gpu:N`; empty: the processor. A source gets
  /// code for it.
  std::string device;
};

/// Adds the options to a verb; `model` itself is the verb's first argument.
void addModelOptions(CLI::App &command, ModelOptions &options);

/// `--product-type`.
CLI::Option *addProductTypeOption(CLI::App &command, std::string &type);
/// `--weight-type`.
CLI::Option *addWeightTypeOption(CLI::App &command, std::string &type);

/// `--device`.
CLI::Option *addDeviceOption(CLI::App &command, std::string &device);

/// What `--device` says, as it is written there.
inline std::string shownDevice(const ModelOptions &options) {
  return options.device.empty() ? "cpu" : options.device;
}

/// `V=96` as a pair; the error says what is wrong.
Result<std::pair<std::string, int64_t>> parseDim(const std::string &text);
/// All of them; the error of the first that is wrong.
Result<std::vector<std::pair<std::string, int64_t>>>
parseDims(const std::vector<std::string> &texts);

/// Loads a library, or compiles a `.rnn` file with everything exported.
Result<std::shared_ptr<training::Library>>
openModel(const ModelOptions &options);

using training::addDrawnLengths;
using training::drawnLength;

/// Prints an error to standard error and returns its exit code.
int report(const Error &error);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_MODEL_H
