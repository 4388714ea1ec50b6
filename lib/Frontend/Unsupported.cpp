// Unsupported.cpp - what is part of the language and cannot be compiled yet.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Frontend/Walk.h"

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
  void notYet(const char *code, SourceRange range, const std::string &what) {
    diags.error(code, range, fmt::format("{} is not supported yet", what))
        .label("cannot be compiled yet");
  }

  void visit(const Item &item) {
    switch (item.kind) {
    case Item::Kind::Dim:
      return dims(as<DimItem>(item));
    case Item::Kind::Dist:
      return dist(as<DistItem>(item));
    case Item::Kind::Model:
      if (!as<ModelItem>(item).generics.empty())
        notYet("E906", as<ModelItem>(item).generics[0].range,
               "a model with sizes in brackets");
      return;
    default:
      return;
    }
  }

  void dist(const DistItem &item) {
    for (const StmtPtr &stmt : item.body) {
      const auto *define = dynAs<DefineStmt>(*stmt);
      if (define && define->name.text == "sample")
        notYet("E901", define->name.range,
               "drawing from a distribution of one's own");
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
