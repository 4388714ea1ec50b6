// Loader.cpp - imports.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Loader.h"

#include "Parser.h"
#include "rnnc/Std/Std.h"

#include <filesystem>
#include <fmt/format.h>
#include <set>

using namespace rnnc;

namespace {

class Loader {
public:
  Loader(SourceManager &sources, const FrontendOptions &options,
         Diagnostics &diags)
      : sources(sources), options(options), diags(diags) {}

  std::vector<std::unique_ptr<ast::File>> run(uint32_t main) {
    std::string stem =
        std::filesystem::path(sources.name(main)).stem().string();
    open.push_back({stem, main});
    load(stem, main);
    return std::move(files);
  }

private:
  void load(const std::string &module, uint32_t id) {
    std::unique_ptr<ast::File> file = Parser(sources, id, diags).run();
    file->module = module;
    for (const ast::ItemPtr &item : file->items)
      if (const auto *import = ast::dynAs<ast::ImportItem>(*item))
        follow(*import, id);
    files.push_back(std::move(file));
  }

  void follow(const ast::ImportItem &import, uint32_t importer) {
    const std::string &module = import.name.text;
    for (const auto &[name, id] : open)
      if (name == module)
        return cyclic(import);
    if (!done.insert(module).second)
      return;
    uint32_t id = 0;
    if (!find(import, importer, id))
      return;
    if (open.size() >= maxDepth) {
      diags
          .error("E008", import.name.range,
                 fmt::format("imports are nested more than {} deep", maxDepth))
          .label("imported here");
      return;
    }
    open.push_back({module, id});
    load(module, id);
    open.pop_back();
  }

  bool find(const ast::ImportItem &import, uint32_t importer, uint32_t &id) {
    const std::string &module = import.name.text;
    if (module == "std") {
      id = sources.addText("std.rnn", std::string(stdSource()));
      return true;
    }
    std::filesystem::path here =
        std::filesystem::path(sources.name(importer)).parent_path();
    std::vector<std::filesystem::path> places = {here / (module + ".rnn")};
    for (const std::string &dir : options.importDirs)
      places.push_back(std::filesystem::path(dir) / (module + ".rnn"));
    std::string error;
    for (const std::filesystem::path &place : places) {
      std::error_code code;
      if (!std::filesystem::exists(place, code))
        continue;
      if (sources.addFile(place.string(), id, error))
        return true;
      diags
          .error("E023", import.name.range,
                 fmt::format("`{}` cannot be read: {}", place.string(), error))
          .label("imported here");
      return false;
    }
    diags
        .error("E010", import.name.range,
               fmt::format("there is no file `{}.rnn`", module))
        .label("not found")
        .note("it is looked for beside this file and in the folders given "
              "with `-I`; `std` is always there");
    return false;
  }

  void cyclic(const ast::ImportItem &import) {
    std::string chain;
    bool in = false;
    for (const auto &[name, id] : open) {
      in |= name == import.name.text;
      if (in)
        chain += fmt::format("`{}` imports ", name);
    }
    diags
        .error("E011", import.name.range,
               fmt::format("`{}` imports itself", import.name.text))
        .label("the circle closes here")
        .note(fmt::format("{}`{}`", chain, import.name.text))
        .help("move what both need to a file of its own");
  }

  static constexpr size_t maxDepth = 64;

  SourceManager &sources;
  const FrontendOptions &options;
  Diagnostics &diags;
  std::vector<std::unique_ptr<ast::File>> files;
  std::vector<std::pair<std::string, uint32_t>> open;
  std::set<std::string> done;
};

} // namespace

std::vector<std::unique_ptr<ast::File>>
rnnc::loadFiles(SourceManager &sources, uint32_t main,
                const FrontendOptions &options, Diagnostics &diags) {
  return Loader(sources, options, diags).run(main);
}
