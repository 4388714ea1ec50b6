// CheckGradient.h: gradients against finite differences, by the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_TEST_UNIT_GRAD_CHECKGRADIENT_H
#define RNNC_TEST_UNIT_GRAD_CHECKGRADIENT_H

#include "rnnc/Interpreter/Scan.h"

#include <string>
#include <vector>

namespace rnnc::test {

/// Numbers that look random, between low and high.
interpreter::Tensor numbers(std::vector<int64_t> shape, double low = -1,
                            double high = 1);
/// Whole numbers as given.
interpreter::Tensor integers(std::vector<int64_t> shape,
                             std::vector<double> values);

struct CheckOptions {
  /// Arguments to differentiate by; empty: all of real type.
  std::vector<int64_t> wrt;
  /// Passes that run before the gradient is made.
  std::string before;
  /// Passes that run after the gradient has been made.
  std::string passes;
  /// Name of the op whose rule is made wrong on purpose.
  std::string brokenRule;
};

/// The largest difference between the gradients of `@f` in `text` (in f64) and
/// central differences, over reverse and forward mode, as a part of the larger
/// of 1 and the gradient's largest entry. Infinity if something does not run.
double gradientError(const std::string &text,
                     std::vector<interpreter::Tensor> args,
                     const CheckOptions &options = {});

/// The module in which `@f` is the gradient (or, forward, the tangent) of the
/// `@f` of `text`: arguments, then cotangents (tangents) of all real results
/// (arguments); results, then gradients (tangents). Empty if there is none.
std::string derivativeOf(const std::string &text, bool reverse);

/// The gradient of `@f` by its first argument, for these cotangents of its
/// first result.
interpreter::Tensor gradientOf(const std::string &text,
                               std::vector<interpreter::Tensor> args,
                               std::vector<double> cotangents);

/// As `gradientError`, of the gradient of `@f` by random cotangents: what the
/// pass has made is differentiated once more, in both modes. Likewise of the
/// tangents if not `reverse`.
double secondGradientError(const std::string &text,
                           std::vector<interpreter::Tensor> args, bool reverse);

} // namespace rnnc::test

#endif // RNNC_TEST_UNIT_GRAD_CHECKGRADIENT_H
