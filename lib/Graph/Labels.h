// Labels.h: what ops and values are called in pictures.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_GRAPH_LABELS_H
#define RNNC_LIB_GRAPH_LABELS_H

#include "rnnc/Dialect/RNN/RNN.h"

#include <string>

namespace rnnc::graph {

/// `[T, H=64]`, `[T] in V=96`; empty for what has no such type.
std::string shapeText(mlir::Type type);
/// `tanh`, `+`, `sum over S`.
std::string opText(mlir::Operation *op);
/// The ops that a binder's body consists of: `@ + tanh`.
std::string bodyText(mlir::Operation *op);
/// `17,152`.
std::string countText(int64_t count);

} // namespace rnnc::graph

#endif // RNNC_LIB_GRAPH_LABELS_H
