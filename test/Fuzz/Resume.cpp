// Resume.cpp: a checkpoint and a log that were edited, and the training goes
// on. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input is last.safetensors. An empty one grows into the checkpoint of a
// real training, else no change would come past the comparison with the data.
#include "Fuzz.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Training/Trainer.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

using namespace rnnc;
using namespace rnnc::training;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

namespace {

/// A small training of a library by hand, to go on with.
class Training {
public:
  Training() {
    std::filesystem::create_directories(folder);
    std::string path = folder + "/a.txt", text;
    for (int i = 0; i < 40; ++i)
      text += i * i % 7 < 3 ? "abcde" : i % 2 ? "fghij" : "jjab";
    fuzz::require(bool(data::writeFileAtomically(path, text)), "no data");
    instance =
        std::move(*ModelInstance::create(*Library::open(TABLE_LM), 0, 1));
    schema = schemaOf(instance->module());
    train = *data::readDataset({path}, schema, {});
    data::Learned learned = *data::learnVocabularies(train, schema, {});
    fuzz::require(
        bool(data::applyVocabularies(train, schema, learned.vocabularies,
                                     data::Unit::Characters)),
        "no symbols");
    directory.model = "Table";
    directory.vocabularies = learned.vocabularies;
    fuzz::require(bool(directory.save()), "no directory");
    options.quiet = true;
    options.batch = 2;
    first = firstCheckpoint();
  }
  ~Training() { std::filesystem::remove_all(folder); }

  const std::string &checkpoint() const { return first; }

  void resume(std::string_view bytes) {
    (void)data::writeFileAtomically(directory.file("last.safetensors"), bytes);
    options.resume = true;
    Trainer trainer(*instance, schema, directory, train, nullptr, options);
    Status status = trainer.prepare();
    if (status)
      return;
    const Error &error = status.error();
    fuzz::require(error.exitCode == ExitBadData || error.exitCode == ExitUsage,
                  "a wrong exit code");
    fuzz::require(error.message.find(folder) != std::string::npos,
                  "the message does not name the file");
    fuzz::requirePrintable(shown(error.message, /*lines=*/true));
  }

private:
  std::string firstCheckpoint() {
    options.steps = 3;
    fuzz::require(bool(instance->initialise(options.seed)), "no weights");
    Trainer trainer(*instance, schema, directory, train, nullptr, options);
    fuzz::require(bool(trainer.run()), "no training");
    return *data::readFile(directory.file("last.safetensors"));
  }

  std::string folder = fuzz::temporaryPath("resume");
  ModelDirectory directory{folder};
  std::unique_ptr<ModelInstance> instance;
  data::Schema schema;
  data::Dataset train;
  TrainOptions options;
  std::string first;
};

} // namespace

static Training &small() {
  static Training one;
  return one;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t most, unsigned seed) {
  const std::string &whole = small().checkpoint();
  if (size < 8 && whole.size() <= most) {
    std::memcpy(data, whole.data(), whole.size());
    size = whole.size();
  }
  return LLVMFuzzerMutate(data, size, most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  small().resume({reinterpret_cast<const char *>(data), size});
  return 0;
}
