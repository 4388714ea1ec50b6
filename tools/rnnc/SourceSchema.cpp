// SourceSchema.cpp: inputs, outputs and their axes from the syntax tree.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SourceSchema.h"

#include "rnnc/Frontend/Check.h"
#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Support/SourceManager.h"

#include <algorithm>
#include <unistd.h>

using namespace rnnc;
using namespace rnnc::tool;
using data::FieldSchema;
using data::Schema;
using data::SchemaAxis;

namespace {

/// Reads one model of a checked program.
class SchemaReader {
public:
  SchemaReader(const CheckedProgram &program, const ast::ModelItem &model)
      : program(program), model(model) {}

  Schema read();

private:
  void readAxis(const ast::Name &name, const std::vector<ast::Name> &labels);
  void readSizes();
  void readDims(const std::vector<ast::DimEntry> &entries);
  int64_t valueOf(const ast::Size &size) const;
  std::string textOf(const ast::Size &size) const;
  bool isTime(const ast::Size &size) const;
  FieldSchema fieldOf(const ast::Field &field, bool output) const;
  void readObserve(const ast::ObserveStmt &observe);
  void readTrain(const ast::TrainItem &train);

  const CheckedProgram &program;
  const ast::ModelItem &model;
  std::map<std::string, int64_t> sizes;
  std::map<std::string, std::vector<std::string>> labels;
  Schema schema;
};

} // namespace

void SchemaReader::readAxis(const ast::Name &name,
                            const std::vector<ast::Name> &list) {
  std::vector<std::string> names;
  for (const ast::Name &label : list)
    names.push_back(label.text);
  sizes[name.text] = static_cast<int64_t>(names.size());
  labels[name.text] = std::move(names);
}

void SchemaReader::readDims(const std::vector<ast::DimEntry> &entries) {
  for (const ast::DimEntry &entry : entries) {
    int64_t value = entry.value ? valueOf(*entry.value) : -1;
    if (value >= 0 && !sizes.contains(entry.name.text))
      sizes[entry.name.text] = value;
  }
}

/// What stands in the model's brackets; it hides dims of the same names.
void SchemaReader::readSizes() {
  auto known = program.sizesOf.find(&model);
  for (const ast::Generic &generic : model.generics) {
    const std::string &name = generic.name.text;
    sizes.erase(name);
    if (generic.isTime)
      schema.times.push_back(name);
    else if (known != program.sizesOf.end() && known->second.count(name))
      sizes[name] = static_cast<int64_t>(known->second.at(name));
  }
}

/// The value of a size, -1 if a part of it is not known yet.
int64_t SchemaReader::valueOf(const ast::Size &size) const {
  if (size.kind == ast::Size::Kind::Number)
    return size.number;
  if (size.kind == ast::Size::Kind::Name) {
    auto found = sizes.find(size.name);
    return found == sizes.end() ? -1 : found->second;
  }
  int64_t left = valueOf(*size.lhs), right = valueOf(*size.rhs);
  if (left < 0 || right < 0)
    return -1;
  switch (size.kind) {
  case ast::Size::Kind::Add:
    return left + right;
  case ast::Size::Kind::Sub:
    return left - right;
  default:
    return left * right;
  }
}

std::string SchemaReader::textOf(const ast::Size &size) const {
  return size.kind == ast::Size::Kind::Name ? size.name : "";
}

bool SchemaReader::isTime(const ast::Size &size) const {
  return size.kind == ast::Size::Kind::Name &&
         std::find(schema.times.begin(), schema.times.end(), size.name) !=
             schema.times.end();
}

FieldSchema SchemaReader::fieldOf(const ast::Field &field, bool output) const {
  FieldSchema result;
  result.name = field.name.text;
  result.output = output;
  switch (field.type.kind) {
  case ast::Type::Kind::Index:
    result.kind = FieldSchema::Kind::Index;
    result.axis = textOf(*field.type.index);
    result.size = valueOf(*field.type.index);
    if (auto found = labels.find(result.axis); found != labels.end())
      result.labels = found->second;
    break;
  case ast::Type::Kind::Int:
    result.kind = FieldSchema::Kind::Int;
    break;
  case ast::Type::Kind::Bit:
    result.kind = FieldSchema::Kind::Bit;
    break;
  default:
    result.kind = FieldSchema::Kind::Real;
  }
  for (const ast::SizePtr &axis : field.type.axes)
    result.axes.push_back({textOf(*axis), isTime(*axis), valueOf(*axis)});
  return result;
}

