// Prototypes.cpp: the C functions of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/Prototypes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace rnnc;
using namespace rnnc::target;

/// Words of C and C++, macros of their standard headers and of compilers, and
/// types that prototypes name: no parameter may be called like one.
static bool isTaken(llvm::StringRef name) {
  static const llvm::StringSet<> words = {
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor",
      "bool", "break", "case", "catch", "char", "char16_t", "char32_t",
      "char8_t", "class", "co_await", "co_return", "co_yield", "compl",
      "concept", "const", "const_cast", "consteval", "constexpr", "constinit",
      "continue", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false",
      "float", "for", "friend", "goto", "if", "inline", "int", "long",
      "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
      "operator", "or", "or_eq", "private", "protected", "public", "register",
      "reinterpret_cast", "requires", "restrict", "return", "short", "signed",
      "sizeof", "static", "static_assert", "static_cast", "struct", "switch",
      "template", "this", "thread_local", "throw", "true", "try", "typedef",
      "typeid", "typename", "typeof", "typeof_unqual", "union", "unsigned",
      "using", "virtual", "void", "volatile", "wchar_t", "while", "xor",
      "xor_eq",
      // Macros.
      "BUFSIZ", "CHAR_BIT", "EOF", "HUGE_VAL", "I", "INFINITY", "MB_CUR_MAX",
      "NAN", "NULL", "RAND_MAX", "assert", "complex", "errno", "i386",
      "imaginary", "linux", "noreturn", "offsetof", "setjmp", "stderr", "stdin",
      "stdout", "unix",
      // Types.
      "int32_t", "int64_t", "size_t", "uint64_t", "uint8_t"};
  return words.contains(name) || name.starts_with("rnnc_");
}

std::string target::uniqueName(const std::vector<CParameter> &parameters,
                               llvm::StringRef name) {
  std::string out = cName(name);
  if (isTaken(out))
    out += "_";
  while (llvm::any_of(parameters,
                      [&](const CParameter &p) { return p.name == out; }))
    out += "_";
  return out;
}

static std::string pointerType(const Arg &arg) {
  llvm::StringRef base = arg.dtype == rt::F64   ? "double"
                         : arg.dtype == rt::I32 ? "int32_t"
                         : arg.dtype == rt::I64 ? "int64_t"
                         : arg.dtype == rt::I1  ? "uint8_t"
                                                : "float";
  return (arg.isResult() ? "" : "const ") + base.str() + " *";
}

static std::string scalarType(const Arg &arg) {
  return arg.dtype == rt::I32   ? "int32_t "
         : arg.dtype == rt::F64 ? "double "
                                : "float ";
}

static void addTimes(std::vector<CParameter> &out, const Function &f) {
  for (size_t t = 0; t < f.times.size(); ++t)
    out.push_back({CParam::Time, "int32_t ",
                   uniqueName(out, "max_" + f.times[t]), int(t)});
}

std::vector<CParameter> target::callParameters(const Module &m,
                                               const Function &f, bool onGPU) {
  bool trains = f.kind == rt::KindTrainStep;
  std::vector<CParameter> out;
  out.push_back({CParam::Context, "const rnnc_context *", "context"});
  out.push_back({CParam::Params,
                 trains ? "rnnc_params *" : "const rnnc_params *", "params"});
  out.push_back({CParam::Prepared,
                 trains ? "rnnc_prepared *" : "const rnnc_prepared *",
                 "prepared"});
  if (trains)
    out.push_back({CParam::Optimizer, "rnnc_optimizer *", "optimizer"});
  if (f.usesCarry)
    out.push_back({CParam::Carry, "rnnc_carry *", "carry"});
  if (f.usesStream)
    out.push_back({CParam::Stream, "rnnc_stream *", "stream"});
  out.push_back({CParam::Workspace, "void *", "workspace"});
  out.push_back({CParam::WorkspaceBytes, "size_t ", "workspace_bytes"});
  out.push_back({CParam::Batch, "int32_t ", "batch"});
  addTimes(out, f);
  for (size_t i = 0; i < f.args.size(); ++i) {
    const Arg &arg = f.args[i];
    bool option = arg.role == rt::RoleOption;
    out.push_back({option ? CParam::Option : CParam::Arg,
                   option ? scalarType(arg) : pointerType(arg),
                   uniqueName(out, arg.name), int(i)});
  }
  if (f.usesSeed)
    out.push_back({CParam::Seed, "uint64_t ", uniqueName(out, "seed")});
  if (f.usesSeed && f.optionalSeed)
    out.push_back({CParam::HasSeed, "int32_t ", uniqueName(out, "has_seed")});
  if (onGPU)
    out.push_back({CParam::Queue, "void *", uniqueName(out, "gpu_queue")});
  out.push_back({CParam::Error, "rnnc_error *", uniqueName(out, "error")});
  return out;
}

