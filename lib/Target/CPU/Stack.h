// Stack.h: how much stack the calls of a library need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_CPU_STACK_H
#define RNNC_LIB_TARGET_CPU_STACK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace rnnc::target {

/// What a library promises: threads with small stacks may call it. What libc
/// needs of its own comes to it.
constexpr uint64_t kMaxFrameBytes = 16 << 10;
constexpr uint64_t kMaxStackBytes = 32 << 10;

/// A frame has what the function saves, and the address to return to. (Where a
/// register holds that, it is among what is saved, and the bound is larger than
/// it has to be.)
constexpr uint64_t kReturnBytes = 8;

/// The frames of compiled functions and who calls whom.
class StackUse {
public:
  /// Asks the code generator for the frame of each function of `module`; holds
  /// for as long as the module's context.
  void watch(llvm::Module &module);
  /// Reads from the optimised module who calls whom, or hands on whose address.
  void readCalls(const llvm::Module &module);
  /// Reads from the section `.stack_sizes` of an object how large frames are.
  llvm::Error readFrames(llvm::StringRef object);
  void add(const StackUse &other);

  /// The functions from one of `roots` down that need most at a time, and how
  /// much. An error where functions call each other in a circle, where a frame
  /// has no fixed size, or where the code generator failed.
  struct Chain {
    uint64_t bytes = 0;
    std::vector<std::string> functions;
  };
  llvm::Expected<Chain> deepest(llvm::ArrayRef<std::string> roots) const;

  /// The largest frame.
  std::pair<std::string, uint64_t> largest() const;

private:
  struct Node {
    uint64_t frame = 0;
    bool dynamic = false;
    std::vector<std::string> calls;
  };
  llvm::StringMap<Node> nodes;
  std::string fault; ///< what the code generator could not do
};

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_CPU_STACK_H
