// Interface.h: what a library offers, from what the compiled functions need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attributes of the compiled module (Dialect/Interface) say what the
// program is made of, and what every argument of its functions holds. From
// that follow the public functions, their arguments, where each argument of
// the compiled code comes from, the manifest, the header and the runtime's
// tables.
#ifndef RNNC_TARGET_INTERFACE_INTERFACE_H
#define RNNC_TARGET_INTERFACE_INTERFACE_H

#include "rnnc/Dialect/Grad/Update.h"
#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Runtime/Descriptors.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace rnnc::target {

/// Sizes, rt::kBatch, or rt::kTime - t for time axis t of the function.
using Shape = std::vector<int64_t>;

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<std::string> axes;
  rt::Init init = rt::InitConstant;
  std::string initName;
  double a = 0, b = 0;
  std::vector<double> table;
  uint32_t labelled = 0;
  bool trainable = true;
  int64_t offset = 0; ///< elements from the start of the arena
  int64_t kept = -1;  ///< place behind the packed weights, if it is read there
  int64_t count() const;
};

/// An input or output of the source, as the manifest describes it.
struct Port {
  std::string name, kind, distribution;
  std::string indexAxis; ///< of an index
  int64_t size = 0;      ///< of that axis; 0: a time axis
  bool output = false;
  std::vector<std::string> axes;
  bool unfold = false;
  std::optional<int64_t> start, stop, max;
  int64_t steps = 0; ///< of an unfold along a fixed axis
};

struct State {
  std::string name;
  std::vector<int64_t> shape; ///< of one row
  int64_t count = 1;
};

/// An argument of a public function.
struct Arg {
  std::string name;
  rt::Role role = rt::RoleInput;
  rt::DType dtype = rt::F32;
  Shape shape;
  bool optional = false;
  double defaultValue = 0;
  int64_t indexSize = 0;
  int time = -1;
  int drawn = 0; ///< of KindDrawEach: 1 + the kind of draw
  bool isResult() const { return role >= rt::RoleLoss; }
};

/// An argument or result of compiled code, and where it comes from.
struct EntryArg {
  rt::Source source = rt::SrcScratch;
  int index = 0;
  rt::DType dtype = rt::F32;
  Shape shape;
};

struct Entry {
  std::string symbol; ///< the code is SYMBOL.entry and SYMBOL.workspace
  std::vector<EntryArg> args;
  Shape dims;
  int results = 0; ///< the last arguments
};

struct Function {
  std::string name;   ///< "loss", "train_step", …
  std::string symbol; ///< its C name
  rt::FunctionKind kind = rt::KindPlain;
  std::vector<std::string> times;
  std::vector<Arg> args;
  Entry entry;
  std::optional<Entry> update;
  std::optional<Entry> begin; ///< of KindDraw
  rt::DrawDesc draw = {};     ///< of KindDraw
  std::vector<int> observed;  ///< of a loss: arguments that are predicted data
  int symbols = 0, start = -1, stop = -1;
  std::optional<int64_t> most; ///< steps that it draws if nobody says how many
  bool optionalSeed = false;   ///< without a seed nothing is drawn
  uint32_t nonempty = 0;       ///< bit t: rows must have a step on time axis t
  bool fromPrepared = false;   ///< prepared weights are all it reads
  bool usesSeed = false;
  bool usesCarry = false;
  bool usesStream = false;
};

struct Module {
  std::string name, kind, source;
  std::vector<Parameter> parameters;
  std::vector<Port> ports;
  std::vector<State> states;
  std::vector<std::string> nonempty; ///< time axes an argmax runs over
  std::vector<Function> functions;
  std::optional<Entry> prepare; ///< packs the weights
  int64_t prepared = 0;         ///< elements of packed weights
  int64_t kept = 0;             ///< elements of parameters that lie beside them
  int64_t arena = 0;            ///< elements
  int numSlots = 0;
  bool hasPrev = false;
  int64_t firstPrev = 0;
  int64_t prevSize = 0; ///< of the axis of the previous element
  rt::Schedule schedule = rt::ScheduleConstant;
  double scheduleA = 0, scheduleB = 0, scheduleC = 0;
  int64_t accumulate = 1; ///< batches of an update
  bool perExample = false;
  /// Of an update that may write new values over old ones; else its unit is 0.
  grad::UpdateReach reach;
  /// The arena with the weights that become a part of the library; or empty.
  std::vector<char> baked;
  interface::ModuleAttr declared; ///< what the program says of it
};

/// Code for GPUs that is part of a library.
struct GpuCode {
  std::string chip;   ///< "sm_80": the oldest that run it
  int capability = 0; ///< the same as a number
  std::string ptx;
  std::vector<std::string> kernels; ///< by number
};

struct Library {
  std::string name; ///< prefix of all symbols
  std::string precision = "f32";
  std::string target; ///< the machine it is for, as a triple
  std::vector<Module> modules;
  llvm::json::Object options; ///< how it was compiled
  std::optional<GpuCode> gpu;
  rt::DType real() const { return precision == "f64" ? rt::F64 : rt::F32; }
};

/// What a module whose functions stand on buffers offers; its attributes have
/// to stay alive. `allFunctions`: whatever `export` says.
llvm::Expected<Library> readInterface(mlir::ModuleOp module,
                                      llvm::StringRef libraryName,
                                      bool allFunctions);

/// The prefix of a library's symbols: the file's name without `lib` and its
/// ending, made a C identifier.
std::string symbolPrefix(llvm::StringRef fileName);
bool isCIdentifier(llvm::StringRef name);
/// Makes a C identifier.
std::string cName(llvm::StringRef name);

/// The manifest that stands in the library.
llvm::json::Object manifestJson(const Library &library);
std::string manifestText(const Library &library);
/// An attribute made of numbers, texts, lists and dictionaries.
llvm::json::Value toJson(mlir::Attribute attribute);
/// The C header.
std::string headerText(const Library &library);

/// Words of the manifest for enumerators.
llvm::StringRef roleName(rt::Role role);
llvm::StringRef dtypeName(rt::DType dtype);

} // namespace rnnc::target

#endif // RNNC_TARGET_INTERFACE_INTERFACE_H
