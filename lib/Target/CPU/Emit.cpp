// Emit.cpp: the variants, the runtime and the tables become one file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module is optimised and made an object on a thread of its own: one for
// each variant, one for the runtime with the tables and the API. They meet in
// the linker of a shared library. An object or an archive is to be one object
// that shows nothing but the API: there the optimised modules become one
// before machine code is made.
#include "CodeGen.h"
#include "Tables.h"

#include "rnnc/Runtime/Embedded.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace rnnc;
using namespace rnnc::target;

VariantModule::VariantModule(VariantInfo info,
                             std::unique_ptr<llvm::LLVMContext> context,
                             std::unique_ptr<llvm::Module> module)
    : info(std::move(info)), context(std::move(context)),
      module(std::move(module)) {}
VariantModule::VariantModule(VariantModule &&) = default;
VariantModule::~VariantModule() = default;

void target::registerTranslations(mlir::MLIRContext &context) {
  mlir::registerBuiltinDialectTranslation(context);
  mlir::registerLLVMDialectTranslation(context);
}

llvm::Expected<VariantModule> target::translate(mlir::ModuleOp module,
                                                const VariantInfo &info) {
  VariantModule result{info, std::make_unique<llvm::LLVMContext>(), nullptr};
  std::unique_ptr<llvm::Module> out =
      mlir::translateModuleToLLVMIR(module, *result.context, "model");
  if (!out)
    return llvm::createStringError("the code could not be translated to LLVM");
  for (llvm::Function &f : *out) {
    if (f.isDeclaration())
      continue;
    f.setName(variantName(f.getName(), info.name));
    f.setDoesNotThrow();
    f.addFnAttr("target-cpu", info.cpu);
    if (!info.tune.empty())
      f.addFnAttr("tune-cpu", info.tune);
    if (!info.features.empty())
      f.addFnAttr("target-features", info.features);
    f.addFnAttr("prefer-vector-width", std::to_string(info.vectorBits));
  }
  for (llvm::GlobalVariable &g : out->globals())
    if (!g.isDeclaration())
      g.setLinkage(llvm::GlobalValue::PrivateLinkage);
  result.module = std::move(out);
  return result;
}

static llvm::StringRef stringOf(const Bytes &bytes) {
  return llvm::StringRef(bytes.data(), bytes.size());
}

/// What the tables name stays; it is seen by the other objects of the library
/// and by nobody else.
static llvm::Error
exportEntries(VariantModule &variant,
              llvm::ArrayRef<std::pair<std::string, EntryKind>> entries) {
  llvm::StringSet<> kept;
  for (const auto &[name, kind] : entries) {
    std::string full = variantName(name, variant.info.name);
    llvm::Function *f = variant.module->getFunction(full);
    if (!f || f->isDeclaration())
      return llvm::createStringError("the compiled code has no function `" +
                                     full + "`");
    f->setLinkage(llvm::GlobalValue::ExternalLinkage);
    f->setVisibility(llvm::GlobalValue::HiddenVisibility);
    kept.insert(full);
  }
  llvm::internalizeModule(*variant.module, [&](const llvm::GlobalValue &value) {
    return kept.contains(value.getName());
  });
  return llvm::Error::success();
}

/// The runtime with the tables of the library and its API.
static llvm::Expected<std::unique_ptr<llvm::Module>>
makeMain(llvm::LLVMContext &context, const Architecture &architecture,
         const Library &library, const std::vector<VariantModule> &variants,
         std::vector<std::string> &api) {
  if (llvm::Error error = checkRuntime(architecture))
    return std::move(error);
  llvm::Expected<std::unique_ptr<llvm::Module>> runtime =
      llvm::parseBitcodeFile(
          llvm::MemoryBufferRef(runtimeBitcode(architecture.name), "runtime"),
          context);
  if (!runtime)
    return runtime.takeError();
  std::unique_ptr<llvm::Module> whole = std::move(*runtime);
  whole->setModuleIdentifier("library");
  whole->setSourceFileName("library");
  // What clang said about the runtime is of no use, and not the same on
  // every machine.
  if (llvm::NamedMDNode *ident = whole->getNamedMetadata("llvm.ident"))
    whole->eraseNamedMetadata(ident);
  llvm::StringSet<> kept;
  std::vector<VariantInfo> infos;
  for (const VariantModule &variant : variants) {
    infos.push_back(variant.info);
    // What the code of the variants calls.
    for (const llvm::Function &called : *variant.module) {
      llvm::Function *f = whole->getFunction(called.getName());
      if (!called.isDeclaration() || !f || f->isDeclaration())
        continue;
      f->setVisibility(llvm::GlobalValue::HiddenVisibility);
      kept.insert(f->getName());
    }
  }
  emitTables(*whole, library, infos);
  api = emitWrappers(*whole, library);
  for (const std::string &name : api)
    kept.insert(name);
  llvm::internalizeModule(*whole, [&](const llvm::GlobalValue &value) {
    return kept.contains(value.getName());
  });
  return whole;
}

