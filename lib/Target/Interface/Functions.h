// Functions.h: from compiled functions to public ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_INTERFACE_FUNCTIONS_H
#define RNNC_LIB_TARGET_INTERFACE_FUNCTIONS_H

#include "rnnc/Target/Interface/Interface.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

#include <map>

namespace rnnc::target {

/// An argument or result of a compiled function.
struct RawArg {
  interface::SlotAttr slot;
  rt::DType dtype = rt::F32;
  bool result = false;
  bool unused = false; ///< the code does not read it
};

struct RawEntry {
  interface::FunctionAttr function;
  std::string symbol;
  std::vector<RawArg> args;
  /// An update whose new values may lie where the old ones are.
  bool inPlace = false;
};

/// One thing an `export` line names.
struct RawExport {
  std::string function, as;
  std::map<std::string, double> defaults;
  bool all = false; ///< only the name and the defaults matter
};

/// Makes the public functions of a module. Without exports there are all.
llvm::Error makeFunctions(const Library &library, Module &module,
                          const std::vector<RawEntry> &entries,
                          const std::vector<RawExport> &exports);

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_INTERFACE_FUNCTIONS_H
