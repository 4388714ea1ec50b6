// Constant.h - numbers that are known when compiling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_CONSTANT_H
#define RNNC_LIB_FRONTEND_CONSTANT_H

#include "rnnc/Frontend/AST.h"

#include <map>

namespace rnnc {

/// The value of an expression of numbers and sizes; nothing if it is no such
/// expression or is not finite.
std::optional<double> constantOf(const ast::Expr &expr,
                                 const std::map<std::string, int64_t> &dims);

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_CONSTANT_H