bool target::runsOnGPU(const Library &library, const Function &f) {
  return library.gpu && f.kind != rt::KindSample && f.kind != rt::KindDraw &&
         f.kind != rt::KindDrawEach;
}

std::string target::symbolOnGPU(const Function &f) {
  return f.symbol + "_on_gpu";
}

std::vector<CParameter> target::workspaceParameters(const Function &f) {
  std::vector<CParameter> out;
  out.push_back({CParam::Context, "const rnnc_context *", "context"});
  out.push_back({CParam::Batch, "int32_t ", "batch"});
  addTimes(out, f);
  return out;
}

bool target::readsPrepared(const Function &f) {
  auto isPrepared = [](const EntryArg &arg) {
    return arg.source == rt::SrcPrepared;
  };
  return llvm::any_of(f.entry.args, isPrepared) ||
         (f.begin && llvm::any_of(f.begin->args, isPrepared));
}

/// Of libraries with code for GPUs.
static std::vector<ObjectFunction> gpuFunctions() {
  return {
      {"gpu_count", "rnnc_rt_gpu_count", "int32_t ", "rnnc_error *error",
       "How many GPUs the machine has; -1: there is no driver, or it fails, "
       "as `error` says. It opens\n * the driver, which nothing else does "
       "but making a context on a GPU."},
      {"gpu_context_create", "rnnc_rt_gpu_context_create", "rnnc_context *",
       "int32_t device, rnnc_error *error",
       "A context whose code runs on a GPU, by its number from 0 on; NULL if "
       "that fails.\n * RNNC_ERR_DEVICE: no driver, no such device, or one "
       "that is too old; the kernels are\n * refused; there is not enough "
       "memory. All functions take it in place of another context, with\n * "
       "arrays and objects of the host; context_destroy ends it."},
      {"gpu_name", "rnnc_rt_gpu_name", "const char *",
       "const rnnc_context *context",
       "What the driver calls the GPU of a context; empty: it has none."},
      {"gpu_grids", "rnnc_rt_gpu_grids", "int64_t ",
       "const rnnc_context *context, int64_t *refused",
       "How many time loops a context has run as one launch of many blocks; "
       "in `refused`, which may be\n * NULL, those of such loops whose steps "
       "were launched one by one, as the device has no room for\n * so many "
       "blocks at a time."},
  };
}

