// Unsupported.cpp - what a checked program lacks before it can be compiled.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/Frontend.h"

#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {

class Reporter {
public:
  Reporter(const CheckedProgram &program, Diagnostics &diags)
      : program(program), diags(diags) {}

  void run() {
    for (const std::unique_ptr<File> &file : program.files)
      if (file->module != "std") // its parts are reported where they are used
        for (const ItemPtr &item : file->items)
          visit(*item);
  }

private:
  void visit(const Item &item) {
    switch (item.kind) {
    case Item::Kind::Dim:
      return dims(as<DimItem>(item));
    case Item::Kind::Model:
      return sizes(as<ModelItem>(item));
    default:
      return;
    }
  }

  void sizes(const ModelItem &item) {
    auto known = program.sizesOf.find(&item);
    for (const Generic &generic : item.generics) {
      const std::string &name = generic.name.text;
      if (generic.isTime ||
          (known != program.sizesOf.end() && known->second.count(name)))
        continue;
      diags
          .error("E403", generic.name.range,
                 fmt::format("`{}` has no value", name))
          .label("no value")
          .help(fmt::format(
              "write `{0} = 96`, or give it when compiling: `rnnc {1} -D "
              "{0}=96`, or in an export",
              name, diags.sourceManager().name(generic.name.range.file)));
    }
  }

  void dims(const DimItem &item) {
    for (const DimEntry &entry : item.entries) {
      const std::string &name = entry.name.text;
      auto known = program.dimsOf.find(entry.name.range.file);
      if (known != program.dimsOf.end() && known->second.count(name))
        continue;
      if (entry.value) // follows from a dim that is reported itself
        continue;
      const std::string &file =
          diags.sourceManager().name(entry.name.range.file);
      diags
          .error("E403", entry.name.range,
                 fmt::format("`{}` has no value", name))
          .label("no value")
          .help(fmt::format("write `dim {0} = 96`, or give it when compiling: "
                            "`rnnc {1} -D {0}=96`",
                            name, file));
    }
  }

  const CheckedProgram &program;
  Diagnostics &diags;
};

} // namespace

void rnnc::reportUnsupported(const CheckedProgram &program,
                             Diagnostics &diags) {
  Reporter(program, diags).run();
}
