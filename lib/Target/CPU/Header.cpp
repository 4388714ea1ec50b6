// Header.cpp: the C header of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/Prototypes.h"

#include "HeaderCommon.inc"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::target;

/// A prototype, broken where the line is full.
static void prototype(llvm::raw_ostream &os, llvm::StringRef result,
                      llvm::StringRef name,
                      const std::vector<std::string> &parameters) {
  std::string line = (result + name + "(").str();
  size_t indent = line.size();
  if (parameters.empty())
    line += "void";
  for (size_t i = 0; i < parameters.size(); ++i) {
    std::string item = parameters[i] + (i + 1 < parameters.size() ? "," : "");
    if (i > 0 && line.size() + item.size() + 1 > 100) {
      os << line << "\n";
      line = std::string(indent, ' ') + item;
    } else {
      line += (i > 0 ? " " : "") + item;
    }
  }
  os << line << ");\n";
}

static std::vector<std::string>
spell(const std::vector<CParameter> &parameters) {
  std::vector<std::string> out;
  for (const CParameter &p : parameters)
    out.push_back(p.type + p.name);
  return out;
}

static std::string shapeText(const Arg &arg, const Function &f) {
  std::string out = "[";
  for (size_t i = 0; i < arg.shape.size(); ++i) {
    int64_t dim = arg.shape[i];
    out += i ? ", " : "";
    out += dim == rt::kBatch  ? "batch"
           : dim <= rt::kTime ? "max_" + f.times[size_t(rt::kTime - dim)]
                              : std::to_string(dim);
  }
  return out + "]";
}

static llvm::StringRef purpose(const Function &f) {
  return llvm::StringSwitch<llvm::StringRef>(f.name)
      .Case("loss", "The mean loss of a batch.")
      .Case("grad",
            "The loss and its gradient with respect to every parameter.")
      .Case("hvp",
            "The loss, its gradient, and the Hessian times a vector: how the "
            "gradient\n * changes in the direction `vec` of the parameters.")
      .Case("attention",
            "The weights with which each step looks at the others, where the "
            "outputs are\n * known.")
      .Case("state_grad",
            "The gradient of the loss of the last step with respect to every "
            "state after\n * every step; of states that run backward, of the "
            "loss of the first step.")
      .Case("train_step",
            "One update: gradient, clipping, optimiser. If a gradient is not "
            "finite\n * nothing changes but the optimiser's counters.")
      .Case("predict", "The most probable value of every output.")
      .Case("predict_chunk",
            "The same of the next part of every row: the states go on in "
            "`stream`, which\n * `step` shares. Parts one after the other give "
            "what the whole gives.")
      .Case("sample", "Draws sequences; the same seed gives the same ones.")
      .Case("beam", "The most probable sequences that a search of limited "
                    "width finds, best first.")
      .Case("begin", "What the steps of a sequence read, its first states and "
                     "what is fed to\n * the first `step`.")
      .Case("step", "One time step of every row.")
      .Case("forward", "The output of every row, at every step.")
      .Case("vjp",
            "The output as `forward` gives it, and gradients from cotangents. "
            "A first\n * state that is NULL has the gradient 0; the parameters "
            "it is made of get theirs.\n * Dropout draws from `seed` where "
            "there is one and has_seed is not 0.")
      .Default("");
}

/// What NULL stands for.
static llvm::StringRef whenNull(const Arg &arg) {
  switch (arg.role) {
  case rt::RoleLengths:
    return ": lengths, NULL: all full";
  case rt::RoleReset:
    return ": rows that begin anew, NULL: none but those that are new";
  case rt::RoleStateIn:
    return ": NULL: the declared first state";
  case rt::RoleInput:
    return ": NULL: none";
  case rt::RoleCot:
    return ": NULL: zeros";
  default:
    return arg.isResult() ? ": may be NULL" : "";
  }
}

static void describeArg(llvm::raw_ostream &os, const Arg &arg,
                        const Function &f, llvm::StringRef name) {
  os << " *   " << name;
  if (arg.role != rt::RoleOption)
    os << "  " << shapeText(arg, f) << (arg.isResult() ? " out" : "");
  else
    os << "  option, usually " << llvm::format("%g", arg.defaultValue);
  if (arg.optional)
    os << whenNull(arg);
  if (arg.indexSize > 0)
    os << ": in 0 ... " << arg.indexSize - 1;
  else if (arg.indexSize < 0)
    os << ": below the length of " << f.times[size_t(-1 - arg.indexSize)];
  os << "\n";
}

/// What a call may return.
static std::string statuses(const Library &library, const Function &f) {
  bool checksIndex = false, checksLength = false;
  for (const Arg &arg : f.args) {
    checksIndex |= arg.indexSize != 0 && !arg.isResult();
    checksLength |= arg.role == rt::RoleLengths;
  }
  std::string out =
      " * Bytes of the workspace from _workspace_size; 0: a size "
      "is negative, or cannot be held.\n * Errors: RNNC_ERR_ARGUMENT, "
      "_WORKSPACE, _STATE";
  if (checksIndex)
    out += ", _INDEX";
  if (checksLength)
    out += ", _LENGTH";
  if (f.nonempty)
    out += ", _EMPTY (a row has no step)";
  if (f.kind == rt::KindTrainStep)
    out += ", _NOT_FINITE";
  if (library.gpu)
    out += ", on a GPU also _DEVICE";
  return out + ".\n";
}

