// Run.cpp: a directory of `rnnc train` whose files were edited, cut or
// exchanged. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is the files one after the other, each behind a line `@@ NAME`.
#include "Fuzz.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Data/Tensor.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Training/Log.h"
#include "rnnc/Training/ModelDirectory.h"
#include "rnnc/Training/Transfer.h"

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

/// Puts in what `train` would have written about the contents, so that more
/// than the comparison with it is tried.
static void sign(const ModelDirectory &directory) {
  std::string path = directory.file("options.json");
  Result<std::string> text = data::readFile(path);
  Json options = Json::parse(text ? *text : "", nullptr, false);
  if (!options.is_object())
    return;
  Json contents = Json::object();
  for (const auto &entry :
       std::filesystem::directory_iterator(directory.path()))
    if (std::string name = entry.path().filename();
        name == "model.rnn" || name.starts_with("vocabulary.") ||
        name.starts_with("pieces."))
      if (Result<std::string> bytes = data::readFile(entry.path()))
        contents[shown(name)] = contentOf(*bytes);
  options["contents"] = contents;
  options.erase("check");
  constexpr auto replace = Json::error_handler_t::replace;
  options = Json::parse(options.dump(-1, ' ', false, replace));
  options["check"] = contentOf(options.dump());
  (void)data::writeFileAtomically(path, options.dump());
}

static void load(const std::string &folder) {
  ModelDirectory directory(folder);
  Status loaded = directory.load();
  if (!loaded) {
    fuzz::require(loaded.error().exitCode == ExitBadData,
                  "a damaged directory is bad data");
    fuzz::require(loaded.error().message.find(folder) != std::string::npos,
                  "the message does not name the file");
    fuzz::requirePrintable(shown(loaded.error().message, /*lines=*/true));
    return;
  }
  directory.metadata();
  fuzz::require(bool(directory.save()), "what was loaded cannot be saved");
  if (Result<std::string> file = directory.weightFile())
    if (Result<data::TensorFile> weights = data::readTensorFile(*file)) {
      (void)vocabulariesOf(*weights, *file);
      (void)checkVocabularies(*weights, *file, directory.vocabularies);
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string folder = fuzz::temporaryPath("run");
  std::filesystem::create_directories(folder);
  unpack({reinterpret_cast<const char *>(data), size}, folder);
  load(folder);
  sign(ModelDirectory(folder));
  load(folder);
  TrainingLog log;
  (void)log.open(folder + "/log.jsonl", /*step=*/3);
  std::filesystem::remove_all(folder);
  return 0;
}
