// Link.cpp: making a shared library with a linker of the system.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/Library.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::target;

namespace {
struct Linker {
  std::string path;
  bool driver; ///< a C compiler that calls a linker
};
} // namespace

static std::optional<Linker> findLinker() {
  for (const char *name : {"ld.lld-22", "ld.lld", "ld"})
    if (auto path = llvm::sys::findProgramByName(name))
      return Linker{*path, false};
  for (const char *name : {"cc", "clang-22", "clang", "gcc"})
    if (auto path = llvm::sys::findProgramByName(name))
      return Linker{*path, true};
  return std::nullopt;
}

/// The C library's own file, so that no development package is needed.
static std::string systemLibrary(llvm::StringRef name) {
  for (const char *folder :
       {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64",
        "/usr/lib64", "/lib", "/usr/lib"}) {
    llvm::SmallString<64> path(folder);
    llvm::sys::path::append(path, name);
    if (llvm::sys::fs::exists(path))
      return path.str().str();
  }
  return "";
}

static std::vector<std::string> arguments(const Linker &linker,
                                          llvm::ArrayRef<std::string> objects,
                                          llvm::StringRef output,
                                          llvm::StringRef soname) {
  std::vector<std::string> flags = {"--build-id=none", "--gc-sections",
                                    "-soname=" + soname.str(), "--as-needed",
                                    "--hash-style=gnu"};
  std::vector<std::string> keywords = {"noexecstack", "relro", "now", "defs"};
  std::vector<std::string> out = {linker.path, "-shared", "-o", output.str()};
  out.insert(out.end(), objects.begin(), objects.end());
  if (linker.driver) {
    out.push_back("-nostartfiles");
    for (const std::string &flag : flags)
      out.push_back("-Wl," + flag);
    for (const std::string &keyword : keywords)
      out.push_back("-Wl,-z," + keyword);
    out.push_back("-lm");
    out.push_back("-lpthread");
    return out;
  }
  out.insert(out.end(), flags.begin(), flags.end());
  for (const std::string &keyword : keywords) {
    out.push_back("-z");
    out.push_back(keyword);
  }
  for (const char *name : {"libm.so.6", "libpthread.so.0", "libc.so.6"})
    if (std::string path = systemLibrary(name); !path.empty())
      out.push_back(path);
  return out;
}

llvm::Error target::linkShared(llvm::ArrayRef<std::string> objects,
                               const EmitOptions &options) {
  std::optional<Linker> linker = findLinker();
  if (!linker)
    return llvm::createStringError(
        "no linker was found: ld.lld-22, ld.lld, ld or cc is needed on PATH "
        "for a shared library (-c and --emit=static need none)");
  std::string temporary =
      options.path + ".tmp" + std::to_string(llvm::sys::Process::getProcessId());
  std::vector<std::string> words =
      arguments(*linker, objects, temporary,
                llvm::sys::path::filename(options.path));
  if (options.verbose)
    llvm::errs() << llvm::join(words, " ") << "\n";
  std::vector<llvm::StringRef> refs(words.begin(), words.end());
  std::string message;
  int status = llvm::sys::ExecuteAndWait(linker->path, refs, std::nullopt, {},
                                         0, 0, &message);
  if (status != 0) {
    llvm::sys::fs::remove(temporary);
    return llvm::createStringError("the linker " + linker->path + " failed" +
                                   (message.empty() ? "" : ": " + message));
  }
  if (std::error_code code = llvm::sys::fs::rename(temporary, options.path))
    return llvm::createFileError(options.path, code);
  return llvm::Error::success();
}
