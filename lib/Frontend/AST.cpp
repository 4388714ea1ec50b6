// AST.cpp - spellings of the operators of the syntax tree.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/AST.h"

namespace rnnc::ast {

const char *spelling(BinaryOp op) {
  static const char *const table[] = {"+",  "-", "*", "/",  "@",  "++", "and",
                                      "or", "<", ">", "<=", ">=", "==", "!="};
  return table[static_cast<int>(op)];
}

const char *spelling(BindOp op) {
  static const char *const table[] = {"for",     "sum",       "mean",
                                      "max",     "min",       "prod",
                                      "softmax", "logsumexp", "argmax"};
  return table[static_cast<int>(op)];
}

const char *spelling(RecurOp op) {
  static const char *const table[] = {"scan", "fold", "unfold"};
  return table[static_cast<int>(op)];
}

} // namespace rnnc::ast
