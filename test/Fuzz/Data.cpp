// Data.cpp: any bytes as a data file of any format, for models of several
// kinds. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Four bytes choose format, model and options; the rest is the file, or two of
// them with a line `@@` between. What is read goes all the way to batches, as
// in a training.
#include "Fuzz.h"

#include "rnnc/Data/Batches.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Support/Text.h"

#include <iterator>
#include <limits>

using namespace rnnc;
using namespace rnnc::data;
using Kind = FieldSchema::Kind;

static FieldSchema field(Kind kind, std::string name, std::string axis,
                         std::vector<SchemaAxis> axes, bool output) {
  FieldSchema result;
  result.kind = kind;
  result.name = std::move(name);
  result.axis = std::move(axis);
  result.axes = std::move(axes);
  result.output = output;
  return result;
}

static Schema languageModel(bool running) {
  Schema schema;
  schema.times = {"T"};
  schema.fields = {field(Kind::Index, "text", "V", {{"T", true, -1}}, true)};
  schema.fields[0].unfold = true;
  schema.fields[0].start = 0;
  if (running)
    schema.chunk = 20;
  else
    schema.fields[0].stop = 1;
  return schema;
}

static Schema schemaOf(int kind) {
  const SchemaAxis time = {"T", true, -1}, future = {"F", true, -1};
  Schema schema;
  schema.times = {"T"};
  switch (kind % 8) {
  case 0: // a classifier
    schema.fields = {field(Kind::Index, "words", "V", {time}, false),
                     field(Kind::Index, "mood", "C", {}, true)};
    break;
  case 1: // running text
  case 2: // lines of text
    return languageModel(kind % 8 == 1);
  case 3: // numbers in, a number out
    schema.fields = {field(Kind::Real, "x", "", {time, {"I", false, 2}}, false),
                     field(Kind::Real, "y", "", {}, true)};
    break;
  case 4: // a tag for each of many symbols
    schema.fields = {field(Kind::Index, "words", "V", {time}, false),
                     field(Kind::Bit, "tags", "", {time}, true)};
    break;
  case 5: // a forecast of numbers; how many, the data says
    schema.times = {"T", "F"};
    schema.fields = {
        field(Kind::Real, "x", "", {time, {"I", false, -1}}, false),
        field(Kind::Real, "y", "", {future}, true)};
    break;
  case 6: // each row of a series has a label, and is carried on
    schema.fields = {field(Kind::Real, "x", "", {time}, false),
                     field(Kind::Int, "n", "", {time, {"J", false, 2}}, false),
                     field(Kind::Index, "label", "C", {time}, true)};
    schema.chunk = 3;
    break;
  default: // from one sequence to another
    schema.times = {"T", "F"};
    schema.fields = {field(Kind::Index, "words", "V", {time}, false),
                     field(Kind::Index, "text", "W", {future}, true)};
    schema.fields[1].unfold = true;
    schema.fields[1].start = 0;
    schema.fields[1].stop = 1;
  }
  return schema;
}

/// Bits in each step.
static Schema piano() {
  Schema schema;
  schema.times = {"T"};
  schema.fields = {
      field(Kind::Bit, "keys", "", {{"T", true, -1}, {"P", false, 88}}, true)};
  return schema;
}

/// A small picture, and a label.
static Schema picture() {
  Schema schema;
  schema.fields = {field(Kind::Real, "img", "",
                         {{"Y", false, 2}, {"X", false, 2}, {"C", false, 3}},
                         false),
                   field(Kind::Index, "mood", "C", {}, true)};
  return schema;
}

/// What a byte says about how texts are read.
static void chooseText(ReadOptions &read, int bits) {
  if (bits & 1)
    read.tokens = bits & 2 ? "chars" : bits & 4 ? "bpe(30)" : "words";
  constexpr const char *encodings[] = {"", "latin-1", "utf-16", "gbk"};
  read.encoding = bits & 2 ? "" : encodings[bits >> 2 & 3];
  read.lower = bits & 16;
  if (bits & 32)
    read.maxLength = 3;
  if (bits & 64)
    read.minCount = 2;
  if (bits & 128)
    read.maxVocabulary = 4;
}

/// What a byte says about columns and rows.
static void chooseRows(ReadOptions &read, const Schema &schema, int bits) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  constexpr const char *columns[] = {"1", "0", "0-1", "x+n"};
  if (bits & 1)
    read.columns[schema.fields[0].name] = columns[bits >> 1 & 3];
  constexpr const char *rows[] = {"auto", "time", "examples", "time"};
  read.series.rows = rows[bits >> 3 & 3];
  read.series.standardise = bits & 32;
  constexpr int64_t windows[] = {0, 1, 3, most}, horizons[] = {-1, 2, 0, most};
  read.series.window = windows[bits >> 6 & 3];
  read.series.horizon = horizons[bits & 3];
  read.series.stride = bits & 4 ? 2 : 0;
}

