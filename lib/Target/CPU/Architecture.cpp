// Architecture.cpp: which processors there is code for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/Architecture.h"

#include "rnnc/Runtime/Embedded.h"
#include "rnnc/Target/CPU/Library.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"

using namespace rnnc;
using namespace rnnc::target;

llvm::ArrayRef<const Architecture *> target::architectures() {
  static const Architecture *const all[] = {&x86_64, &aarch64};
  return all;
}

static const Architecture *find(llvm::Triple::ArchType arch) {
  for (const Architecture *one : architectures())
    if (one->arch == arch)
      return one;
  return nullptr;
}

const Architecture &target::hostArchitecture() {
  llvm::Triple host(llvm::sys::getProcessTriple());
  const Architecture *found = find(host.getArch());
  return found ? *found : *architectures().front();
}

static std::string namesOfAll() {
  std::vector<std::string> names;
  for (const Architecture *one : architectures())
    names.push_back(one->name);
  return llvm::join(names, " and ");
}

llvm::Expected<const Architecture *>
target::architectureFor(llvm::StringRef text) {
  if (text.empty())
    return &hostArchitecture();
  llvm::Triple triple(llvm::Triple::normalize(text));
  const Architecture *found = find(triple.getArch());
  bool known =
      found && triple.isOSLinux() &&
      triple.getSubArch() == llvm::Triple(found->triple).getSubArch() &&
      triple.getEnvironment() == llvm::Triple::GNU;
  if (!known)
    return llvm::createStringError("there is no code for --target `" +
                                   text.str() + "`; there are " + namesOfAll() +
                                   ", and nvptx64 for GPUs");
  return found;
}

llvm::Error target::checkRuntime(const Architecture &architecture) {
  if (!runtimeBitcode(architecture.name).empty())
    return llvm::Error::success();
  return llvm::createStringError(
      "this rnnc makes no libraries for " + llvm::Twine(architecture.name) +
      ": the C library's headers for it were not there when rnnc was built "
      "(setup.sh installs them)");
}

llvm::Expected<std::vector<VariantInfo>>
target::variantsFor(const Architecture &architecture, llvm::StringRef march) {
  if (march == "native" && &architecture != &hostArchitecture())
    return llvm::createStringError(
        "-march=native is this machine's processor, and code is made for " +
        llvm::Twine(architecture.name));
  return architecture.variants(march);
}

kernel::TargetAttr target::describe(mlir::MLIRContext *context,
                                    const VariantInfo &variant) {
  kernel::TargetAttr known = kernel::targetNamed(context, variant.like);
  auto orKnown = [](int64_t bytes, int64_t size) {
    return bytes ? bytes : size;
  };
  return kernel::TargetAttr::get(
      context, variant.name, known.getVectorBits(), known.getRegisters(),
      variant.fma, orKnown(variant.caches.l1, known.getL1()),
      orKnown(variant.caches.l2, known.getL2()), variant.dots ? 4 : 0,
      variant.halfDots ? 2 : 0, kernel::GPUAttr());
}
