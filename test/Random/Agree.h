// Agree.h: compiled programs against the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `rnnc-agree` takes a source that the generator wrote, compiles it as the
// command line says, and compares every function of every module with the
// interpreter, and gradients with its central differences.
#ifndef RNNC_TEST_RANDOM_AGREE_H
#define RNNC_TEST_RANDOM_AGREE_H

#include "rnnc/Interpreter/GradCheck.h"
#include "rnnc/Training/Library.h"

#include <random>

namespace rnnc::agree {

/// Numbers that are the same on every machine.
class Draw {
public:
  explicit Draw(uint64_t seed) : engine(seed) {}
  int64_t below(int64_t n) {
    return n > 0 ? int64_t(engine() % uint64_t(n)) : 0;
  }
  /// Within the limits, and a whole number of 1/1024: exact in f32.
  double number(double low, double high);
  double direction() { return (double(engine() >> 11) * 0x1p-53) * 2 - 1; }

private:
  std::mt19937_64 engine;
};

/// What a module is called with.
struct Case {
  std::string name; ///< for messages
  int64_t batch = 0;
  std::map<std::string, int64_t> padded; ///< of each time axis
  /// Of a time axis inside of others: these. Its lengths are along them.
  std::map<std::string, std::vector<std::string>> around;
  interp::Arrays args; ///< parameters, data, lengths, cotangents
  /// The chunk before, whose last states this one goes on from.
  std::shared_ptr<Case> before;
};

/// A compiled library beside the module that the interpreter runs.
struct Subject {
  rnn::ModuleOp module;
  std::shared_ptr<training::Library> library;
  int index = 0; ///< in the manifest
  const training::ModuleInfo &info() const {
    return library->manifest().modules[size_t(index)];
  }
  bool isDouble() const {
    return library->manifest().real() == data::DType::F64;
  }
};

struct Difference {
  std::string where, what;
};

struct Report {
  std::vector<Difference> differences;
  std::map<std::string, int64_t> functions; ///< calls compared, by function
  int64_t directions = 0;                   ///< derivatives compared
  int64_t kinks = 0;     ///< derivatives left out: not smooth there
  int64_t notFinite = 0; ///< calls whose gradient is that of an infinity
  int64_t illConditioned =
      0; ///< values that a rounding of the arguments moves as far
};

/// A result to spoil, to see that it is noticed.
struct Plant {
  std::string function, result;
};

/// Whether an element lies before the end along a time axis; `place` gives the
/// position on another axis left of it.
template <typename PlaceFn>
bool isBeforeEnd(const Case &one, const std::string &time, int64_t row,
                 int64_t at, PlaceFn place) {
  auto lengths = one.args.find(time);
  if (lengths == one.args.end())
    return true;
  int64_t entry = row;
  if (auto outer = one.around.find(time); outer != one.around.end())
    for (const std::string &name : outer->second)
      entry = entry * one.padded.at(name) + place(name);
  return at < int64_t(lengths->second.data[size_t(entry)]);
}

// Arguments.cpp
std::vector<Case> makeCases(const Subject &subject, Draw &draw);
bool isValid(const Case &one, const std::vector<training::Dim> &shape,
             int64_t element);
data::Tensor toTensor(const interp::Array &array, data::DType type);
interp::Array toArray(const data::Tensor &tensor);

// Compare.cpp
struct Bound {
  double tolerance;
  /// The result when the arguments are moved by a rounding; null: none can be
  /// had.
  std::function<std::optional<interp::Array>(int trial)> moved;
  /// The results where every value on the way is rounded to fewer bits: what is
  /// equal but for the order of its sums falls to one side or the other.
  std::vector<std::function<std::optional<interp::Array>()>> rounded = {};
};
/// Whether arrays agree; says in `what` where they do not.
bool compareArrays(const interp::Array &mine, const interp::Array &theirs,
                   const Bound &bound, Report &report, std::string &what);
/// The arguments moved by a rounding of `size`.
Case moved(const Case &one, const Subject &subject, double size, int trial);

// Functions.cpp
data::TensorFile weightsOf(const Subject &of, const Case &one);
training::Arrays tensorsFor(const training::FunctionInfo &function,
                            const Case &one);
/// Of axes that the function knows: what is drawn may have others.
std::map<std::string, int32_t>
lengthsFor(const training::FunctionInfo &function, const Case &one);
using Results = std::map<std::string, interp::Array>;
/// Calls and compares the functions of a module.
class Checker {
public:
  Checker(Subject subject, const Subject *reference, uint32_t seed,
          const std::vector<int> &threads, const Plant &plant, Report &report)
      : subject(std::move(subject)), reference(reference), seed(seed),
        threads(threads), plant(plant), report(report) {}