/// Whatever a step of reading says: nothing, or a message about the data.
static bool refused(const Error &error) {
  fuzz::require(error.exitCode == ExitBadData || error.exitCode == ExitUsage,
                "a wrong exit code");
  fuzz::require(!error.message.empty(), "refused without a message");
  fuzz::requirePrintable(shown(error.message, /*lines=*/true));
  return true;
}

/// The first batches and the last one.
static void makeBatches(const Dataset &part, const Schema &schema) {
  BatchPlan::Options options;
  options.batch = 2;
  options.chunk = schema.chunk.value_or(0);
  BatchPlan plan(part, schema, options);
  int64_t count = plan.count();
  for (int64_t i = 0; i < count;
       i = i < 4 || i == count - 1 ? i + 1 : count - 1)
    fuzz::require(plan.make(i).rows >= 0, "a batch without rows");
}

/// False if something was refused.
static bool prepare(Parts &parts, Schema &schema, ReadOptions read) {
  Status pieces = learnPieces(parts.train, schema, read);
  if (!pieces)
    return !refused(pieces.error());
  for (Dataset *part : {&parts.train, &parts.valid, &parts.test})
    if (Status cut = cutIntoPieces(*part, schema, read); !cut)
      return !refused(cut.error());
  Result<Learned> learned = learnVocabularies(parts.train, schema, read);
  if (!learned)
    return !refused(learned.error());
  schema.bind(learned->dims);
  if (parts.train.series)
    bindScales(schema, *parts.train.series);
  for (Dataset *part : {&parts.train, &parts.valid, &parts.test}) {
    if (!part->size())
      continue;
    Status applied = applyVocabularies(*part, schema, learned->vocabularies,
                                       read.unit(schema));
    if (!applied)
      return !refused(applied.error());
    Status fits = checkExtents(*part, schema);
    if (!fits)
      return !refused(fits.error());
  }
  return true;
}

static void readAll(const std::string &path, Schema schema,
                    const ReadOptions &read, const char *shares) {
  Result<Dataset> all = readDataset({path}, schema, read);
  if (!all && refused(all.error()))
    return;
  Result<Split> split = Split::parse(shares, 0);
  Result<Parts> parts = splitDataset(std::move(*all), schema, *split);
  if (!parts && refused(parts.error()))
    return;
  if (!prepare(*parts, schema, read))
    return;
  for (Dataset *part : {&parts->train, &parts->valid, &parts->test})
    if (part->size())
      makeBatches(*part, schema);
}

/// Files that are there while one input is tried.
namespace {
class Written {
public:
  std::string add(const std::string &ending, std::string_view content) {
    static const std::string stem = fuzz::temporaryPath("data");
    paths.push_back(fmt::format("{}-{}.{}", stem, paths.size(), ending));
    std::FILE *file = std::fopen(paths.back().c_str(), "wb");
    std::fwrite(content.data(), 1, content.size(), file);
    std::fclose(file);
    return paths.back();
  }
  ~Written() {
    for (const std::string &path : paths)
      std::remove(path.c_str());
  }

private:
  std::vector<std::string> paths;
};
} // namespace

/// Two files whose rows belong together, as --data names them.
static std::string sideBySide(Written &files, std::string_view bytes,
                              const std::string &ending, Schema &schema) {
  constexpr std::string_view mark = "\n@@\n";
  size_t at = std::min(bytes.find(mark), bytes.size());
  std::string_view first = bytes.substr(0, at),
                   second = bytes.substr(std::min(at + 4, bytes.size()));
  if (ending == "txt") {
    schema = schemaOf(7);
    return fmt::format("words={},text={}", files.add("src", first),
                       files.add("tgt", second));
  }
  schema = picture();
  if (ending != "png")
    return fmt::format("img={},{}", files.add(ending, first),
                       files.add("tsv", second));
  std::string path = files.add("png", first);
  return files.add("tsv",
                   fmt::format("img\tmood\n{}\tgood\n{}\tbad\n",
                               path.substr(path.rfind('/') + 1), second));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4)
    return 0;
  constexpr const char *formats[] = {
      "text",  "csv",  "tsv", "space", "jsonl", "npz", "safetensors",
      "conll", "roll", "txt", "u8",    "npy",   "png"};
  std::string format = formats[data[0] % std::size(formats)];
  std::string_view bytes(reinterpret_cast<const char *>(data) + 4, size - 4);
  Written files;
  Schema schema = format == "roll" ? piano() : schemaOf(data[1]);
  bool several =
      format == "txt" || format == "u8" || format == "npy" || format == "png";
  std::string path = several ? sideBySide(files, bytes, format, schema)
                             : files.add(format, bytes);
  schema.model = "M";
  ReadOptions read;
  if (!several)
    read.format = format == "safetensors" ? "npz" : format;
  chooseText(read, data[2]);
  chooseRows(read, schema, data[3]);
  readAll(path, std::move(schema), read, data[1] & 8 ? "80/10/10" : "");
  return 0;
}
