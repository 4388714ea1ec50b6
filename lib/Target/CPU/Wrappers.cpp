// Wrappers.cpp: the typed C functions of a library as LLVM IR.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A typed function fills an rnnc_call and goes through the one way into the
// runtime; a function about an object puts the module's number in.
#include "Tables.h"

#include "rnnc/Runtime/ABI.h"
#include "rnnc/Target/CPU/Prototypes.h"

#include "llvm/IR/IRBuilder.h"

using namespace rnnc;
using namespace rnnc::target;

namespace {

class Emitter {
public:
  Emitter(llvm::Module &module, const Library &library)
      : module(module), library(library), b(module.getContext()) {
    ptr = b.getPtrTy();
  }
  std::vector<std::string> run();

private:
  llvm::Type *typeOf(llvm::StringRef c);
  llvm::Function *define(llvm::StringRef name, llvm::Type *result,
                         llvm::ArrayRef<llvm::Type *> parameters);
  void object(llvm::StringRef name, const ObjectFunction &f, int module);
  void workspaceSize(const Function &f, int module, int function,
                     bool prepared);
  void call(const Module &m, const Function &f, int module, int function,
            bool onGPU);
  void storeMemory(llvm::Value *call, bool onGPU);
  llvm::Value *timesArray(const Function &f, llvm::Function *wrapper,
                          const std::vector<CParameter> &parameters);
  void storeMissing(llvm::ArrayRef<CParameter> parameters, llvm::Value *call);
  void store(llvm::Value *value, llvm::Value *call, size_t offset);

  llvm::Module &module;
  const Library &library;
  llvm::IRBuilder<> b;
  llvm::Type *ptr;
  std::vector<std::string> names;
};

llvm::Type *Emitter::typeOf(llvm::StringRef c) {
  c = c.trim();
  if (c == "void")
    return b.getVoidTy();
  if (c.contains('*'))
    return ptr;
  if (c.contains("size_t") || c.contains("int64_t"))
    return b.getInt64Ty();
  if (c.starts_with("float"))
    return b.getFloatTy();
  if (c.starts_with("double"))
    return b.getDoubleTy();
  return b.getInt32Ty();
}

llvm::Function *Emitter::define(llvm::StringRef name, llvm::Type *result,
                                llvm::ArrayRef<llvm::Type *> parameters) {
  auto *type = llvm::FunctionType::get(result, parameters, false);
  auto *f = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage,
                                   name, module);
  f->setDoesNotThrow();
  // Two words that a caller has just pushed must not be read as one vector:
  // that would have to wait until both were written to memory.
  f->addFnAttr(llvm::Attribute::NoImplicitFloat);
  b.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "", f));
  names.push_back(name.str());
  return f;
}

/// Forwards to the runtime. The module's number follows the context where
/// there is one, else it comes first; functions of the library have none.
void Emitter::object(llvm::StringRef name, const ObjectFunction &f,
                     int moduleIndex) {
  llvm::SmallVector<llvm::Type *> types;
  llvm::SmallVector<llvm::StringRef> parts;
  if (f.signature != "void")
    llvm::StringRef(f.signature).split(parts, ", ");
  for (llvm::StringRef part : parts)
    types.push_back(typeOf(part));
  llvm::Type *result = typeOf(f.result);
  llvm::Function *wrapper = define(name, result, types);
  llvm::SmallVector<llvm::Value *> arguments;
  for (llvm::Argument &arg : wrapper->args())
    arguments.push_back(&arg);
  if (moduleIndex >= 0) {
    bool context = !parts.empty() && parts.front().contains("rnnc_context");
    arguments.insert(arguments.begin() + context, b.getInt32(moduleIndex));
  }
  llvm::SmallVector<llvm::Type *> full;
  for (llvm::Value *argument : arguments)
    full.push_back(argument->getType());
  llvm::FunctionCallee target = module.getOrInsertFunction(
      f.target, llvm::FunctionType::get(result, full, false));
  llvm::Value *value = b.CreateCall(target, arguments);
  if (result->isVoidTy())
    b.CreateRetVoid();
  else
    b.CreateRet(value);
}

