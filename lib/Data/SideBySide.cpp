// SideBySide.cpp: files whose rows belong together: parallel texts, pictures
// and their captions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Data/Table.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

using namespace rnnc;
using namespace rnnc::data;

static bool exists(const std::string &path) {
  std::error_code code;
  return std::filesystem::exists(path, code);
}

bool data::isSideBySide(const std::string &path) {
  return path.find('=') != std::string::npos && !exists(path);
}

static std::vector<std::string> cut(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size())
      return parts;
    text.remove_prefix(end + 1);
  }
}

namespace {
/// Numbers for one field, an example a row; in bytes or as they are.
struct Pictures {
  Tensor array;
  int64_t each = 0, count = 0;
  bool bytes = false; ///< 0 to 255 stand for 0 to 1
};

/// One of the files.
struct Side {
  std::vector<std::string> paths;
  std::vector<size_t> fields;
  std::optional<Table> table;
  TableColumns columns;
  std::vector<std::string> lines; ///< of a text
  std::optional<Pictures> pictures;
  std::optional<size_t> chooser; ///< the side whose table says which picture

  int64_t size() const {
    if (table)
      return static_cast<int64_t>(table->rows.size()) - columns.header;
    return pictures ? pictures->count : static_cast<int64_t>(lines.size());
  }
};

/// Reads all of them, and puts their rows together.
class SideReader {
public:
  SideReader(DatasetBuilder &builder, const Schema &schema,
             const ReadOptions &options)
      : builder(builder), schema(schema), options(options) {}

  Status read(const std::string &spec);

private:
  Status open(const std::string &spec);
  Status load(Side &side);
  Status loadTable(Side &side, TableFormat format);
  Status loadLines(Side &side);
  Status loadPictures(Side &side);
  Status append(Side &side, const std::string &path);
  Status chooseRows();
  Result<int64_t> count() const;
  Status addRow(int64_t row);
  Status add(const Side &side, size_t field, int64_t row);
  Status addPicture(const Side &side, size_t field, int64_t row);

  DatasetBuilder &builder;
  const Schema &schema;
  const ReadOptions &options;
  std::vector<Side> sides;
};
} // namespace

/// `src=train.de,captions.tsv` as files and their fields.
Status SideReader::open(const std::string &spec) {
  std::vector<bool> taken(schema.fields.size());
  std::optional<size_t> rest;
  for (const std::string &piece : cut(spec, ',')) {
    size_t equals = piece.find('=');
    Side side;
    bool named = equals != std::string::npos && !exists(piece);
    std::string path = named ? piece.substr(equals + 1) : piece;
    side.paths = exists(path) ? std::vector{path} : cut(path, '+');
    if (!named && rest)
      return usageError("rnnc: error: --data {}: `{}` and `{}` name no input "
                        "or output; at most one file may",
                        spec, sides[*rest].paths.front(), path);
    if (!named)
      rest = sides.size();
    std::string name = named ? piece.substr(0, equals) : "";
    if (path.empty())
      return usageError("rnnc: error: --data {}: no file is named for `{}`",
                        spec, name);
    for (size_t f = 0; named && f < schema.fields.size(); ++f)
      if (schema.fields[f].name == name && !taken[f]) {
        side.fields.push_back(f);
        taken[f] = true;
      }
    // What comes out is not in the way where only inputs are read.
    if (named && side.fields.empty() && schema.isAbsent(name))
      continue;
    if (named && side.fields.empty())
      return usageError("rnnc: error: --data {}: model `{}` has no input or "
                        "output `{}`, or it was named before",
                        spec, schema.model, name);
    sides.push_back(std::move(side));
  }
  std::vector<size_t> missing;
  for (size_t f = 0; f < schema.fields.size(); ++f)
    if (!taken[f])
      missing.push_back(f);
  if (!missing.empty() && !rest)
    return usageError("rnnc: error: --data {}: where is `{}`? Write it as "
                      "{}=FILE, or name a table without a field",
                      spec, schema.fields[missing[0]].name,
                      schema.fields[missing[0]].name);
  if (!rest)
    return {};
  // A table may still say which pictures are read.
  bool table = sides[*rest].paths.front().ends_with(".csv") ||
               sides[*rest].paths.front().ends_with(".tsv");
  if (missing.empty() && !table)
    sides.erase(sides.begin() + static_cast<ptrdiff_t>(*rest));
  else
    sides[*rest].fields = std::move(missing);
  return {};
}

Status SideReader::loadTable(Side &side, TableFormat format) {
  const std::string &path = side.paths.front();
  if (side.paths.size() > 1)
    return usageError("{}: error: only arrays of numbers are put together "
                      "with +",
                      path);
  Result<std::string> text = readText(path, options.encoding);
  if (!text)
    return text.error();
  Result<Table> table = parseTable(*text, format, 0, path);
  if (!table)
    return table.error();
  if (table->rows.empty())
    return dataError("{}:1: error: the file is empty", path);
  side.table = std::move(*table);
  return {};
}

