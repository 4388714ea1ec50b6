// Dense.h - what the evaluators need of arrays.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_INTERPRETER_DENSE_H
#define RNNC_LIB_INTERPRETER_DENSE_H

#include "rnnc/Interpreter/Run.h"

namespace rnnc::interp {

using Shape = std::vector<int64_t>;

/// The number of elements.
int64_t volume(const Shape &shape);

/// Row-major strides.
Shape stridesOf(const Shape &shape);

/// Calls `body` with every index of a shape, in row-major order.
void forEachIndex(const Shape &shape,
                  const std::function<void(const Shape &)> &body);

/// The element at an index.
double &at(Array &array, const Shape &index);
double at(const Array &array, const Shape &index);

/// Entry `i` of the first dimension, as an array of one dimension less.
Array entry(const Array &array, int64_t i);
/// What a smaller value has no entry for stays.
void setEntry(Array &array, int64_t i, const Array &value);
/// The entries that a smaller shape has.
Array cropped(Array array, const Shape &shape);

/// `shape` without its first dimension, or with one more.
Shape dropFront(const Shape &shape);
Shape pushFront(int64_t size, const Shape &shape);

double sigmoid(double x);
double softplus(double x);
/// The logarithm of the sum of exponentials of `n` numbers, `stride` apart.
double logSumExp(const double *x, int64_t n, int64_t stride = 1);
/// The place of the first largest number; what is no number is passed over.
int64_t argMax(const double *x, int64_t n);

} // namespace rnnc::interp

#endif // RNNC_LIB_INTERPRETER_DENSE_H
