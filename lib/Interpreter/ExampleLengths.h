// ExampleLengths.h - how long the time axes of one example are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_INTERPRETER_EXAMPLELENGTHS_H
#define RNNC_LIB_INTERPRETER_EXAMPLELENGTHS_H

#include "Dense.h"

#include "rnnc/Dialect/RNN/Nesting.h"

namespace rnnc::interp {

/// The lengths of an example. Along an axis inside of others a whole value has
/// room for the longest one; what lies past the end of one means nothing.
struct ExampleLengths {
  const rnn::Nesting &nesting;
  std::map<std::string, int64_t> padded;
  /// Of axes inside of others: along these.
  Arrays inner;

  int64_t roomFor(rnn::AxisAttr axis) const;
  using PlaceFn =
      llvm::function_ref<std::optional<int64_t>(rnn::AxisAttr around)>;
  /// The length for the element that `place` gives of each axis around; room
  /// for all where it gives none.
  int64_t lengthOf(rnn::AxisAttr axis, PlaceFn place) const;
  /// The length along `axes[i]` for the element of a value at `index`.
  int64_t lengthAt(llvm::ArrayRef<rnn::AxisAttr> axes, size_t i,
                   const Shape &index) const;
  /// Whether an element of a value lies before all ends.
  bool isValid(llvm::ArrayRef<rnn::AxisAttr> axes, const Shape &index) const;
  /// The number of valid elements.
  int64_t count(llvm::ArrayRef<rnn::AxisAttr> axes, const Shape &shape) const;
};

} // namespace rnnc::interp

#endif // RNNC_LIB_INTERPRETER_EXAMPLELENGTHS_H
