// Walk.h - visiting the parts of an expression.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_FRONTEND_WALK_H
#define RNNC_FRONTEND_WALK_H

#include "rnnc/Frontend/AST.h"

#include <functional>

namespace rnnc {

/// Calls `visit` for each expression directly inside `expr`.
void forEachChild(const ast::Expr &expr,
                  const std::function<void(const ast::Expr &)> &visit);

/// The expressions of a statement, in order.
void forEachExpr(const ast::Stmt &stmt,
                 const std::function<void(const ast::Expr &)> &visit);

/// Calls `visit` for `expr` and everything below it, from above.
void walk(const ast::Expr &expr,
          const std::function<void(const ast::Expr &)> &visit);

} // namespace rnnc

#endif // RNNC_FRONTEND_WALK_H
