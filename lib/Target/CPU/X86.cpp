// X86.cpp: x86-64 processors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostFeatures.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace rnnc;
using namespace rnnc::target;

static void initialise() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
}

/// Fills what follows from the level.
static VariantInfo makeVariant(std::string name, std::string cpu, int level) {
  VariantInfo info;
  info.name = std::move(name);
  info.cpu = std::move(cpu);
  // Libraries for one processor are what those for its level are, with more
  // instructions: what was measured for one holds for the other.
  info.tune = level >= 2 ? "x86-64-v" + std::to_string(level) : "x86-64";
  info.level = level;
  info.like = level >= 4 ? "v4" : level == 3 ? "v3" : "v2";
  info.vectorBits = level >= 4 ? 512 : level == 3 ? 256 : 128;
  info.fma = level >= 3;
  return info;
}

template <typename Has> static int levelOf(Has has) {
  if (!has("sse4.2") || !has("popcnt"))
    return 1;
  if (!has("avx2") || !has("fma") || !has("bmi2") || !has("lzcnt") ||
      !has("f16c"))
    return 2;
  // The others imply avx512f, which lists of features leave out.
  return has("avx512bw") && has("avx512dq") && has("avx512vl") &&
                 has("avx512cd")
             ? 4
             : 3;
}

/// Notes whether the vectors of the level have VPDPBUSD and VDPBF16PS.
template <typename Has>
static void findDots(VariantInfo &info, int level, Has has) {
  info.dots = level >= 4 ? has("avx512vnni") : level == 3 && has("avxvnni");
  info.halfDots = level >= 4 && has("avx512bf16");
}

static VariantInfo hostVariant() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](llvm::StringRef f) { return features.lookup(f); };
  int level = levelOf(has);
  VariantInfo info =
      makeVariant("native", llvm::sys::getHostCPUName().str(), level);
  info.features = featureText(features);
  findDots(info, level, has);
  info.caches = hostCaches();
  return info;
}

static llvm::Expected<std::vector<VariantInfo>>
variants(llvm::StringRef march) {
  if (march.empty())
    return std::vector<VariantInfo>{makeVariant("v2", "x86-64-v2", 2),
                                    makeVariant("v3", "x86-64-v3", 3),
                                    makeVariant("v4", "x86-64-v4", 4)};
  if (march == "native")
    return std::vector<VariantInfo>{hostVariant()};
  std::string cpu = march.size() == 2 && march[0] == 'v'
                        ? ("x86-64-" + march).str()
                        : march.str();
  if (llvm::X86::parseArchX86(cpu, /*Only64Bit=*/true) == llvm::X86::CK_None)
    return llvm::createStringError("there is no processor `" + march.str() +
                                   "` for -march; x86-64, x86-64-v2, "
                                   "x86-64-v3, x86-64-v4 and native are among "
                                   "those there are");
  llvm::SmallVector<llvm::StringRef> features;
  llvm::X86::getFeaturesForCPU(cpu, features);
  auto has = [&](llvm::StringRef f) { return llvm::is_contained(features, f); };
  int level = levelOf(has);
  llvm::StringRef name = cpu;
  name.consume_front("x86-64-");
  VariantInfo info = makeVariant(name.str(), cpu, level);
  findDots(info, level, has);
  return std::vector<VariantInfo>{info};
}

static constexpr const char *linkers[] = {"ld.lld-22", "ld.lld",
                                          "x86_64-linux-gnu-ld"};
static constexpr const char *compilers[] = {"x86_64-linux-gnu-gcc"};
static constexpr const char *folders[] = {"/lib/x86_64-linux-gnu",
                                          "/usr/lib/x86_64-linux-gnu",
                                          "/usr/x86_64-linux-gnu/lib"};

const Architecture target::x86_64 = {
    llvm::Triple::x86_64,
    "x86_64-unknown-linux-gnu",
    "x86_64-linux-gnu",
    "x86-64",
    "v2,v3,v4",
    initialise,
    variants,
    "elf_x86_64",
    {},
    linkers,
    compilers,
    folders,
    "libc6-amd64-cross",
};
