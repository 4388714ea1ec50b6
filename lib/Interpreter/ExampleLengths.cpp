// ExampleLengths.cpp - how long the time axes of one example are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExampleLengths.h"

using namespace rnnc;
using namespace rnnc::interp;

int64_t ExampleLengths::roomFor(rnn::AxisAttr axis) const {
  if (!axis.isTime())
    return axis.getSize();
  auto it = padded.find(axis.getName().str());
  return it == padded.end() ? 0 : it->second;
}

int64_t ExampleLengths::lengthOf(rnn::AxisAttr axis, PlaceFn place) const {
  auto it = inner.find(axis.getName().str());
  if (!axis.isTime() || it == inner.end())
    return roomFor(axis);
  Shape index;
  for (rnn::AxisAttr around : nesting.around(axis)) {
    std::optional<int64_t> element = place(around);
    if (!element)
      return roomFor(axis);
    index.push_back(*element);
  }
  return int64_t(at(it->second, index));
}

int64_t ExampleLengths::lengthAt(llvm::ArrayRef<rnn::AxisAttr> axes, size_t i,
                                 const Shape &index) const {
  return lengthOf(axes[i], [&](rnn::AxisAttr around) {
    std::optional<int64_t> place;
    for (size_t k = 0; k < i; ++k)
      if (axes[k] == around)
        place = index[k];
    return place;
  });
}

bool ExampleLengths::isValid(llvm::ArrayRef<rnn::AxisAttr> axes,
                             const Shape &index) const {
  for (size_t i = 0; i < axes.size(); ++i)
    if (!nesting.around(axes[i]).empty() &&
        index[i] >= lengthAt(axes, i, index))
      return false;
  return true;
}

int64_t ExampleLengths::count(llvm::ArrayRef<rnn::AxisAttr> axes,
                              const Shape &shape) const {
  int64_t valid = 0;
  forEachIndex(shape,
               [&](const Shape &index) { valid += isValid(axes, index); });
  return valid;
}