std::vector<ObjectFunction> target::libraryFunctions(const Library &library) {
  std::vector<ObjectFunction> out = {
      {"manifest", "rnnc_rt_manifest", "const char *", "void",
       "The library's description, JSON."},
      {"abi_version", "rnnc_rt_abi_version", "int32_t ", "void",
       "The version of this interface, RNNC_ABI_VERSION."},
      {"strerror", "rnnc_rt_strerror", "const char *", "int32_t status",
       "A status code in words."},
      {"context_size", "rnnc_rt_context_size", "size_t ", "void",
       "Bytes of a context; align its memory to 64."},
      {"context_init", "rnnc_rt_context_init", "int32_t ",
       "rnnc_context *context, size_t bytes, "
       "const rnnc_context_options *options, rnnc_error *error",
       "Makes a context: one thread and the best code if options is NULL."},
      {"context_finish", "rnnc_rt_context_finish", "void ",
       "rnnc_context *context", "Ends the threads of a context."},
      {"context_variant", "rnnc_rt_context_variant", "const char *",
       "const rnnc_context *context", "The name of the code that is used."},
      {"context_create", "rnnc_rt_context_create", "rnnc_context *",
       "const rnnc_context_options *options, rnnc_error *error",
       "A context in memory of its own; NULL if that fails."},
      {"context_destroy", "rnnc_rt_context_destroy", "void ",
       "rnnc_context *context", "Ends and frees what context_create made."},
      {"describe", "rnnc_rt_describe", "int32_t ", "rnnc_library *library",
       "All of this as function pointers, for tools that read the manifest; "
       "set\n * `library->size` before."},
  };
  if (library.gpu)
    llvm::append_range(out, gpuFunctions());
  return out;
}

static std::vector<ObjectFunction> parameterFunctions() {
  return {
      {"params_size", "rnnc_rt_params_size", "size_t ", "void",
       "Bytes of the parameters; align their memory to 64."},
      {"params_init", "rnnc_rt_params_init", "int32_t ",
       "rnnc_params *params, size_t bytes, uint64_t seed, rnnc_error *error",
       "Draws the first values."},
      {"params_data", "rnnc_rt_params_data", "void *",
       "rnnc_params *params, int32_t parameter",
       "The values of a parameter, by its position in the manifest; NULL past "
       "the last."},
      {"params_data_const", "rnnc_rt_params_data_const", "const void *",
       "const rnnc_params *params, int32_t parameter", "The same, to read."},
      {"params_load", "rnnc_rt_params_load", "int32_t ",
       "rnnc_params *params, const void *safetensors, size_t bytes, "
       "rnnc_error *error",
       "Takes all parameters from a safetensors file in memory, or none."},
      {"params_load_file", "rnnc_rt_params_load_file", "int32_t ",
       "rnnc_params *params, const char *path, rnnc_error *error",
       "The same from a file; it is read into memory that is freed again. "
       "Also\n * RNNC_ERR_FILE."},
      {"params_save_size", "rnnc_rt_params_save_size", "size_t ", "void",
       "Bytes of the parameters as a safetensors file."},
      {"params_save", "rnnc_rt_params_save", "int32_t ",
       "const rnnc_params *params, void *safetensors, size_t bytes, "
       "rnnc_error *error",
       "Writes that file into memory. RNNC_ERR_WORKSPACE: `bytes` are too few; "
       "RNNC_ERR_STATE,\n * RNNC_ERR_ARGUMENT: as for params_load."},
      {"params_save_file", "rnnc_rt_params_save_file", "int32_t ",
       "const rnnc_params *params, const char *path, rnnc_error *error",
       "Writes that file as PATH.tmp and renames it: nobody sees a half one. "
       "RNNC_ERR_FILE: the\n * disc refuses."},
      {"params_find", "rnnc_rt_params_find", "const void *",
       "const rnnc_params *params, const char *name, rnnc_tensor *info",
       "The values of a parameter by its name, and what it is in `info`, which "
       "may be NULL. NULL:\n * there is none, or `params` (which may be NULL) "
       "is "
       "not initialised. To write, take\n * params_data(params, "
       "info.position)."},
      {"prepared_size", "rnnc_rt_prepared_size", "size_t ",
       "const rnnc_context *context", "Bytes of prepared weights."},
      {"prepare", "rnnc_rt_prepare", "int32_t ",
       "const rnnc_context *context, const rnnc_params *params, "
       "rnnc_prepared *prepared, size_t bytes, rnnc_error *error",
       "Packs weights for the products; again after every change of the "
       "parameters.\n * Functions without gradients then take NULL for "
       "`params`."},
  };
}

