// Prototypes.h: the C functions of a library, for the header and the code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TARGET_CPU_PROTOTYPES_H
#define RNNC_TARGET_CPU_PROTOTYPES_H

#include "rnnc/Target/Interface/Interface.h"

namespace rnnc::target {

/// What a parameter of a C function is for the code behind it.
enum class CParam {
  Context,
  Params,
  Prepared,
  Optimizer,
  Carry,
  Stream,
  Workspace,
  WorkspaceBytes,
  Batch,
  Time,
  Arg,
  Option,
  Seed,
  HasSeed,
  Queue, ///< of a GPU
  Error
};

struct CParameter {
  CParam kind;
  std::string type; ///< C type, a space or star at its end
  std::string name;
  int index = 0; ///< of the time axis or argument
};

/// The parameters of the typed function of `f`, in order; `onGPU`: of that
/// whose arrays lie on a GPU.
std::vector<CParameter> callParameters(const Module &m, const Function &f,
                                       bool onGPU = false);
/// Whether there is one, and what it is called.
bool runsOnGPU(const Library &library, const Function &f);
std::string symbolOnGPU(const Function &f);
/// Those of its workspace query.
std::vector<CParameter> workspaceParameters(const Function &f);
/// Whether the function reads packed weights: without prepared ones it needs
/// room to pack them.
bool readsPrepared(const Function &f);
/// A C identifier that no other parameter of the list has.
std::string uniqueName(const std::vector<CParameter> &parameters,
                       llvm::StringRef name);

/// A function about an object of a module: SYMBOL forwards to the runtime's
/// `target` with the module's number put in.
struct ObjectFunction {
  std::string suffix;    ///< `params_size`
  std::string target;    ///< `rnnc_rt_params_size`
  std::string result;    ///< C type, with a space at its end
  std::string signature; ///< C parameters without the module
  std::string comment;
};
/// Those a module needs.
std::vector<ObjectFunction> objectFunctions(const Library &library,
                                            const Module &m);
/// Those of the library as a whole.
std::vector<ObjectFunction> libraryFunctions(const Library &library);

/// What the symbols of a module begin with.
std::string modulePrefix(const Library &library, const Module &m);
/// Enumerators that stand for the positions of these: PREFIX_WORD_NAME.
std::vector<std::string> positionNames(const std::string &prefix,
                                       llvm::StringRef word,
                                       const std::vector<std::string> &names);
/// A name that the header would declare twice; empty if there is none.
std::string repeatedName(const Library &library);

} // namespace rnnc::target

#endif // RNNC_TARGET_CPU_PROTOTYPES_H
