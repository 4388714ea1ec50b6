// AArch64.cpp: 64-bit ARM processors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostFeatures.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/AArch64TargetParser.h"

using namespace rnnc;
using namespace rnnc::target;

static void initialise() {
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeAArch64AsmParser();
}

/// Whatever the processor: 128-bit vectors and fused multiply-add, which all
/// have. Wider ones (SVE) have no width that is known before it runs.
static VariantInfo makeVariant(std::string name, std::string cpu) {
  VariantInfo info;
  info.name = std::move(name);
  info.cpu = std::move(cpu);
  info.like = "neon";
  info.fma = true;
  return info;
}

static VariantInfo hostVariant() {
  VariantInfo info = makeVariant("native", llvm::sys::getHostCPUName().str());
  info.features = featureText(llvm::sys::getHostCPUFeatures());
  info.caches = hostCaches();
  return info;
}

static llvm::Expected<std::vector<VariantInfo>>
variants(llvm::StringRef march) {
  if (march == "native")
    return std::vector<VariantInfo>{hostVariant()};
  if (march.empty() || march == "generic" || march == "neon")
    return std::vector<VariantInfo>{makeVariant("neon", "generic")};
  if (!llvm::AArch64::parseCpu(march))
    return llvm::createStringError("there is no processor `" + march.str() +
                                   "` for -march; generic, cortex-a72, "
                                   "neoverse-n1, apple-m1 and native are "
                                   "among those there are");
  return std::vector<VariantInfo>{
      makeVariant(march.str(), llvm::AArch64::resolveCPUAlias(march).str())};
}

/// Code for all processors has to do without what the Cortex-A53 got wrong.
static constexpr const char *linkerFlags[] = {"--fix-cortex-a53-843419"};
static constexpr const char *linkers[] = {"ld.lld-22", "ld.lld",
                                          "aarch64-linux-gnu-ld"};
static constexpr const char *compilers[] = {"aarch64-linux-gnu-gcc"};
static constexpr const char *folders[] = {"/lib/aarch64-linux-gnu",
                                          "/usr/lib/aarch64-linux-gnu",
                                          "/usr/aarch64-linux-gnu/lib"};

const Architecture target::aarch64 = {
    llvm::Triple::aarch64,
    "aarch64-unknown-linux-gnu",
    "aarch64-linux-gnu",
    "generic",
    "neon",
    initialise,
    variants,
    "aarch64linux",
    linkerFlags,
    linkers,
    compilers,
    folders,
    "libc6-arm64-cross",
};