llvm::Value *Emitter::timesArray(const Function &f, llvm::Function *wrapper,
                                 const std::vector<CParameter> &parameters) {
  if (f.times.empty())
    return llvm::ConstantPointerNull::get(llvm::cast<llvm::PointerType>(ptr));
  auto *type = llvm::ArrayType::get(b.getInt32Ty(), f.times.size());
  llvm::Value *times = b.CreateAlloca(type);
  for (size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].kind == CParam::Time)
      b.CreateStore(
          wrapper->getArg(unsigned(i)),
          b.CreateConstGEP2_32(type, times, 0, unsigned(parameters[i].index)));
  return times;
}

void Emitter::workspaceSize(const Function &f, int moduleIndex,
                            int functionIndex, bool prepared) {
  std::vector<CParameter> parameters = workspaceParameters(f);
  llvm::SmallVector<llvm::Type *> types;
  for (const CParameter &p : parameters)
    types.push_back(typeOf(p.type));
  llvm::Function *wrapper =
      define(f.symbol + (prepared ? "_prepared" : "") + "_workspace_size",
             b.getInt64Ty(), types);
  llvm::Value *times = timesArray(f, wrapper, parameters);
  llvm::FunctionCallee target = module.getOrInsertFunction(
      prepared ? "rnnc_rt_prepared_workspace_size" : "rnnc_rt_workspace_size",
      llvm::FunctionType::get(
          b.getInt64Ty(),
          {ptr, b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), ptr}, false));
  b.CreateRet(b.CreateCall(target, {wrapper->getArg(0),
                                    b.getInt32(unsigned(moduleIndex)),
                                    b.getInt32(unsigned(functionIndex)),
                                    wrapper->getArg(1), times}));
}

void Emitter::store(llvm::Value *value, llvm::Value *call, size_t offset) {
  b.CreateStore(value, b.CreateConstGEP1_64(b.getInt8Ty(), call, offset));
}

/// Where a parameter of a typed function goes in an rnnc_call; none for those
/// that are no field of it.
static std::optional<size_t> fieldOf(CParam kind) {
  switch (kind) {
  case CParam::Context:
  case CParam::Time:
  case CParam::Option:
  case CParam::Arg:
    return std::nullopt;
  case CParam::Params:
    return offsetof(rnnc_call, params);
  case CParam::Prepared:
    return offsetof(rnnc_call, prepared);
  case CParam::Optimizer:
    return offsetof(rnnc_call, optimizer);
  case CParam::Carry:
    return offsetof(rnnc_call, carry);
  case CParam::Stream:
    return offsetof(rnnc_call, stream);
  case CParam::Workspace:
    return offsetof(rnnc_call, workspace);
  case CParam::WorkspaceBytes:
    return offsetof(rnnc_call, workspace_bytes);
  case CParam::Batch:
    return offsetof(rnnc_call, batch);
  case CParam::Seed:
    return offsetof(rnnc_call, seed);
  case CParam::HasSeed:
    return offsetof(rnnc_call, has_seed);
  case CParam::Queue:
    return offsetof(rnnc_call, device_stream);
  case CParam::Error:
    return offsetof(rnnc_call, error);
  }
  return std::nullopt;
}

/// Fields that the function has no parameter for.
void Emitter::storeMissing(llvm::ArrayRef<CParameter> parameters,
                           llvm::Value *call) {
  auto isMissing = [&](CParam kind) {
    return llvm::none_of(parameters,
                         [&](const CParameter &p) { return p.kind == kind; });
  };
  for (CParam kind : {CParam::Params, CParam::Prepared, CParam::Optimizer,
                      CParam::Carry, CParam::Stream, CParam::Workspace,
                      CParam::WorkspaceBytes, CParam::Seed, CParam::Error})
    if (isMissing(kind))
      store(b.getInt64(0), call, *fieldOf(kind));
  if (isMissing(CParam::Batch))
    store(b.getInt32(0), call, offsetof(rnnc_call, batch));
  // Without an argument that says so, a seed is given.
  if (isMissing(CParam::HasSeed))
    store(b.getInt32(1), call, offsetof(rnnc_call, has_seed));
  store(b.getInt64(0), call, offsetof(rnnc_call, norms));
}

