// CheckObject.cpp: the contract of objects: what their code may call.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled functions are pure arithmetic: besides the runtime, which is in the
// same library, they may call what the code generator itself emits to move
// memory, and nothing else; a call of libm there would be a function that was
// not expanded. The runtime may call a short list of libc and libm functions.
#include "rnnc/Target/CPU/Library.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace rnnc;
using namespace rnnc::target;

static bool movesMemory(llvm::StringRef name) {
  return llvm::StringSwitch<bool>(name)
      .Cases({"memcpy", "memmove", "memset", "bcmp", "memcmp"}, true)
      .Default(false);
}

static bool runtimeMayCall(llvm::StringRef name) {
  static constexpr const char *kNames[] = {"__errno_location",
                                           "aligned_alloc",
                                           "calloc",
                                           "clock_gettime",
                                           "cos",
                                           "dlclose",
                                           "dlerror",
                                           "dlopen",
                                           "dlsym",
                                           "fclose",
                                           "ferror",
                                           "fflush",
                                           "floor",
                                           "fopen",
                                           "fread",
                                           "free",
                                           "fwrite",
                                           "getpid",
                                           "log",
                                           "madvise",
                                           "memchr",
                                           "pow",
                                           "pthread_create",
                                           "pthread_join",
                                           "realloc",
                                           "realpath",
                                           "remove",
                                           "rename",
                                           "sched_yield",
                                           "snprintf",
                                           "sqrt",
                                           "statx",
                                           "strcmp",
                                           "strerror_r",
                                           "strlen",
                                           "strncpy",
                                           "vsnprintf"};
  return movesMemory(name) || llvm::is_contained(kNames, name) ||
         name.starts_with("pthread_attr_") ||
         name.starts_with("pthread_cond_") ||
         name.starts_with("pthread_mutex_");
}

/// True for the section of a compiled function, or of a part of one:
/// `.text.M.loss.entry.v3`, `.text.M.loss.v3.cold`.
static bool isCompiled(llvm::StringRef section,
                       llvm::ArrayRef<VariantInfo> variants) {
  return llvm::any_of(variants, [&](const VariantInfo &variant) {
    std::string suffix = "." + variant.name;
    return section.ends_with(suffix) || section.contains(suffix + ".");
  });
}

llvm::Error target::checkObject(llvm::StringRef bytes,
                                const Architecture &architecture,
                                llvm::ArrayRef<VariantInfo> variants,
                                const llvm::StringSet<> &elsewhere) {
  llvm::Expected<std::unique_ptr<llvm::object::ObjectFile>> object =
      llvm::object::ObjectFile::createObjectFile(
          llvm::MemoryBufferRef(bytes, "object"));
  if (!object)
    return object.takeError();
  if (!(*object)->isELF() || (*object)->getArch() != architecture.arch)
    return llvm::createStringError("an object was made that is not for " +
                                   llvm::Twine(architecture.name));
  for (const llvm::object::SectionRef &section : (*object)->sections()) {
    auto code = section.getRelocatedSection();
    if (!code)
      return code.takeError();
    if (*code == (*object)->section_end())
      continue;
    llvm::StringRef where = llvm::cantFail((*code)->getName());
    bool compiled = isCompiled(where, variants);
    for (const llvm::object::RelocationRef &use : section.relocations()) {
      auto symbol = use.getSymbol();
      if (symbol == (*object)->symbol_end())
        continue;
      uint32_t flags = llvm::cantFail(symbol->getFlags());
      llvm::StringRef name = llvm::cantFail(symbol->getName());
      if (!(flags & llvm::object::SymbolRef::SF_Undefined) ||
          name == "_GLOBAL_OFFSET_TABLE_" || elsewhere.contains(name) ||
          (compiled ? movesMemory(name) : runtimeMayCall(name)))
        continue;
      return llvm::createStringError("`" + where + "` calls `" + name +
                                     "`, which no library may need");
    }
  }
  return llvm::Error::success();
}