/// Objects that stay on a GPU.
static std::vector<ObjectFunction> gpuObjectFunctions() {
  return {
      {"gpu_upload", "rnnc_rt_gpu_upload", "int32_t ",
       "const rnnc_context *context, const rnnc_params *params, "
       "const rnnc_prepared *prepared, rnnc_error *error",
       "Copies parameters, prepared weights, or both (the other is NULL) to "
       "the GPU of a context. Calls with\n * that context read the copy from "
       "then on; `train_step` renews it, and whoever else changes what\n * was "
       "copied does so by calling this again."},
      {"gpu_release", "rnnc_rt_gpu_release", "int32_t ",
       "const rnnc_context *context, const rnnc_params *params, "
       "const rnnc_prepared *prepared, rnnc_error *error",
       "Frees the copies, and brings what is newer. Needed before the memory "
       "of the objects is used otherwise."},
  };
}

/// What a training changes there.
static std::vector<ObjectFunction> gpuTrainingFunctions() {
  return {
      {"gpu_keep", "rnnc_rt_gpu_keep", "int32_t ",
       "const rnnc_context *context, rnnc_params *params, "
       "rnnc_optimizer *optimizer, rnnc_error *error",
       "Parameters and the optimiser's state live on the GPU of a context: "
       "`train_step` with that context\n * changes them there and copies none "
       "of them, and its other calls read them there. The host's are\n * old "
       "until gpu_fetch; another context refuses them (RNNC_ERR_STATE). "
       "Again, after the host has\n * written to them through pointers. "
       "RNNC_ERR_UNSUPPORTED: `train` says `accumulate`."},
      {"gpu_fetch", "rnnc_rt_gpu_fetch", "int32_t ",
       "const rnnc_context *context, rnnc_params *params, "
       "rnnc_optimizer *optimizer, rnnc_error *error",
       "Brings what is newer on the GPU; it goes on living there."},
  };
}

/// What a step changes there.
static std::vector<ObjectFunction> gpuStreamFunctions() {
  return {
      {"gpu_stream_keep", "rnnc_rt_gpu_stream_keep", "int32_t ",
       "const rnnc_context *context, rnnc_stream *stream, rnnc_error *error",
       "The states of a stream live on the GPU of a context: `step` with that "
       "context changes them there\n * and copies none of them. The host's are "
       "old until gpu_stream_fetch: stream_state gives NULL,\n * and another "
       "context refuses the stream (RNNC_ERR_STATE). Again after stream_init."},
      {"gpu_stream_fetch", "rnnc_rt_gpu_stream_fetch", "int32_t ",
       "const rnnc_context *context, rnnc_stream *stream, int32_t end, "
       "rnnc_error *error",
       "Brings the states; they go on living on the GPU, or with `end` not 0 "
       "they do not. Needed before the\n * memory of the stream is used "
       "otherwise."},
  };
}

static std::vector<ObjectFunction> optimizerFunctions() {
  return {
      {"optimizer_size", "rnnc_rt_optimizer_size", "size_t ", "void",
       "Bytes of the optimiser's state."},
      {"optimizer_init", "rnnc_rt_optimizer_init", "int32_t ",
       "rnnc_optimizer *optimizer, size_t bytes, rnnc_error *error",
       "An optimiser that has seen nothing."},
      {"optimizer_slot", "rnnc_rt_optimizer_slot", "void *",
       "rnnc_optimizer *optimizer, int32_t slot",
       "One value for each parameter entry; NULL past the last."},
      {"optimizer_slot_const", "rnnc_rt_optimizer_slot_const", "const void *",
       "const rnnc_optimizer *optimizer, int32_t slot", "The same, to read."},
      {"optimizer_find", "rnnc_rt_optimizer_find", "const void *",
       "const rnnc_optimizer *optimizer, int32_t slot, const char *name, "
       "rnnc_tensor *info",
       "What slot `slot` holds for the parameter of that name; NULL: there is "
       "none."},
      {"optimizer_counters", "rnnc_rt_optimizer_counters",
       "rnnc_optimizer_counters *", "rnnc_optimizer *optimizer",
       "The counters that steer the learning rate."},
      {"optimizer_counters_const", "rnnc_rt_optimizer_counters_const",
       "const rnnc_optimizer_counters *", "const rnnc_optimizer *optimizer",
       "The same, to read."},
  };
}

