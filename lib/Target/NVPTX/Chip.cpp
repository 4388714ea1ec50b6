// Chip.cpp: which GPUs there is code for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/NVPTX/PTX.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace rnnc;
using namespace rnnc::target;

/// Each is a `#kernel.target`, too. PTX of the version that first had the chip.
static constexpr nvptx::Chip kChips[] = {
    {"sm_80", "+ptx70"}, {"sm_86", "+ptx71"},  {"sm_89", "+ptx78"},
    {"sm_90", "+ptx78"}, {"sm_100", "+ptx86"}, {"sm_120", "+ptx87"},
};

int nvptx::Chip::capability() const {
  int number = 0;
  name.drop_front(3).getAsInteger(10, number);
  return number;
}

bool nvptx::isTriple(llvm::StringRef text) {
  return llvm::Triple(llvm::Triple::normalize(text)).isNVPTX();
}

llvm::Error nvptx::checkTriple(llvm::StringRef text) {
  bool known = text == "nvptx64" || text == "nvptx64-cuda" || text == kTriple;
  if (known)
    return llvm::Error::success();
  return llvm::createStringError("there is no code for --target `" +
                                 text.str() + "`; of GPUs there is nvptx64");
}

llvm::Expected<const nvptx::Chip *> nvptx::chipFor(llvm::StringRef march) {
  if (march.empty())
    return &kChips[0];
  std::vector<llvm::StringRef> names;
  for (const Chip &chip : kChips) {
    if (chip.name == march)
      return &chip;
    names.push_back(chip.name);
  }
  return llvm::createStringError(
      "there is no GPU `" + march.str() + "` for -march; there are " +
      llvm::join(names, ", ") +
      ": a driver translates their code for newer ones");
}

kernel::TargetAttr nvptx::describe(mlir::MLIRContext *context,
                                   const Chip &chip) {
  return kernel::targetNamed(context, chip.name);
}