  void run(const Case &one);

private:
  std::optional<Results> call(const Subject &of, const std::string &function,
                              const Case &one, int threadCount,
                              bool withDropout, std::string &error);
  void spoil(const std::string &function, Results &results) const;
  std::optional<Results> callOnThreads(const std::string &function,
                                       const Case &one, bool withDropout);
  std::optional<interp::Arrays> interpret(const std::string &function,
                                          const Case &one, bool withDropout,
                                          std::string &error,
                                          unsigned mantissaBits = 0);
  interp::RunOptions runOptions(const std::string &function, const Case &one,
                                bool withDropout) const;
  interp::Arrays argumentsOf(const std::string &function,
                             const Case &one) const;
  void checkValues(const std::string &function, const Case &one);
  void checkGradients(const std::string &function, const Case &one,
                      const Results &results);
  std::optional<Results> bend(const Case &one, double step);
  Case withVectors(const Case &one) const;
  void checkHessian(const Case &plain);
  void checkStateGradients(const Case &plain);
  void checkDraws(const std::string &function, const Case &plain);
  void checkBegin(const Case &plain);
  void followSteps(training::ModelInstance &instance, const Case &one,
                   const training::Arrays &begun,
                   const training::ModelInstance::CallOptions &options);
  void checkSinglePrecision(const std::string &function, const Case &one,
                            const Results &results, bool withDropout);
  void checkPadding(const std::string &function, const Case &one,
                    const Results &results);
  bool observesNothing(const Case &one) const;
  void checkTrainStep(const Case &one);
  void checkUnchanged(const Case &one, const Results &results);
  Case stepCase(const training::FunctionInfo &info, const Case &one,
                Draw &draw);
  void addStates(training::ModelInstance &instance, const Case &one,
                 Results &results);
  void checkSteps(const Case &one);
  void checkCarry(const Case &whole);
  void compareAll(const std::string &function, const Case &one,
                  const Results &mine, const interp::Arrays &theirs,
                  bool withDropout);
  void differs(const std::string &function, const Case &one, std::string what);
  Bound boundFor(const std::string &function, const std::string &result,
                 const Case &one, bool withDropout);

  // Gradients.cpp
  struct Slope {
    double given, found;
    bool isKink;
  };
  using Direction = std::map<std::string, std::vector<double>>;
  std::optional<double> objective(const Case &one, interp::RunOptions &options,
                                  const interp::Arrays &weights);
  std::optional<Slope> slope(const Case &one, interp::RunOptions &options,
                             const interp::Arrays &cotangents,
                             const Direction &direction,
                             const Results &gradients);
  void followDirections(const std::string &function, const Case &one,
                        const Results &gradients, interp::RunOptions &options,
                        const interp::Arrays &cotangents);

  Subject subject;
  const Subject
      *reference; ///< the same in f64 whose gradients hold; null in f64
  uint32_t seed;
  std::vector<int> threads;
  const Plant &plant;
  Report &report;
};

} // namespace rnnc::agree

#endif // RNNC_TEST_RANDOM_AGREE_H
