// Scope.h - what names stand for while a program is checked.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_SCOPE_H
#define RNNC_LIB_FRONTEND_SCOPE_H

#include "Types.h"
#include "rnnc/Frontend/AST.h"

#include <deque>
#include <memory>

namespace rnnc {

/// An input, a constant or an argument in a signature.
struct Port {
  std::string name;
  Ty type;
  SourceRange typeRange;
};

/// What can be named below an instance: parameters and inner instances.
struct PathTree {
  bool isOpen = false; ///< below a layer or a cell that is a parameter
  std::map<std::string, std::shared_ptr<const PathTree>> below;
};
using PathTreePtr = std::shared_ptr<const PathTree>;

struct Signature;
/// States and whatever else is known once a cell is given for a parameter.
struct Instance;
using GivenModules = std::map<const Signature *, Instance>;

/// Whether one of them stands for states that are not known.
bool isOpaque(const std::vector<StateField> &states);

struct GenericInfo {
  std::string name;
  const Signature *module = nullptr; ///< stands for a layer or a cell
  std::vector<const Axis *> found;   ///< sizes that the one given says
  const Axis *axis = nullptr;
  bool isTime = false;
  bool isValue = false; ///< has a default that is no whole number
  bool hasDefault = false;
  double defaultValue = 0;
};

/// What a declared fn, layer, cell or dist shows to its users.
struct Signature {
  enum class Kind { Fn, Layer, Cell, Dist };

  Kind kind = Kind::Fn;
  std::string name;
  SourceRange decl;
  std::vector<GenericInfo> generics;
  std::vector<Port> inputs;
  std::vector<Port> constants;
  Ty result; ///< Dist: what is drawn, as a distribution
  SourceRange resultRange;

  std::vector<StateField> states;
  /// The number of copies of some cell is not known, so neither are its states.
  bool opaque = false;
  int64_t params = 0;
  PathTreePtr paths = std::make_shared<PathTree>();
  bool plain = false;     ///< a recurrence that nothing gates
  bool nonCausal = false; ///< runs backward or reduces over time
  unsigned levels = 1;    ///< of nesting, with all that it is made of
  bool hasMode = false;   ///< Dist: what `predict` takes
  bool hasSample = false; ///< Dist: what `sample` takes
  bool hasBeam = false;   ///< Dist: what `beam` takes
};

/// What `use` declares: one module or a chain, with weights of its own.
struct Instance {
  std::string name;
  SourceRange decl;
  const ast::Chain *chain = nullptr;
  bool isCell = false;
  std::vector<Port> inputs;
  std::vector<Port> constants;
  Ty result;
  SourceRange resultRange;
  std::vector<StateField> states;
  bool opaque = false;
  std::vector<const Axis *> free; ///< time axes to be found from arguments
  int64_t params = 0;
  PathTreePtr paths = std::make_shared<PathTree>();
  bool plain = false;
  bool nonCausal = false;

  bool broken = false; ///< an error was reported; be silent
  SourceRange firstStep;
  bool scanned = false;
};

/// A name inside a block.
struct Local {
  enum class Kind {
    Axis,
    Number, ///< a generic with a number
    Module, ///< a generic that stands for a layer or a cell
    Input,
    Constant,
    Param,
    State,
    Define,
    Final,
    Output,
    Drawn, ///< what a dist is for
    Index,
    Instance
  };

  Kind kind = Kind::Define;
  std::string name;
  SourceRange decl;
  Ty type;
  SourceRange typeRange;
  SourceRange statement; ///< of the statement that declares it
  const Axis *axis = nullptr;
  const Signature *module = nullptr;
  std::unique_ptr<Instance> instance;

  bool read = false;
  bool frozen = false;
  bool ofData = false;  ///< Define: follows from what a model is given
  bool isFixed = false; ///< Define: made of numbers and sizes alone

  // State
  SourceRange next; ///< where it is set
  const ast::Expr *nextValue = nullptr;
  SourceRange firstValue;
  bool changedInPlace = false;

  // Output
  SourceRange observed;
};

/// A model, as far as `train` and `export` ask.
struct ModelInfo {
  std::string name;
  SourceRange decl;
  const ast::ModelItem *item = nullptr;
  std::vector<GenericInfo> generics;
  struct Drawn {
    std::string name;
    Ty type;
    SourceRange typeRange;
    std::string dist;
    /// One that is written in the language.
    const Signature *law = nullptr;
    bool unfolded = false;
  };
  std::vector<Drawn> outputs;
  bool hasLoss = false;
  SourceRange loss;            ///< a line `loss` that reads data
  SourceRange backward;        ///< a scan that starts at the end
  SourceRange reduction;       ///< a reduction over time
  SourceRange nonCausalModule; ///< a layer that sees the future
  SourceRange plain;           ///< the chain of a plain recurrence
  std::string plainAxis;       ///< what it runs over
  PathTreePtr paths;           ///< for `init`
};

/// A name of a file.
struct Entity {
  enum class Kind { Axis, Signature, Model };

  Kind kind = Kind::Axis;
  SourceRange decl;
  const Axis *axis = nullptr;
  const Signature *signature = nullptr;
  ModelInfo *model = nullptr;
};

struct FileScope {
  std::map<std::string, Entity> names;
  std::map<std::string, SourceRange> later; ///< all names of the file
  std::vector<const FileScope *> imports;
};

/// The block being checked.
struct BlockScope {
  enum class Kind { Fn, Layer, Cell, Dist, Model };
  /// Which names a first value may use, and a number that is fixed.
  enum class Rule { All, FirstState, FirstParam, Fixed };

  Kind kind = Kind::Fn;
  std::vector<std::unique_ptr<Local>> locals;
  std::map<std::string, Local *> names;
  std::vector<Local *> indices; ///< of the binders around
  std::map<std::string, SourceRange> later;
  std::map<std::string, SourceRange> nextLater;
  Rule rule = Rule::All;
  size_t outerIndices = 0;             ///< of the binders around what is fixed
  const ast::Expr *observed = nullptr; ///< what stands right of `~`
  const ast::DefineStmt *define = nullptr; ///< being checked
  SourceRange out;
  const ast::Expr *outValue = nullptr;
  Signature *signature = nullptr;
  ModelInfo *model = nullptr;
  bool nonCausal = false;
  int timeAxes = 0;        ///< declared so far
  unsigned height = 0;     ///< of its tallest expression
  unsigned below = 0;      ///< levels of what it is made of
  size_t errorsBefore = 0; ///< in a block with errors nothing is "never used"
};

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_SCOPE_H