static std::optional<int64_t> indexOf(const ast::ExprPtr &expr) {
  if (!expr)
    return std::nullopt;
  const auto *number = ast::dynAs<ast::Number>(*expr);
  if (!number)
    return std::nullopt;
  return static_cast<int64_t>(number->value);
}

void SchemaReader::readObserve(const ast::ObserveStmt &observe) {
  const auto *recur = ast::dynAs<ast::Recur>(*observe.value);
  if (!recur || recur->op != ast::RecurOp::Unfold)
    return;
  for (FieldSchema &field : schema.fields) {
    if (field.name != observe.output.text)
      continue;
    field.unfold = true;
    field.start = indexOf(recur->start);
    field.stop = indexOf(recur->stop);
  }
}

void SchemaReader::readTrain(const ast::TrainItem &train) {
  for (const ast::Setting &setting : train.settings) {
    if (setting.values.empty())
      continue;
    std::optional<int64_t> number = indexOf(setting.values[0]);
    if (setting.name.text == "batch" && number)
      schema.batch = *number;
    if (setting.name.text == "bptt" && setting.values.size() > 1 && number)
      schema.chunk = *number;
  }
}

Schema SchemaReader::read() {
  schema.model = model.name.text;
  sizes = program.dims;
  readSizes();
  for (const auto &file : program.files)
    for (const ast::ItemPtr &item : file->items)
      if (const auto *axis = ast::dynAs<ast::AxisItem>(*item))
        readAxis(axis->name, axis->labels);
  for (const ast::StmtPtr &stmt : model.body) {
    if (const auto *time = ast::dynAs<ast::TimeStmt>(*stmt))
      for (const ast::Name &name : time->names)
        schema.times.push_back(name.text);
    else if (const auto *axis = ast::dynAs<ast::AxisStmt>(*stmt))
      readAxis(axis->name, axis->labels);
    else if (const auto *dim = ast::dynAs<ast::DimStmt>(*stmt))
      readDims(dim->entries);
  }
  // Inputs first, as in the manifest.
  for (const ast::StmtPtr &stmt : model.body)
    if (const auto *input = ast::dynAs<ast::InputStmt>(*stmt))
      for (const ast::Field &field : input->fields)
        schema.fields.push_back(fieldOf(field, false));
  for (const ast::StmtPtr &stmt : model.body)
    if (const auto *output = ast::dynAs<ast::OutputStmt>(*stmt))
      for (const ast::Field &field : output->fields)
        schema.fields.push_back(fieldOf(field, true));
  for (const ast::StmtPtr &stmt : model.body)
    if (const auto *observe = ast::dynAs<ast::ObserveStmt>(*stmt))
      readObserve(*observe);
  for (const ast::ItemPtr &item : program.main().items)
    if (const auto *train = ast::dynAs<ast::TrainItem>(*item);
        train && train->model.text == schema.model)
      readTrain(*train);
  return schema;
}

/// The model to train.
static const ast::ModelItem *findModel(const ast::File &file,
                                       const std::string &name) {
  const ast::ModelItem *last = nullptr, *trained = nullptr;
  for (const ast::ItemPtr &item : file.items) {
    const auto *model = ast::dynAs<ast::ModelItem>(*item);
    if (!model || (!name.empty() && model->name.text != name))
      continue;
    last = model;
    for (const ast::ItemPtr &other : file.items)
      if (const auto *train = ast::dynAs<ast::TrainItem>(*other);
          train && train->model.text == model->name.text)
        trained = model;
  }
  return trained ? trained : last;
}

Result<SourceModel> tool::readSourceModel(const ModelOptions &options,
                                          const std::string &name) {
  FrontendOptions frontend;
  frontend.importDirs = options.importDirs;
  auto dims = parseDims(options.dims);
  if (!dims)
    return dims.error();
  frontend.dims = std::move(*dims);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  std::optional<CheckedProgram> program =
      check(sources, options.model, frontend, diagnostics);
  // Warnings are shown when the source is compiled.
  if (!program) {
    fmt::print(stderr, "{}", diagnostics.render(wantsColor(stderr)));
    return Error{"", ExitSourceError};
  }
  const ast::ModelItem *model = findModel(program->main(), name);
  if (!model)
    return usageError("{}: error: there is no model{}", options.model,
                      name.empty() ? "" : " `" + name + "`");
  SourceModel result;
  result.schema = SchemaReader(*program, *model).read();
  result.text = sources.text(program->main().id);
  for (const auto &file : program->files)
    if (file.get() != &program->main() && file->module != "std")
      result.imports.emplace_back(file->module + ".rnn",
                                  std::string(sources.text(file->id)));
  return result;
}