static std::vector<ObjectFunction> carryFunctions() {
  return {
      {"carry_size", "rnnc_rt_carry_size", "size_t ", "int32_t batch",
       "Bytes of what goes on from chunk to chunk."},
      {"carry_init", "rnnc_rt_carry_init", "int32_t ",
       "rnnc_carry *carry, size_t bytes, int32_t batch, rnnc_error *error",
       "All rows begin with the declared first states."},
  };
}

static std::vector<ObjectFunction> streamFunctions() {
  return {
      {"stream_size", "rnnc_rt_stream_size", "size_t ", "int32_t batch",
       "Bytes of the states of `step`."},
      {"stream_init", "rnnc_rt_stream_init", "int32_t ",
       "const rnnc_context *context, const rnnc_params *params, "
       "rnnc_stream *stream, size_t bytes, int32_t batch, rnnc_error *error",
       "All rows begin with the declared first states."},
      {"stream_state", "rnnc_rt_stream_state", "void *",
       "rnnc_stream *stream, int32_t state",
       "A state, [batch, shape...], by its position in the manifest, to "
       "write: all\n * states of all rows are what is there from now on."},
      {"stream_state_const", "rnnc_rt_stream_state_const", "const void *",
       "const rnnc_stream *stream, int32_t state",
       "The same, to read; zeros in a row that begins anew."},
      {"stream_reset", "rnnc_rt_stream_reset", "int32_t ",
       "rnnc_stream *stream, const int32_t *rows, rnnc_error *error",
       "Rows with a 1 begin anew, those with a 0 do not; NULL: all."},
      {"stream_copy", "rnnc_rt_stream_copy", "int32_t ",
       "rnnc_stream *to, size_t bytes, const rnnc_stream *from, "
       "rnnc_error *error",
       "`to` goes on from where `from` is; it needs no `_init`."},
      {"stream_find", "rnnc_rt_stream_find", "const void *",
       "const rnnc_stream *stream, const char *name, rnnc_tensor *info",
       "A state by its name, [batch, shape...]; what it is in `info`, which "
       "may "
       "be NULL. NULL: there\n * is none, or `stream` (which may be NULL) is "
       "not "
       "initialised. A row that has had no step yet\n * holds zeros. To write, "
       "take stream_state(stream, info.position)."},
      {"stream_batch", "rnnc_rt_stream_batch", "int32_t ",
       "const rnnc_stream *stream", "Its rows; -1: it is not initialised."},
      {"stream_load", "rnnc_rt_stream_load", "int32_t ",
       "rnnc_stream *stream, size_t bytes, const void *saved, "
       "size_t saved_bytes, rnnc_error *error",
       "`stream` goes on from where the stream was whose bytes, all "
       "stream_size(rows) of them, were\n * kept: by any library with this "
       "model "
       "in the same precision, in any variant of the code, on\n * a machine of "
       "the same byte order. `stream` needs no `_init`, `saved` no alignment. "
       "RNNC_ERR_STATE:\n * they are something else, or damaged; "
       "RNNC_ERR_WORKSPACE: `bytes` are too few."},
  };
}

static std::vector<ObjectFunction> bakedFunctions() {
  return {
      {"params_baked", "rnnc_rt_params_baked", "const rnnc_params *", "void",
       "The weights that are part of the library: parameters that are ready, "
       "read-only and shared by\n * all processes."},
      {"params_init_baked", "rnnc_rt_params_init_baked", "int32_t ",
       "rnnc_params *params, size_t bytes, rnnc_error *error",
       "A copy of them that can be trained, in place of the first values of "
       "params_init.\n * RNNC_ERR_WORKSPACE: `bytes` are less than "
       "params_size()."},
  };
}

