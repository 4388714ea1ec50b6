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

/// What makes files of the machine it runs on only, and where that machine's
/// libraries may lie besides.
static constexpr const char *kOwnLinkers[] = {"ld"};
static constexpr const char *kOwnCompilers[] = {"cc", "clang-22", "clang",
                                                "gcc"};
static constexpr const char *kOwnFolders[] = {"/lib64", "/usr/lib64", "/lib",
                                              "/usr/lib"};

static bool isOwn(const Architecture &architecture) {
  return &architecture == &hostArchitecture();
}

static std::optional<Linker> findLinker(const Architecture &architecture) {
  auto find = [](llvm::ArrayRef<const char *> names,
                 bool driver) -> std::optional<Linker> {
    for (const char *name : names)
      if (auto path = llvm::sys::findProgramByName(name))
        return Linker{*path, driver};
    return std::nullopt;
  };
  bool own = isOwn(architecture);
  std::optional<Linker> found = find(architecture.linkers, false);
  if (!found && own)
    found = find(kOwnLinkers, false);
  if (!found)
    found = find(architecture.compilers, true);
  if (!found && own)
    found = find(kOwnCompilers, true);
  return found;
}

/// The C library's own file, so that no development package is needed.
static std::string systemLibrary(const Architecture &architecture,
                                 llvm::StringRef name) {
  llvm::SmallVector<const char *> folders(architecture.libraryFolders);
  if (isOwn(architecture))
    llvm::append_range(folders, kOwnFolders);
  for (const char *folder : folders) {
    llvm::SmallString<64> path(folder);
    llvm::sys::path::append(path, name);
    if (llvm::sys::fs::exists(path))
      return path.str().str();
  }
  return "";
}

/// What the library needs of the system: of a driver it is asked by name.
static llvm::Error addSystemLibraries(std::vector<std::string> &out,
                                      const Linker &linker,
                                      const Architecture &architecture) {
  if (linker.driver) {
    out.push_back("-lm");
    out.push_back("-lpthread");
    return llvm::Error::success();
  }
  for (const char *name : {"libm.so.6", "libpthread.so.0", "libc.so.6"})
    if (std::string path = systemLibrary(architecture, name); !path.empty())
      out.push_back(path);
    else if (llvm::StringRef(name).starts_with("libc."))
      return llvm::createStringError(
          "no C library for " + llvm::Twine(architecture.name) +
          " was found, and a shared library names it (Debian: " +
          (isOwn(architecture) ? "libc6" : architecture.libraryPackage) +
          "); -c and --emit=static need none");
  return llvm::Error::success();
}

static llvm::Expected<std::vector<std::string>>
arguments(const Linker &linker, llvm::ArrayRef<std::string> objects,
          llvm::StringRef output, const EmitOptions &options) {
  const Architecture &architecture = *options.architecture;
  std::string soname = llvm::sys::path::filename(options.path).str();
  std::vector<std::string> flags = {"--build-id=none", "--gc-sections",
                                    "-soname=" + soname, "--as-needed",
                                    "--hash-style=gnu"};
  llvm::append_range(flags, architecture.linkerFlags);
  std::vector<std::string> keywords = {"noexecstack", "relro", "now", "defs"};
  std::vector<std::string> out = {linker.path, "-shared", "-o", output.str()};
  if (!linker.driver) {
    out.push_back("-m");
    out.push_back(architecture.emulation);
  }
  llvm::append_range(out, objects);
  if (linker.driver)
    out.push_back("-nostartfiles");
  for (const std::string &flag : flags)
    out.push_back((linker.driver ? "-Wl," : "") + flag);
  for (const std::string &keyword : keywords) {
    if (linker.driver) {
      out.push_back("-Wl,-z," + keyword);
      continue;
    }
    out.push_back("-z");
    out.push_back(keyword);
  }
  if (llvm::Error error = addSystemLibraries(out, linker, architecture))
    return std::move(error);
  return out;
}

static llvm::Error noLinker(const Architecture &architecture) {
  llvm::SmallVector<llvm::StringRef> names(architecture.linkers);
  if (isOwn(architecture))
    llvm::append_range(names, kOwnLinkers);
  names.push_back(isOwn(architecture) ? kOwnCompilers[0]
                                      : architecture.compilers[0]);
  llvm::StringRef last = names.pop_back_val();
  return llvm::createStringError(
      "no linker was found: " + llvm::join(names, ", ") + " or " + last +
      " is needed on PATH for a shared library (-c and --emit=static need "
      "none)");
}

llvm::Error target::linkShared(llvm::ArrayRef<std::string> objects,
                               const EmitOptions &options) {
  std::optional<Linker> linker = findLinker(*options.architecture);
  if (!linker)
    return noLinker(*options.architecture);
  std::string temporary = options.path + ".tmp" +
                          std::to_string(llvm::sys::Process::getProcessId());
  auto words = arguments(*linker, objects, temporary, options);
  if (!words)
    return words.takeError();
  if (options.verbose)
    llvm::errs() << llvm::join(*words, " ") << "\n";
  std::vector<llvm::StringRef> refs(words->begin(), words->end());
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