static void functionText(llvm::raw_ostream &os, const Library &library,
                         const Module &m, const Function &f) {
  std::vector<CParameter> parameters = callParameters(m, f);
  os << "/* " << purpose(f) << "\n";
  for (const CParameter &p : parameters)
    if (p.kind == CParam::Arg || p.kind == CParam::Option)
      describeArg(os, f.args[size_t(p.index)], f, p.name);
  os << statuses(library, f) << " */\n";
  prototype(os, "size_t ", f.symbol + "_workspace_size",
            spell(workspaceParameters(f)));
  if (readsPrepared(f))
    prototype(os, "size_t ", f.symbol + "_prepared_workspace_size",
              spell(workspaceParameters(f)));
  prototype(os, "int32_t ", f.symbol, spell(parameters));
  if (runsOnGPU(library, f)) {
    os << "/* The same with arrays on the GPU of the context, but for whole "
          "numbers that are read. The call goes into\n * `gpu_queue`, a "
          "CUstream, and returns without waiting where it can; NULL: it is "
          "done when it returns. */\n";
    prototype(os, "int32_t ", symbolOnGPU(f),
              spell(callParameters(m, f, /*onGPU=*/true)));
  }
  os << "\n";
}

static void objectText(llvm::raw_ostream &os, llvm::StringRef prefix,
                       const ObjectFunction &f) {
  os << "/* " << f.comment << " */\n";
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(f.signature).split(parts, ", ");
  std::vector<std::string> parameters(parts.begin(), parts.end());
  prototype(os, f.result, (prefix + "_" + f.suffix).str(), parameters);
}

/// Positions by name: `enum { net_M_PARAM_head_W = 0, ... net_M_PARAMS = 3 };`.
static void positions(llvm::raw_ostream &os, const std::string &prefix,
                      llvm::StringRef word,
                      const std::vector<std::string> &names) {
  os << "enum {\n";
  for (auto [i, name] : llvm::enumerate(positionNames(prefix, word, names)))
    os << "  " << name << " = " << i << ",\n";
  os << "  " << prefix << "_" << word << "S = " << names.size() << "\n};\n\n";
}

static void parameterTable(llvm::raw_ostream &os, const Library &library,
                           const Module &m, const std::string &prefix) {
  if (m.parameters.empty())
    return;
  int64_t width = library.real() == rt::F64 ? 8 : 4;
  std::vector<std::string> names;
  os << "/* Parameters, of " << (width == 8 ? "double" : "float")
     << ": position, name, shape, bytes after the first one.\n";
  for (auto [i, p] : llvm::enumerate(m.parameters)) {
    names.push_back(p.name);
    os << " *   " << i << "  " << p.name << "  [";
    llvm::interleaveComma(p.shape, os);
    os << "]  " << p.offset * width << (p.trainable ? "" : "  frozen") << "\n";
  }
  os << " */\n";
  positions(os, prefix, "PARAM", names);
}

/// States of a model lie in its stream; those of a cell are arguments.
static void stateTable(llvm::raw_ostream &os, const Library &library,
                       const Module &m, const std::string &prefix) {
  if (m.states.empty())
    return;
  std::vector<std::string> names;
  os << "/* States, of " << (library.real() == rt::F64 ? "double" : "float")
     << ": position, name, shape, elements of a row.";
  if (m.kind == "model")
    os << " In a stream they lie in that\n * order, each begins at a multiple "
          "of 64 bytes.";
  os << "\n";
  for (auto [i, s] : llvm::enumerate(m.states)) {
    names.push_back(s.name);
    os << " *   " << i << "  " << s.name << "  [batch";
    for (int64_t size : s.shape)
      os << ", " << size;
    os << "]  " << s.count << "\n";
  }
  os << " */\n";
  positions(os, prefix, "STATE", names);
}

static void moduleText(llvm::raw_ostream &os, const Library &library,
                       const Module &m) {
  os << "/* ---- " << m.kind << " " << m.source << " ---- */\n\n";
  std::string prefix = modulePrefix(library, m);
  parameterTable(os, library, m, prefix);
  stateTable(os, library, m, prefix);
  for (const ObjectFunction &f : objectFunctions(library, m))
    objectText(os, prefix, f);
  os << "\n";
  for (const Function &f : m.functions)
    functionText(os, library, m, f);
}

std::string target::headerText(const Library &library) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string guard =
      llvm::StringRef("RNNC_LIB_" + library.name + "_H").upper();
  os << "/* " << library.name << ": made by rnnc " RNNC_VERSION
     << ". Do not edit.\n *\n"
     << " * Arrays are row-major, [batch, time, feature]. What can fail "
        "returns an\n * rnnc_status and tells in `error`, which may be NULL, "
        "what is at fault.\n * Memory belongs to the caller; objects are "
        "aligned to 64 bytes. A size of 0:\n * no memory can hold it.\n"
        " * `prepared` may be NULL: the weights are packed inside the call. "
        "With prepared\n * weights a workspace of "
        "`_prepared_workspace_size` bytes is enough, and functions\n * "
        "without gradients take NULL for `params`.\n */\n"
     << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << kHeaderCommon << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  for (const ObjectFunction &f : libraryFunctions(library))
    objectText(os, library.name, f);
  os << "\n";
  for (const Module &m : library.modules)
    moduleText(os, library, m);
  os << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}
