// ModelDirectory.h: what `rnnc train` leaves behind, and where.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_MODELDIRECTORY_H
#define RNNC_TRAINING_MODELDIRECTORY_H

#include "rnnc/Data/Dataset.h"
#include "rnnc/Training/Library.h"
#include "rnnc/Training/Provenance.h"

namespace rnnc::training {

/// A directory that holds all that is needed to use a trained model:
///   model.rnn, imports  or  model.so    the program
///   options.json                        how it is compiled and fed
///   vocabulary.AXIS.json                its symbols
///   pieces.AXIS.model                   how words are cut into them
///   last.safetensors                    weights and state of training
///   best.safetensors                    weights that did best on validation
///   log.jsonl, curve.svg, report.json   how training went
///   examples.json                       what the model makes of a few examples
class ModelDirectory {
public:
  explicit ModelDirectory(std::string path) : directory(std::move(path)) {}

  const std::string &path() const { return directory; }
  std::string file(const std::string &name) const {
    return directory + "/" + name;
  }
  /// Whether a file of this name in the directory belongs to a training, which
  /// would write over it.
  static bool isOwnFile(const std::string &name);
  bool hasFile(const std::string &name) const;

  /// How the program becomes a library: dims, precision and so on, for
  /// whoever compiles.
  Json compile = Json::object();
  std::string model; ///< name of the model in the library
  std::string program = "model.rnn";
  std::vector<std::string> imports; ///< files beside it that it needs
  data::ReadOptions read;
  std::string split; ///< `80/10/10`, may be empty
  int64_t splitModulus = 0;
  data::Vocabularies vocabularies;
  Provenance trainedOn;

  /// Writes options.json and the vocabularies; the program is there already.
  Status save() const;
  /// Reads them; whatever was edited or cut since is refused as bad data.
  Status load();
  /// The vocabularies as metadata of a weight file.
  std::map<std::string, std::string> metadata() const;

  /// The weights to use: the best, or the last where there is no best.
  Result<std::string> weightFile() const;

private:
  Status readOptions(const Json &json);
  Status loadSymbols(const Json &json);
  Result<std::string> ownFile(const std::string &name) const;
  Status checkContents(const Json &files) const;
  Error damaged(const std::string &key) const;
  std::string directory;
};

} // namespace rnnc::training

#endif // RNNC_TRAINING_MODELDIRECTORY_H
