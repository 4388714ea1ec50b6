// Provenance.h: which rows of which files a model was trained on.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_PROVENANCE_H
#define RNNC_TRAINING_PROVENANCE_H

#include "rnnc/Data/Dataset.h"
#include "rnnc/Training/Manifest.h"

namespace rnnc::training {

/// A number that tells contents apart, and their size.
std::string contentOf(std::string_view bytes);

/// The files of a training in their order, known again by their content. A
/// unit is a row, or of running text a symbol.
class Provenance {
public:
  /// Describes what was read; files that can be read only once are left out.
  static Provenance of(const data::Dataset &all);

  Json toJson() const;
  /// False: not what `toJson` wrote.
  bool readJson(const Json &json);

  /// For every unit of these files whether a model of `trained` has seen it,
  /// whose files were cut with `split`.
  std::vector<bool> seen(const Provenance &trained, const data::Schema &schema,
                         const data::Split &split, bool rowsOfTime) const;
  /// Units of each file.
  std::vector<int64_t> sizes() const;

private:
  struct File {
    std::string content; ///< a number that stands for it; empty: not known
    int64_t units = 0;
  };
  std::vector<File> files;
};

} // namespace rnnc::training

#endif // RNNC_TRAINING_PROVENANCE_H