/// Checks and optimises one module; the result is an object, or bitcode.
static llvm::Expected<Bytes> compileModule(llvm::Module &module, CodeKind kind,
                                           const EmitOptions &options,
                                           bool object, StackUse &stack) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      makeMachine(*options.architecture, options.optLevel);
  if (!machine)
    return machine.takeError();
  setTarget(module, **machine);
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(module, &stream))
    return llvm::createStringError("invalid code: " + message);
  optimise(module, **machine, options.optLevel, kind);
  if (object)
    return makeObject(module, **machine, stack);
  Bytes bytes;
  llvm::raw_svector_ostream os(bytes);
  llvm::WriteBitcodeToFile(module, os);
  return bytes;
}

/// Compiles all modules, the last of which has the runtime, as many at once as
/// the machine has threads.
static llvm::Expected<std::vector<Bytes>>
compileModules(llvm::ArrayRef<llvm::Module *> modules,
               const EmitOptions &options, bool objects, StackUse &stack) {
  std::vector<std::optional<llvm::Expected<Bytes>>> results(modules.size());
  std::vector<StackUse> stacks(modules.size());
  {
    llvm::DefaultThreadPool pool(
        llvm::hardware_concurrency(unsigned(modules.size())));
    for (size_t i = 0; i != modules.size(); ++i)
      pool.async([&, i] {
        CodeKind kind =
            i + 1 == modules.size() ? CodeKind::Runtime : CodeKind::Kernels;
        results[i].emplace(
            compileModule(*modules[i], kind, options, objects, stacks[i]));
      });
  }
  for (const StackUse &one : stacks)
    stack.add(one);
  std::vector<Bytes> out;
  llvm::Error errors = llvm::Error::success();
  for (std::optional<llvm::Expected<Bytes>> &result : results) {
    if (*result)
      out.push_back(std::move(**result));
    else
      errors = llvm::joinErrors(std::move(errors), result->takeError());
  }
  if (errors)
    return std::move(errors);
  return out;
}

/// One object of the bitcode of all modules, the last of which has the API.
static llvm::Expected<std::vector<Bytes>>
joinModules(llvm::ArrayRef<Bytes> modules, const EmitOptions &options,
            StackUse &stack) {
  llvm::LLVMContext context;
  auto whole = std::make_unique<llvm::Module>("library", context);
  llvm::Linker linker(*whole);
  for (const Bytes &bytes : modules) {
    auto part = llvm::parseBitcodeFile(
        llvm::MemoryBufferRef(stringOf(bytes), "part"), context);
    if (!part)
      return part.takeError();
    if (linker.linkInModule(std::move(*part)))
      return llvm::createStringError("the variants could not be linked");
  }
  llvm::internalizeModule(*whole, [](const llvm::GlobalValue &value) {
    return !value.hasHiddenVisibility();
  });
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      makeMachine(*options.architecture, options.optLevel);
  if (!machine)
    return machine.takeError();
  setTarget(*whole, **machine);
  llvm::Expected<Bytes> object = makeObject(*whole, **machine, stack);
  if (!object)
    return object.takeError();
  std::vector<Bytes> out;
  out.push_back(std::move(*object));
  return out;
}

llvm::Error target::writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << bytes;
    return llvm::Error::success();
  });
}

static llvm::Error writeArchiveFile(llvm::StringRef path,
                                    llvm::StringRef object) {
  llvm::SmallString<64> member(llvm::sys::path::stem(path));
  member += ".o";
  llvm::NewArchiveMember entry(llvm::MemoryBufferRef(object, member));
  return llvm::writeArchive(path, entry, llvm::SymtabWritingMode::NormalSymtab,
                            llvm::object::Archive::K_GNU,
                            /*Deterministic=*/true, /*Thin=*/false);
}

