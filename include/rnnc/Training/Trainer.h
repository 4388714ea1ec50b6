// Trainer.h: trains a module on a data set.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_TRAINER_H
#define RNNC_TRAINING_TRAINER_H

#include "rnnc/Training/Evaluate.h"
#include "rnnc/Training/Health.h"
#include "rnnc/Training/Log.h"
#include "rnnc/Training/ModelDirectory.h"
#include "rnnc/Training/Progress.h"
#include "rnnc/Training/StateTrace.h"

#include <atomic>

namespace rnnc::training {

struct TrainOptions {
  int64_t steps = 0;     ///< updates in all; 0: by epochs
  int64_t epochs = 0;    ///< 0: the model's own number
  double maxSeconds = 0; ///< 0: no limit
  uint64_t seed = 0;
  /// Updates; 0: 500, and at validations, ends of epochs and the end.
  int64_t checkpointEvery = 0;
  int64_t validEvery = 0; ///< updates; 0: every epoch, and within long ones
  int64_t patience = 0;   ///< validations without a better one; 0: no limit
  int32_t batch = 0;      ///< 0: the model's own
  /// Updates from one look at the gradients of the states to the next, before
  /// training and at its end too; 0: never.
  int64_t traceEvery = 0;
  bool resume = false;
  bool quiet = false;
  /// Set by a signal handler: save and stop.
  const std::atomic<bool> *interrupted = nullptr;
};

struct TrainResult {
  int64_t steps = 0, epochs = 0, skipped = 0, empty = 0;
  int64_t made = 0; ///< of the steps, those of this run
  /// Mean of the last updates, or the last one if that is not finite.
  std::optional<double> loss;
  double seconds = 0, updatesPerSecond = 0, tokensPerSecond = 0;
  std::optional<Evaluation> valid; ///< of the weights that are used
  bool useLast = true;             ///< the last weights are the best ones
  int64_t bestStep = 0;
  bool interrupted = false, stoppedEarly = false;
  /// Why the training is of no use: what was not finite; empty if it is fine.
  std::string failure;
  int64_t failedSince = 0;     ///< the first of the updates that it befell
  Json norms = Json::object(); ///< of gradients, by parameter
  /// Gradients of the states by distance, before training and at its end.
  Json firstTrace, lastTrace;
  Json settings = Json::object(); ///< the `train` block

  Json toJson() const;
  /// One line for people.
  std::string summary() const;
};

/// Trains from the instance's present parameters (or from the directory's last
/// checkpoint) and leaves checkpoints, log and curve in the directory.
/// Everything but the times in the log is a function of the weights, the data
/// and the seed; a resumed training gives the bytes of an uninterrupted one.
class Trainer {
public:
  Trainer(ModelInstance &instance, const data::Schema &schema,
          const ModelDirectory &directory, const data::Dataset &train,
          const data::Dataset *valid, const TrainOptions &options);
  /// Sets the objects up, or takes them from the last checkpoint, and refuses
  /// what cannot be trained. Writes nothing.
  Status prepare();
  /// Trains; calls `prepare` if nobody has.
  Result<TrainResult> run();

private:
  /// What a checkpoint keeps besides weights, optimiser and carry.
  struct State {
    int64_t step = 0, epoch = 0, batch = 0;
    double best = 0;
    int64_t bestStep = -1, sinceBest = 0;
    /// `schedule plateau`: the best epoch's score and the epochs since it; -1:
    /// none is over. The losses of this epoch, for trainings that do not
    /// validate.
    double plateau = 0, epochLoss = 0;
    int64_t sincePlateau = -1, epochUpdates = 0;
  };
  enum class Stop { No, Done, Early, Hopeless, Interrupted };

  Status begin();
  Status loop();
  /// What an update was made of.
  struct Made {
    double loss = 0, norm = 0; ///< mean over its batches
    int64_t rows = 0, elements = 0, steps = 0;
    std::vector<double> norms; ///< of each parameter's gradient
  };
  Status oneUpdate(const data::BatchPlan &plan);
  Status gatherUpdate(const data::BatchPlan &plan, Made &made);
  Status noteUpdate(const Made &made, double rate);
  Stop shouldStop() const;
  Status afterBatch();
  Status validate(bool extra);
  Result<Evaluation> evaluateUsed();
  Status finish();

  Status saveCheckpoint();
  Status loadCheckpoint();
  Status saveBest();
  /// The weights that validation, and who takes them from the directory, sees:
  /// with `average`, the mean of those after each update.
  data::TensorFile usedWeights() const;
  Status useMean();
  Status takeTrained(const data::TensorFile &file, const std::string &path);
  void followPlateau();
  void planSteps();
  bool positionFits() const;
  data::BatchPlan planEpoch(int64_t epoch) const;
  uint64_t fingerprint() const;

  Status writeCurve();
  Status traceStates(bool extra);
  void showProgress(double norm);
  void warnMemory(const data::Batch &data);
  void warnSkipped(const std::string &fault);
  void judge();
  double seconds() const;

  ModelInstance &instance;
  const data::Schema &schema;
  const ModelDirectory &directory;
  const data::Dataset &train;
  const data::Dataset *valid;
  TrainOptions options;
  Progress progress;
  State state;
  Stop stop = Stop::No;
  int function = -1;
  int32_t batch = 32;
  int64_t accumulate = 1; ///< batches of an update
  int64_t toldMemory = 0; ///< the workspace that a warning was about
  double average = 0;     ///< how much an update leaves of the mean weights
  int64_t totalSteps = 0, epochs = 0, validEvery = 0, perEpoch = 1;
  int64_t firstStep = 0, tokens = 0, lastValidation = -1;
  double runningLoss = 0, runningWeight = 0, lastLoss = 0;
  double runningNats = 0, runningElements = 0; ///< for the perplexity shown
  std::optional<Evaluation> lastValid, bestValid;
  TrainingLog log;
  Health health;
  StateTrace stateTrace;
  int64_t lastTraced = -1;
  std::chrono::steady_clock::time_point started;
  TrainResult result;
};

} // namespace rnnc::training

#endif // RNNC_TRAINING_TRAINER_H