/// What follows `norms` is 0, or says where arrays lie.
void Emitter::storeMemory(llvm::Value *call, bool onGPU) {
  static_assert(offsetof(rnnc_call, reserved) ==
                offsetof(rnnc_call, memory) + 4);
  if (onGPU)
    store(b.getInt64(RNNC_MEMORY_DEVICE), call, offsetof(rnnc_call, memory));
}

void Emitter::call(const Module &m, const Function &f, int moduleIndex,
                   int functionIndex, bool onGPU) {
  std::vector<CParameter> parameters = callParameters(m, f, onGPU);
  llvm::SmallVector<llvm::Type *> types;
  for (const CParameter &p : parameters)
    types.push_back(typeOf(p.type));
  llvm::Function *wrapper =
      define(onGPU ? symbolOnGPU(f) : f.symbol, b.getInt32Ty(), types);
  // Without what is reserved: a call of that size asks for nothing else.
  size_t size = onGPU ? sizeof(rnnc_call) : offsetof(rnnc_call, device_stream);
  assert(size % sizeof(int64_t) == 0);
  auto *bytes = llvm::ArrayType::get(b.getInt64Ty(), size / sizeof(int64_t));
  llvm::Value *call = b.CreateAlloca(bytes);
  storeMissing(parameters, call);
  storeMemory(call, onGPU);
  store(b.getInt64(size), call, offsetof(rnnc_call, size));
  auto *list = llvm::ArrayType::get(ptr, f.args.size());
  llvm::Value *args = b.CreateAlloca(list);
  store(args, call, offsetof(rnnc_call, args));
  store(b.getInt32(unsigned(f.args.size())), call,
        offsetof(rnnc_call, num_args));
  store(b.getInt32(unsigned(f.times.size())), call,
        offsetof(rnnc_call, num_times));
  store(timesArray(f, wrapper, parameters), call, offsetof(rnnc_call, times));
  for (size_t i = 0; i < parameters.size(); ++i) {
    const CParameter &p = parameters[i];
    llvm::Value *value = wrapper->getArg(unsigned(i));
    value->setName(p.name);
    if (std::optional<size_t> field = fieldOf(p.kind))
      store(value, call, *field);
    if (p.kind == CParam::Option) {
      llvm::Value *place = b.CreateAlloca(value->getType());
      b.CreateStore(value, place);
      value = place;
    }
    if (p.kind == CParam::Option || p.kind == CParam::Arg)
      b.CreateStore(value,
                    b.CreateConstGEP2_32(list, args, 0, unsigned(p.index)));
  }
  llvm::FunctionCallee target = module.getOrInsertFunction(
      "rnnc_rt_call",
      llvm::FunctionType::get(
          b.getInt32Ty(), {ptr, b.getInt32Ty(), b.getInt32Ty(), ptr}, false));
  b.CreateRet(b.CreateCall(
      target, {wrapper->getArg(0), b.getInt32(unsigned(moduleIndex)),
               b.getInt32(unsigned(functionIndex)), call}));
}

std::vector<std::string> Emitter::run() {
  for (const ObjectFunction &f : libraryFunctions(library))
    object(library.name + "_" + f.suffix, f, -1);
  for (size_t i = 0; i < library.modules.size(); ++i) {
    const Module &m = library.modules[i];
    std::string prefix = modulePrefix(library, m) + "_";
    for (const ObjectFunction &f : objectFunctions(library, m))
      object(prefix + f.suffix, f, int(i));
    for (size_t k = 0; k < m.functions.size(); ++k) {
      workspaceSize(m.functions[k], int(i), int(k), false);
      if (readsPrepared(m.functions[k]))
        workspaceSize(m.functions[k], int(i), int(k), true);
      call(m, m.functions[k], int(i), int(k), /*onGPU=*/false);
      if (runsOnGPU(library, m.functions[k]))
        call(m, m.functions[k], int(i), int(k), /*onGPU=*/true);
    }
  }
  return names;
}

} // namespace

std::vector<std::string> target::emitWrappers(llvm::Module &module,
                                              const Library &library) {
  return Emitter(module, library).run();
}