/// Every line is a cell, also an empty one: rows have to stay beside theirs.
Status SideReader::loadLines(Side &side) {
  for (const std::string &path : side.paths) {
    Result<std::string> text = readText(path, options.encoding);
    if (!text)
      return text.error();
    if (text->ends_with('\n'))
      text->pop_back();
    for (std::string &line : cut(*text, '\n'))
      side.lines.push_back(std::move(line));
  }
  return {};
}

/// An array that has an axis for the examples and one for each of the field's
/// has to have them in the field's order: numbers of channels in front would
/// be taken for rows.
static Status checkShape(const Tensor &array, const FieldSchema &field,
                         const std::string &path) {
  if (array.shape.size() != field.axes.size() + 1)
    return {};
  std::string wanted, found;
  bool fits = true;
  for (size_t a = 0; a < field.axes.size(); ++a) {
    fits = fits && field.axes[a].size == array.shape[a + 1];
    wanted += fmt::format(", {}", field.axes[a].size);
    found += fmt::format(", {}", array.shape[a + 1]);
  }
  if (fits)
    return {};
  return dataError("{}: error: the array is [{}{}], but `{}` needs [examples"
                   "{}]; bring its axes into that order",
                   path, array.shape[0], found, field.name, wanted);
}

/// Adds the examples of one file of numbers.
Status SideReader::append(Side &side, const std::string &path) {
  const FieldSchema &field = schema.fields[side.fields.front()];
  Pictures &pictures = *side.pictures;
  Tensor more;
  bool bytes = std::string_view(path).ends_with(".u8");
  if (bytes) {
    Result<std::string> raw = readFile(path);
    if (!raw)
      return raw.error();
    more = Tensor::copyOf(DType::U8, {static_cast<int64_t>(raw->size())},
                          raw->data());
  } else {
    Result<TensorFile> file = readTensorFile(path);
    if (!file)
      return file.error();
    if (file->tensors.size() != 1)
      return dataError("{}: error: there are {} arrays, expected one for `{}`",
                       path, file->tensors.size(), field.name);
    more = std::move(file->tensors.front().second);
    if (Status status = checkShape(more, field, path); !status)
      return status;
  }
  if (more.count() == 0 || more.count() % pictures.each != 0)
    return dataError("{}: error: {} numbers do not make whole examples of "
                     "`{}`, which has {} each",
                     path, more.count(), field.name, pictures.each);
  bool first = pictures.count == 0;
  if (!first && (pictures.bytes != bytes || pictures.array.type != more.type))
    return dataError("{}: error: its numbers are of another type than those "
                     "of {}",
                     path, side.paths.front());
  pictures.bytes = bytes;
  pictures.count += more.count() / pictures.each;
  if (first) {
    pictures.array = std::move(more);
    return {};
  }
  Tensor both(more.type, {pictures.array.count() + more.count()});
  std::memcpy(both.bytes.data(), pictures.array.bytes.data(),
              pictures.array.bytes.size());
  std::memcpy(both.bytes.data() + pictures.array.bytes.size(),
              more.bytes.data(), more.bytes.size());
  pictures.array = std::move(both);
  return {};
}

Status SideReader::loadPictures(Side &side) {
  const FieldSchema &field = schema.fields[side.fields.front()];
  if (field.inner() < 1 || field.time(schema.times) >= 0)
    return usageError("{}: error: such a file has examples of one size; the "
                      "size of `{}` is not known from the source",
                      side.paths.front(), field.name);
  side.pictures.emplace();
  side.pictures->each = field.inner();
  for (const std::string &path : side.paths)
    if (Status status = append(side, path); !status)
      return status;
  return {};
}

Status SideReader::load(Side &side) {
  std::string_view path = side.paths.front();
  for (const char *ending : {".npy", ".u8", ".npz", ".safetensors"})
    if (path.ends_with(ending)) {
      if (side.fields.size() != 1)
        return usageError("{}: error: say which input or output this is, as in "
                          "{}={}",
                          path, schema.fields[0].name, path);
      return loadPictures(side);
    }
  if (path.ends_with(".csv"))
    return loadTable(side, TableFormat::CSV);
  if (path.ends_with(".tsv"))
    return loadTable(side, TableFormat::TSV);
  if (side.fields.size() != 1)
    return usageError("{}: error: a text has lines for one input or output; "
                      "say which, as in {}={}",
                      path, schema.fields[0].name, path);
  return loadLines(side);
}

