// Data.cpp: any bytes as a data file of any format, for models of several kinds.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first byte chooses format and model, the second options; the rest is the file.
#include "Fuzz.h"

#include "rnnc/Data/Dataset.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Support/Text.h"

#include <iterator>

using namespace rnnc;
using namespace rnnc::data;

static FieldSchema field(FieldSchema::Kind kind, std::string name,
                         std::string axis, std::vector<SchemaAxis> axes,
                         bool output) {
  FieldSchema result;
  result.kind = kind;
  result.name = std::move(name);
  result.axis = std::move(axis);
  result.axes = std::move(axes);
  result.output = output;
  return result;
}

static Schema schemaOf(int kind) {
  using Kind = FieldSchema::Kind;
  const SchemaAxis time = {"T", true, -1};
  Schema schema;
  schema.model = "M";
  schema.times = {"T"};
  switch (kind % 4) {
  case 0: // a classifier
    schema.fields = {field(Kind::Index, "words", "V", {time}, false),
                     field(Kind::Index, "mood", "C", {}, true)};
    break;
  case 1: // a language model
    schema.fields = {field(Kind::Index, "text", "V", {time}, true)};
    schema.fields[0].unfold = true;
    schema.fields[0].start = 0;
    schema.chunk = 20;
    break;
  case 2: // numbers in, a number out
    schema.fields = {field(Kind::Real, "x", "", {time, {"I", false, 2}}, false),
                     field(Kind::Real, "y", "", {}, true)};
    break;
  default: // a tag for each of many symbols
    schema.fields = {field(Kind::Index, "words", "V", {time}, false),
                     field(Kind::Bit, "tags", "", {time}, true)};
    schema.fields[0].stop = 1;
  }
  return schema;
}

/// Whatever a step of reading says: nothing, or a message about the data.
static bool refused(const Error &error) {
  fuzz::require(error.exitCode == ExitBadData || error.exitCode == ExitUsage,
                "a wrong exit code");
  fuzz::require(!error.message.empty(), "refused without a message");
  fuzz::requirePrintable(shown(error.message, /*lines=*/true));
  return true;
}

static void readAll(const std::string &path, int kind, int options) {
  Schema schema = schemaOf(kind);
  ReadOptions read;
  constexpr const char *formats[] = {"text", "csv", "tsv", "space", "jsonl",
                                     "npz"};
  read.format = formats[static_cast<size_t>(kind / 4) % std::size(formats)];
  if (options & 1)
    read.tokens = options & 2 ? "chars" : "words";
  read.lower = options & 4;
  if (options & 8)
    read.maxLength = 3;
  if (options & 16)
    read.minCount = 2;
  if (options & 32)
    read.maxVocabulary = 4;
  if (options & 64)
    read.columns = {{schema.fields[0].name, "1"}};
  Result<Dataset> all = readDataset({path}, schema, read);
  if (!all && refused(all.error()))
    return;
  Result<Split> split = Split::parse(options & 128 ? "80/10/10" : "", 0);
  Result<Parts> parts = splitDataset(std::move(*all), schema, *split);
  if (!parts && refused(parts.error()))
    return;
  Result<Learned> learned = learnVocabularies(parts->train, schema, read);
  if (!learned && refused(learned.error()))
    return;
  schema.bind(learned->dims);
  for (Dataset *part : {&parts->train, &parts->valid, &parts->test}) {
    if (!part->size())
      continue;
    Status applied = applyVocabularies(*part, schema, learned->vocabularies,
                                       read.unit(schema));
    if (!applied && refused(applied.error()))
      return;
    Status fits = checkExtents(*part, schema);
    if (!fits && refused(fits.error()))
      return;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  static const std::string path = fuzz::temporaryPath("data");
  std::FILE *file = std::fopen(path.c_str(), "wb");
  std::fwrite(data + 2, 1, size - 2, file);
  std::fclose(file);
  readAll(path, data[0], data[1]);
  std::remove(path.c_str());
  return 0;
}
