// Manifest.h: what a compiled library says about itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_MANIFEST_H
#define RNNC_TRAINING_MANIFEST_H

#include "rnnc/Data/Tensor.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace rnnc::training {

using Json = nlohmann::ordered_json;

/// Reads JSON. What is none, or is nested so deep that copying or writing it
/// would fill the stack, comes out as `discarded`.
Json parseJson(std::string_view text);

/// The sign of a NaN says nothing to anybody.
inline double plain(double value) {
  return value == value ? value : std::numeric_limits<double>::quiet_NaN();
}

/// A number as it is: JSON has no infinity, so "inf", "-inf" and "nan" are
/// texts, which most languages read as numbers.
Json jsonNumber(double value);

/// One dimension of a shape: a number, the batch, or a time axis.
struct Dim {
  enum class Kind { Fixed, Batch, Time } kind = Kind::Fixed;
  int64_t size = 0;
  std::string time;
};

struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  bool trainable = true;
  std::vector<std::string> axes = {}; ///< names, such as `V` or `2*H`
  int64_t count() const;
};

struct StateInfo {
  std::string name;
  std::vector<int64_t> shape;
};

/// An argument of a function.
struct ArgInfo {
  enum class Role {
    Lengths,
    Input,
    StateIn,
    Cotangent,
    Reset,
    Option, // in
    Loss,
    Norm,
    Output,
    Probability,
    StateOut,
    Gradient, // out
  };
  std::string name;
  Role role = Role::Input;
  data::DType dtype = data::DType::F32;
  std::vector<Dim> shape;
  int64_t size = 0; ///< of the axis whose indices it holds; 0: it holds none
  bool optional = false;
  std::optional<double> defaultValue;

  bool isOutput() const { return role >= Role::Loss; }
};

struct FunctionInfo {
  std::string name, symbol;
  std::vector<std::string> times;
  std::vector<ArgInfo> args;
  bool draws = false;         ///< sequences that depend on inputs
  std::optional<int64_t> max; ///< steps to draw, as its export says

  /// Position of an argument, or -1.
  int find(std::string_view name) const;
  /// The same among the inputs alone.
  int findInput(std::string_view name) const;
};

/// An input or output declaration of a model.
struct PortInfo {
  enum class Kind { Index, Real, Bit, Int } kind = Kind::Real;
  std::string name;
  std::string axis;       ///< name of the axis an index belongs to
  int64_t size = 0;       ///< size of that axis
  std::vector<Dim> shape; ///< without the batch
  bool output = false;
  std::string distribution;
  bool unfold = false; ///< predicted element by element
  std::optional<int64_t> start, stop, max;
};

struct ModuleInfo {
  std::string name, kind, source;
  std::vector<std::string> times;
  std::vector<ParameterInfo> parameters;
  std::vector<PortInfo> ports; ///< inputs, then outputs
  std::vector<StateInfo> states;
  std::vector<FunctionInfo> functions;
  std::map<std::string, std::vector<std::string>> labels; ///< labelled axes
  Json train = Json::object();
  std::vector<std::string> optimizerSlots;
  std::optional<int64_t> bpttSteps;
  bool carry = false;

  /// Whether the loss is a mean over examples; else it is one over elements.
  bool lossPerExample() const {
    return train.contains("per") && train["per"] == "example";
  }
  /// Whether a batch holds examples of any lengths, else of similar ones.
  bool mixesLengths() const {
    return train.contains("mixed") && train["mixed"] == true;
  }
  /// `checkpoint memory M` in bytes; 0: none.
  int64_t memoryLimit() const {
    auto checkpoint = train.find("checkpoint");
    bool isMemory = checkpoint != train.end() && checkpoint->is_object() &&
                    checkpoint->value("kind", "") == "memory";
    return isMemory ? checkpoint->value("amount", int64_t(0)) : 0;
  }
  /// Position of a function, or -1.
  int find(std::string_view function) const;
};

struct Manifest {
  std::string library, precision, compiler;
  std::string target; ///< the machine it is for; "": from before there were two
  std::vector<ModuleInfo> modules;
  Json json; ///< the whole, as it stands in the library

  data::DType real() const {
    return precision == "f64" ? data::DType::F64 : data::DType::F32;
  }
};

/// Reads and checks a manifest; `path` is for messages.
Result<Manifest> parseManifest(std::string_view text, const std::string &path);

} // namespace rnnc::training

#endif // RNNC_TRAINING_MANIFEST_H