/// For those who want to use a model and no more.
static std::vector<ObjectFunction> sessionFunctions(bool baked) {
  std::string path =
      baked ? "`path` names a safetensors file, or is NULL for the weights of "
              "the library"
            : "`path` names a safetensors file";
  return {
      {"open", "rnnc_rt_open", "rnnc_session *",
       "const char *path, int32_t batch, const rnnc_context_options *options, "
       "rnnc_error *error",
       "All that a use needs: context (`options` may be NULL), parameters, "
       "prepared weights and a\n * stream of `batch` rows, in memory of their "
       "own. " +
           path +
           ".\n * NULL: `error` says why (the errors of "
           "params_load_file, context_init; RNNC_ERR_WORKSPACE:\n * no "
           "memory)."},
      {"reserve", "rnnc_rt_reserve", "int32_t ",
       "rnnc_session *session, size_t bytes, rnnc_error *error",
       "Makes its workspace at least that large, by allocating: what a "
       "_workspace_size says may\n * be given as it is. RNNC_ERR_ARGUMENT: it "
       "is 0, which no call needs; RNNC_ERR_WORKSPACE: no\n * memory."},
      {"close", "rnnc_rt_close", "void ", "rnnc_session *session",
       "Frees all of it; NULL is fine."},
  };
}

std::vector<ObjectFunction> target::objectFunctions(const Library &library,
                                                    const Module &m) {
  bool trains = false, carries = false, streams = false;
  for (const Function &f : m.functions) {
    trains |= f.kind == rt::KindTrainStep;
    carries |= f.usesCarry;
    streams |= f.usesStream;
  }
  std::vector<ObjectFunction> out = parameterFunctions();
  if (!m.baked.empty())
    llvm::append_range(out, bakedFunctions());
  if (library.gpu)
    llvm::append_range(out, gpuObjectFunctions());
  if (library.gpu && trains)
    llvm::append_range(out, gpuTrainingFunctions());
  if (library.gpu && streams)
    llvm::append_range(out, gpuStreamFunctions());
  if (trains)
    llvm::append_range(out, optimizerFunctions());
  if (carries)
    llvm::append_range(out, carryFunctions());
  if (streams)
    llvm::append_range(out, streamFunctions());
  llvm::append_range(out, sessionFunctions(!m.baked.empty()));
  return out;
}

std::string target::modulePrefix(const Library &library, const Module &m) {
  return library.name + "_" + cName(m.name);
}

std::vector<std::string>
target::positionNames(const std::string &prefix, llvm::StringRef word,
                      const std::vector<std::string> &names) {
  std::vector<CParameter> taken;
  std::vector<std::string> out;
  for (const std::string &name : names) {
    taken.push_back({CParam::Arg, "", uniqueName(taken, name)});
    out.push_back((prefix + "_" + word + "_" + taken.back().name).str());
  }
  return out;
}

std::string target::repeatedName(const Library &library) {
  std::vector<std::string> all;
  for (const ObjectFunction &f : libraryFunctions(library))
    all.push_back(library.name + "_" + f.suffix);
  for (const Module &m : library.modules) {
    std::string prefix = modulePrefix(library, m);
    for (const ObjectFunction &f : objectFunctions(library, m))
      all.push_back(prefix + "_" + f.suffix);
    for (const Function &f : m.functions) {
      all.push_back(f.symbol);
      if (runsOnGPU(library, f))
        all.push_back(symbolOnGPU(f));
      all.push_back(f.symbol + "_workspace_size");
    }
    std::vector<std::string> parameters, states;
    for (const Parameter &p : m.parameters)
      parameters.push_back(p.name);
    for (const State &s : m.states)
      states.push_back(s.name);
    llvm::append_range(all, positionNames(prefix, "PARAM", parameters));
    llvm::append_range(all, positionNames(prefix, "STATE", states));
  }
  llvm::StringSet<> seen;
  for (const std::string &name : all)
    if (!seen.insert(name).second)
      return name;
  return "";
}
