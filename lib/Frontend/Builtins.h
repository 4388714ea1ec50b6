// Builtins.h - the functions of the language that need no declaration.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_BUILTINS_H
#define RNNC_LIB_FRONTEND_BUILTINS_H

#include <string>
#include <vector>

namespace rnnc {

struct Builtin {
  enum class Group {
    Unary,     ///< elementwise, of one
    Binary,    ///< elementwise, of two
    Clamp,     ///< elementwise, of three
    LastAxis,  ///< over the last axis
    FirstAxis, ///< over the first axis
    Dropout,
    Noise,
    Identity, ///< a value with another gradient
    OneHot,
    ToReal, ///< indices and bits as numbers
    Dist
  };

  std::string name;
  Group group;
  std::vector<std::string> args;
  size_t required;
};

/// Null if there is none of that name.
const Builtin *findBuiltin(const std::string &name);

std::vector<std::string> builtinNames();

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_BUILTINS_H
