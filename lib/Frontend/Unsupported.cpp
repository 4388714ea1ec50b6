// Unsupported.cpp - what is part of the language and cannot be compiled yet.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Frontend/Walk.h"

#include <fmt/format.h>
#include <set>

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
    for (const ExportRequest &request : program.exports)
      exported(request);
  }

private:
  void notYet(const char *code, SourceRange range, const std::string &what) {
    diags.error(code, range, fmt::format("{} is not supported yet", what))
        .label("cannot be compiled yet");
  }

  void exported(const ExportRequest &request) {
    const ModuleItem *module = moduleAt(request.decl);
    if (!module)
      return;
    // What is exported has its inputs from outside.
    times.clear();
    for (const Generic &generic : module->generics)
      if (generic.isTime)
        times.insert(generic.name.text);
    for (const Field &field : module->inputs) // a cell's run over one more
      nestedTime(field, request.isCell);
    for (const Field &field : module->constants)
      nestedTime(field);
  }

  /// The layer or cell that is declared here; null if it is something else.
  const ModuleItem *moduleAt(SourceRange decl) const {
    for (const std::unique_ptr<File> &file : program.files)
      for (const ItemPtr &item : file->items)
        if (const auto *module = dynAs<ModuleItem>(*item))
          if (module->name.range == decl)
            return module;
    return nullptr;
  }

  void visit(const Item &item) {
    switch (item.kind) {
    case Item::Kind::Dim:
      return dims(as<DimItem>(item));
    case Item::Kind::Dist:
      return block(as<DistItem>(item).body);
    case Item::Kind::Fn:
      return block(as<FnItem>(item).body);
    case Item::Kind::Module:
      return block(as<ModuleItem>(item).body);
    case Item::Kind::Model:
      sizes(as<ModelItem>(item));
      return block(as<ModelItem>(item).body);
    case Item::Kind::Train:
      return train(as<TrainItem>(item));
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

  void block(const Block &body) {
    times.clear();
    for (const StmtPtr &stmt : body) {
      if (const auto *time = dynAs<TimeStmt>(*stmt))
        for (const Name &name : time->names)
          times.insert(name.text);
      if (const auto *input = dynAs<InputStmt>(*stmt))
        for (const Field &field : input->fields)
          nestedTime(field);
      if (const auto *output = dynAs<OutputStmt>(*stmt))
        for (const Field &field : output->fields)
          nestedTime(field);
    }
  }

  void nestedTime(const Field &field, bool inTime = false) {
    size_t count = inTime;
    for (const SizePtr &axis : field.type.axes)
      count += axis->kind == Size::Kind::Name && times.count(axis->name);
    if (count > 1)
      notYet("E907", field.type.range, "a time axis inside of another");
  }

  void train(const TrainItem &item) {
    auto it = program.train.find(item.model.text);
    if (it == program.train.end())
      return;
    const TrainSettings &settings = it->second;
    for (const Setting &setting : item.settings) {
      if (setting.name.text == "checkpoint" && settings.checkpoint != "none")
        notYet("E904", setting.range,
               fmt::format("`{}`", diags.sourceManager().text(setting.range)));
    }
  }

  const CheckedProgram &program;
  Diagnostics &diags;
  std::set<std::string> times;
};

} // namespace

void rnnc::reportUnsupported(const CheckedProgram &program,
                             Diagnostics &diags) {
  Reporter(program, diags).run();
}