/// Finds the columns of tables. A table may say which row of an array belongs
/// to each of its own: by a column called like the field, or by --columns.
Status SideReader::chooseRows() {
  for (size_t s = 0; s < sides.size(); ++s) {
    Side &side = sides[s];
    if (!side.table)
      continue;
    const TableRow &first = side.table->rows.front();
    std::vector<size_t> wanted = side.fields;
    for (Side &other : sides) {
      if (!other.pictures)
        continue;
      size_t field = other.fields.front();
      const std::string &name = schema.fields[field].name;
      bool has = std::any_of(
          first.cells.begin(), first.cells.end(),
          [&](const std::string &cell) { return trim(cell) == name; });
      if (!has && !options.columns.contains(name))
        continue;
      wanted.push_back(field);
      other.chooser = s;
    }
    Result<TableColumns> columns =
        findTableColumns(first, schema, options, wanted, side.paths.front());
    if (!columns)
      return columns.error();
    side.columns = std::move(*columns);
  }
  return {};
}

/// All sides have as many rows, but for arrays that a table chooses from.
Result<int64_t> SideReader::count() const {
  const Side *first = nullptr;
  for (const Side &side : sides) {
    if (side.chooser)
      continue;
    if (!first)
      first = &side;
    if (side.size() != first->size())
      return dataError("{}: error: there are {} rows, but {} in {}",
                       side.paths.front(), side.size(), first->size(),
                       first->paths.front());
  }
  return first ? first->size() : 0;
}

Status SideReader::addPicture(const Side &side, size_t field, int64_t row) {
  const Pictures &pictures = *side.pictures;
  int64_t chosen = row;
  if (side.chooser) {
    const Side &table = sides[*side.chooser];
    const TableRow &line =
        table.table->rows[static_cast<size_t>(row + table.columns.header)];
    Result<int64_t> number =
        builder.wholeNumber(field, line.cells[table.columns.of[field]]);
    if (!number)
      return number.error();
    chosen = *number;
    if (chosen < 0 || chosen >= pictures.count)
      return dataError("{}:{}: error: `{}` is number {}, but {} has {}",
                       table.paths.front(), line.line,
                       schema.fields[field].name, chosen, side.paths.front(),
                       pictures.count);
  }
  std::vector<double> values;
  double unit = pictures.bytes ? 255 : 1;
  for (int64_t i = 0; i < pictures.each; ++i)
    values.push_back(pictures.array.number(chosen * pictures.each + i) / unit);
  if (Status status = builder.checkFinite(field, values); !status)
    return status;
  return builder.addNumbers(field, values, 1);
}

Status SideReader::add(const Side &side, size_t field, int64_t row) {
  if (side.pictures)
    return addPicture(side, field, row);
  if (!side.table)
    return builder.addCell(field, side.lines[static_cast<size_t>(row)]);
  const TableRow &line =
      side.table->rows[static_cast<size_t>(row + side.columns.header)];
  return builder.addCell(field, line.cells[side.columns.of[field]]);
}

Status SideReader::addRow(int64_t row) {
  int64_t line = row + 1;
  if (sides.front().table)
    line = sides.front()
               .table
               ->rows[static_cast<size_t>(row + sides.front().columns.header)]
               .line;
  builder.begin(line);
  // In the order of the schema: lengths are checked against what came before.
  for (size_t f = 0; f < schema.fields.size(); ++f)
    for (const Side &side : sides)
      if (std::find(side.fields.begin(), side.fields.end(), f) !=
          side.fields.end())
        if (Status status = add(side, f, row); !status)
          return status;
  return builder.finish();
}

Status SideReader::read(const std::string &spec) {
  if (Status status = open(spec); !status)
    return status;
  if (sides.empty())
    return usageError("rnnc: error: --data {}: nothing of it is an input of "
                      "`{}`",
                      spec, schema.model);
  for (Side &side : sides)
    if (Status status = load(side); !status)
      return status;
  // Lines are counted in a text or table, if there is one.
  std::vector<Side> texts, arrays;
  for (Side &side : sides)
    (side.pictures ? arrays : texts).push_back(std::move(side));
  sides = std::move(texts);
  std::move(arrays.begin(), arrays.end(), std::back_inserter(sides));
  if (Status status = chooseRows(); !status)
    return status;
  builder.beginFile(sides.front().paths.front());
  Result<int64_t> rows = count();
  if (!rows)
    return rows.error();
  for (int64_t row = 0; row < *rows; ++row)
    if (Status status = addRow(row); !status)
      return status;
  return {};
}

Status data::readSideBySide(DatasetBuilder &builder, const Schema &schema,
                            const ReadOptions &options,
                            const std::string &path) {
  return SideReader(builder, schema, options).read(path);
}
