// Log.h: the log of a training, a line of JSON an event.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_LOG_H
#define RNNC_TRAINING_LOG_H

#include "rnnc/Training/Curve.h"
#include "rnnc/Training/Manifest.h"

#include <chrono>
#include <cstdio>

namespace rnnc::training {

/// Appends updates and validations to a file, which can be watched while
/// training goes on, and keeps the points of the learning curve.
class TrainingLog {
public:
  TrainingLog() = default;
  TrainingLog(const TrainingLog &) = delete;
  TrainingLog &operator=(const TrainingLog &) = delete;
  ~TrainingLog();

  /// Opens the file. Entries up to update `step` stay; later ones are what a
  /// training that was cut off did behind its last checkpoint: they go.
  Status open(const std::string &path, int64_t step);

  /// Reaches the file within a second, or with the next `flush`.
  Status addUpdate(const Json &entry);
  /// `extra`: a look at the end that is no part of training; it is dropped
  /// when training goes on.
  Status addValidation(Json entry, bool extra);
  /// The same of the gradients of the states.
  Status addTrace(Json entry, bool extra);
  Status flush();

  /// Seconds of training that the entries of earlier runs stand for.
  double earlierSeconds() const { return seconds; }
  const CurvePoints &updates() const { return updatePoints; }
  const CurvePoints &validations() const { return validationPoints; }
  const CurvePoints &accuracies() const { return accuracyPoints; }

private:
  Status add(const Json &entry);
  void remember(const Json &entry);

  std::string path;
  std::FILE *file = nullptr;
  std::chrono::steady_clock::time_point flushed{};
  double seconds = 0;
  CurvePoints updatePoints, validationPoints, accuracyPoints;
};

} // namespace rnnc::training

#endif // RNNC_TRAINING_LOG_H
