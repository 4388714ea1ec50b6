// Run.cpp: a directory of `rnnc train` whose files were edited, cut or exchanged.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is the files one after the other, each behind a line `@@ NAME`.
#include "Fuzz.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Data/Tensor.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Training/ModelDirectory.h"

#include <filesystem>

using namespace rnnc;
using namespace rnnc::training;

/// Writes the files; a name that leaves the directory is left out.
static void unpack(std::string_view text, const std::string &folder) {
  while (!text.empty()) {
    size_t begin = text.find("@@ ");
    if (begin == std::string_view::npos)
      return;
    text.remove_prefix(begin + 3);
    size_t line = std::min(text.find('\n'), text.size());
    std::string name(text.substr(0, line));
    text.remove_prefix(std::min(line + 1, text.size()));
    std::string_view content = text.substr(0, text.find("@@ "));
    text.remove_prefix(content.size());
    if (name.empty() || name.size() > 60 ||
        name.find_first_of(std::string_view("/\0", 2)) != std::string::npos ||
        name == "." || name == "..")
      continue;
    if (std::FILE *file = std::fopen((folder + "/" + name).c_str(), "wb")) {
      std::fwrite(content.data(), 1, content.size(), file);
      std::fclose(file);
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string folder = fuzz::temporaryPath("run");
  std::filesystem::create_directories(folder);
  unpack({reinterpret_cast<const char *>(data), size}, folder);
  ModelDirectory directory(folder);
  Status loaded = directory.load();
  if (!loaded) {
    fuzz::require(loaded.error().exitCode == ExitBadData,
                  "a damaged directory is bad data");
    fuzz::require(loaded.error().message.find(folder) != std::string::npos,
                  "the message does not name the file");
    fuzz::requirePrintable(shown(loaded.error().message, /*lines=*/true));
  } else {
    directory.metadata();
    if (Result<std::string> file = directory.weightFile())
      (void)data::readTensorFile(*file);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
