// Library.h: a compiled library, loaded; its objects; calls by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_LIBRARY_H
#define RNNC_TRAINING_LIBRARY_H

#include "rnnc/Runtime/ABI.h"
#include "rnnc/Training/Manifest.h"

#include <memory>

namespace rnnc::training {

/// A loaded library. It stays loaded as long as this lives.
class Library {
public:
  /// `shown` is what messages call it, the source it was made from.
  static Result<std::shared_ptr<Library>> open(const std::string &path,
                                               const std::string &shown = "");
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  const Manifest &manifest() const { return info; }
  const rnnc_library &api() const { return functions; }
  const std::string &path() const { return file; }

  /// Finds `NAME.function` (or `function` alone where there is one module).
  /// The error lists what the library has.
  struct Place {
    int module, function;
  };
  Result<Place> find(std::string_view name) const;

private:
  Library() = default;
  std::string file;
  void *handle = nullptr;
  rnnc_library functions{};
  Manifest info;
};

/// Named arrays: arguments and results of a call.
using Arrays = std::map<std::string, data::Tensor>;

struct BoundCall;

/// The objects of one module of a library: parameters, optimiser, carry,
/// stream, and the memory that calls need.
class ModelInstance {
public:
  /// `device` is `gpu` or `gpu:N`; empty: the processor, with `threads`.
  static Result<std::unique_ptr<ModelInstance>>
  create(std::shared_ptr<Library> library, int module, int threads,
         const std::string &device = "");
  ~ModelInstance();
  ModelInstance(const ModelInstance &) = delete;
  ModelInstance &operator=(const ModelInstance &) = delete;

  const Library &library() const { return *lib; }
  const ModuleInfo &module() const {
    return lib->manifest().modules[static_cast<size_t>(index)];
  }
  std::string variant() const;

  /// First values drawn from a seed.
  Status initialise(uint64_t seed);
  /// The weights that are part of the library, if it has any.
  bool hasBaked() const;
  Status initialiseBaked();
  /// The parameters as arrays, in the manifest's order.
  data::TensorFile parameters() const;
  /// Takes the parameters from `file`; names and shapes must fit exactly.
  /// Arrays whose name begins with `state.` or `optimizer.` are not weights.
  Status setParameters(const data::TensorFile &file, const std::string &path);
  /// Refuses weights that are not finite, which were read from `path`. A
  /// frozen parameter may be infinite, as a mask is.
  Status checkFinite(const std::string &path) const;
  /// Packs the parameters for calls that only read them.
  Status prepare();
  void forgetPrepared() { havePrepared = false; }

  /// Parameters and optimiser state live on the GPU, if the instance has one,
  /// while they are trained. `fetch` brings them before anybody looks at them.
  void liveOnDevice() { livesOnDevice = true; }
  Status fetch();

  Status initialiseOptimizer();
  rnnc_optimizer_counters *counters();
  /// Optimiser slots, named `optimizer.SLOT.PARAMETER`.
  data::TensorFile optimizerState() const;
  Status setOptimizerState(const data::TensorFile &file,
                           const std::string &path);

  /// The carry between chunks: first states for `batch` rows.
  Status initialiseCarry(int32_t batch);
  const data::Buffer &carryBytes() const { return carry; }
  /// Puts another carry in the place of the present one, which is returned:
  /// an evaluation in the midst of training has its own. Empty: none.
  data::Buffer exchangeCarry(data::Buffer other) {
    haveCarry = other.size() > 0;
    std::swap(carry, other);
    return other;
  }
  Status setCarryBytes(const data::Tensor &bytes, int32_t batch);
  /// State `state` of the carry, [batch, shape...]; null without one.
  void *carryState(int state);

  Status initialiseStream(int32_t batch);
  /// State `state` of the stream, [batch, shape...]; null without a stream.
  void *streamState(int state);

  /// What a call does besides its arguments.
  struct CallOptions {
    uint64_t seed = 0;
    bool hasSeed = false;
    bool usePrepared = false;
    bool useCarry = false;
    bool useOptimizer = false;
    bool useStream = false;
    int repeat = 1;                       ///< calls; each is timed
    std::vector<double> *times = nullptr; ///< milliseconds of each call
    /// `train_step`: gets the norm of each parameter's gradient.
    std::vector<double> *norms = nullptr;
    std::map<std::string, int32_t> lengths; ///< padded lengths no input tells
    int32_t batch = -1;                     ///< where no input tells it
  };
  /// Calls `function` with arrays by name and returns its results by name.
  /// Missing, unknown and misshapen arguments are all listed in one error.
  Result<Arrays> call(int function, const Arrays &args,
                      const CallOptions &options);
  /// Bytes that a call needs beside its arguments, for so many examples and
  /// steps along each time axis; 0: no memory can hold them.
  size_t workspaceBytes(int function, int32_t batch, int32_t steps) const;
  /// What the last call needed.
  size_t lastWorkspace() const { return needed; }
  /// The status of the last call and where a value was at fault.
  const rnnc_error &lastError() const { return error; }

private:
  ModelInstance() = default;
  Status invoke(int function, BoundCall &bound, const CallOptions &options);
  Error callError(const FunctionInfo &function, int status) const;
  /// What the library says about the object it did not make.
  Error refused(std::string_view what) const;

  rnnc_context *ctx() const {
    return reinterpret_cast<rnnc_context *>(
        const_cast<std::byte *>(context.data()));
  }
  rnnc_params *par() const {
    return reinterpret_cast<rnnc_params *>(
        const_cast<std::byte *>(params.data()));
  }

  rnnc_optimizer *opt() const {
    return reinterpret_cast<rnnc_optimizer *>(
        const_cast<std::byte *>(optimizer.data()));
  }

  std::shared_ptr<Library> lib;
  int index = 0;
  Status keep();
  bool isOnDevice = false;    ///< the context is one of a GPU
  bool livesOnDevice = false; ///< it is wanted
  bool isKept = false;        ///< and done, with the host's last values
  bool haveContext = false, havePrepared = false, haveOptimizer = false,
       haveCarry = false, haveStream = false;
  size_t needed = 0; ///< workspace of the last call
  data::Buffer context, params, prepared, optimizer, carry, stream, workspace;
  rnnc_error error{};
};

/// Why `train_step` changed nothing, as the interpreter says it; empty if that
/// is not what the error tells.
std::string skipReason(const rnnc_error &error);

} // namespace rnnc::training

#endif // RNNC_TRAINING_LIBRARY_H