static llvm::Error writeShared(llvm::ArrayRef<Bytes> objects,
                               const EmitOptions &options) {
  std::vector<std::string> paths;
  llvm::Error error = llvm::Error::success();
  for (const Bytes &bytes : objects) {
    llvm::SmallString<128> path;
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("rnnc", "o", path)) {
      error = llvm::errorCodeToError(code);
      break;
    }
    paths.push_back(path.str().str());
    error = writeFile(path, stringOf(bytes));
    if (error)
      break;
  }
  if (!error)
    error = linkShared(paths, options);
  for (const std::string &path : paths)
    llvm::sys::fs::remove(path);
  return error;
}

static std::string moreStack(const std::string &what, uint64_t bytes,
                             uint64_t limit, const std::string &where) {
  return (llvm::Twine(what) + " may need " +
          llvm::Twine(llvm::divideCeil(bytes, 1024)) + " KB of stack" + where +
          ": more than the " + llvm::Twine(limit / 1024) + " KB that are usual")
      .str();
}

/// The stack that a call needs at most: down to the compiled code, through it,
/// and where it hands out tasks through that.
static llvm::Error checkStack(const StackUse &stack,
                              const std::vector<std::string> &compiled,
                              const std::vector<std::string> &api,
                              const EmitOptions &options) {
  auto above = stack.deepest(api);
  if (!above)
    return above.takeError();
  auto below = stack.deepest(compiled);
  if (!below)
    return below.takeError();
  auto between = stack.deepest({"rnnc_rt_parallel_for"});
  if (!between)
    return between.takeError();
  uint64_t bytes = above->bytes + below->bytes + between->bytes;
  auto [name, frame] = stack.largest();
  if (options.verbose)
    llvm::errs() << "stack of a call: at most " << bytes << " bytes, "
                 << below->bytes << " in "
                 << llvm::join(below->functions, " > ") << ", " << above->bytes
                 << " in " << llvm::join(above->functions, " > ") << "\n";
  if (options.warn && bytes > kMaxStackBytes)
    options.warn(moreStack("calls of this library", bytes, kMaxStackBytes,
                           ", most of all `" + name + "`"));
  else if (options.warn && frame > kMaxFrameBytes)
    options.warn(moreStack("`" + name + "`", frame, kMaxFrameBytes, ""));
  return llvm::Error::success();
}

llvm::Error target::emitLibrary(std::vector<VariantModule> variants,
                                const Library &library,
                                const EmitOptions &options) {
  auto entries = entryNames(library);
  std::vector<llvm::Module *> modules;
  std::vector<VariantInfo> infos;
  for (VariantModule &variant : variants) {
    if (llvm::Error error = exportEntries(variant, entries))
      return error;
    infos.push_back(variant.info);
    modules.push_back(variant.module.get());
  }
  llvm::LLVMContext context;
  std::vector<std::string> api;
  auto main = makeMain(context, *options.architecture, library, variants, api);
  if (!main)
    return main.takeError();
  modules.push_back(main->get());
  llvm::StringSet<> defined;
  for (const llvm::Module *module : modules)
    for (const llvm::Function &f : *module)
      if (!f.isDeclaration() && !f.hasLocalLinkage())
        defined.insert(f.getName());
  bool shared = options.output == Output::SharedLibrary;
  StackUse stack;
  auto objects = compileModules(modules, options, shared, stack);
  if (objects && !shared)
    objects = joinModules(*objects, options, stack);
  if (!objects)
    return objects.takeError();
  std::vector<std::string> compiled;
  for (const auto &[name, kind] : entries)
    for (const VariantInfo &info : infos)
      compiled.push_back(variantName(name, info.name));
  if (llvm::Error error = checkStack(stack, compiled, api, options))
    return error;
  for (const Bytes &bytes : *objects)
    if (llvm::Error error =
            checkObject(stringOf(bytes), *options.architecture, infos, defined))
      return error;
  if (shared)
    return writeShared(*objects, options);
  llvm::StringRef bytes = stringOf(objects->front());
  return options.output == Output::Object
             ? writeFile(options.path, bytes)
             : writeArchiveFile(options.path, bytes);
}
