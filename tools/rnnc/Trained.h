// Trained.h: what the verbs that use a trained model have in common.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_TRAINED_H
#define RNNC_TOOLS_RNNC_TRAINED_H

#include "Model.h"
#include "rnnc/Training/Evaluate.h"
#include "rnnc/Training/ModelDirectory.h"

namespace rnnc::tool {

/// Options that say how data files are read.
struct DataOptions {
  data::ReadOptions read;
  std::string split;
  int64_t splitModulus = 0;
  std::string columns; ///< `mood=0,words=1`

  /// Takes columns and units apart.
  Status finish();

private:
  Status finishUnits();
};
/// Format and columns.
void addDataOptions(CLI::App &command, DataOptions &options);
/// How rows of time become examples.
void addSeriesOptions(CLI::App &command, DataOptions &options);
void addSplitOptions(CLI::App &command, DataOptions &options);
/// What shapes the vocabulary.
void addVocabularyOptions(CLI::App &command, DataOptions &options);
/// How a trained model is used.
struct UseOptions {
  std::string weights; ///< empty: the best ones
  int threads = 1;
  std::string device;             ///< `gpu` or `gpu:N`; empty: the processor
  std::string weightType = "f32"; ///< what weights are stored as
};
/// `--weights`, `--threads` and `--device` of the verbs that use a trained
/// model.
void addTrainedOptions(CLI::App &command, UseOptions &options);

/// A trained model, loaded and ready.
struct Trained {
  training::ModelDirectory directory{""};
  std::unique_ptr<training::ModelInstance> instance;
  data::Schema schema;

  /// The unit of what is written, or else of what is read.
  data::Unit unit() const { return directory.read.unit(schema); }
  data::Unit unit(const data::FieldSchema &field) const {
    return directory.read.unit(schema, field);
  }
  /// How training read its data, but for what the command line says.
  data::ReadOptions readOptions(const DataOptions &given) const;
};

/// Position of the model called `name` in a library; the error lists them.
Result<int> findModule(const training::Library &library,
                       const std::string &name);

/// The program of a directory as a library; if that is none any more, the
/// directory's data are bad.
Result<std::shared_ptr<training::Library>>
openProgram(const training::ModelDirectory &directory,
            const UseOptions &options = {});

/// Loads the model in `path`.
Result<Trained> openTrained(const std::string &path, const UseOptions &options);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_TRAINED_H
