// Emit.cpp: the variants, the runtime and the tables become one file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module is optimised and made an object on a thread of its own: one for
// each variant, one for the tables and the API. They meet in the linker of a
// shared library, with the runtime, which is an object since the compiler was
// built. An object or an archive is to be one object that shows nothing but the
// API: there the optimised modules, the runtime's bitcode among them, become
// one before machine code is made.
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

CodePart::CodePart() : context(std::make_unique<llvm::LLVMContext>()) {}
CodePart::CodePart(CodePart &&) = default;
CodePart::~CodePart() = default;

void target::registerTranslations(mlir::MLIRContext &context) {
  mlir::registerBuiltinDialectTranslation(context);
  mlir::registerLLVMDialectTranslation(context);
}

/// Names the code of a variant, and says which machine it is for.
static void markCode(llvm::Module &module, const VariantInfo &info) {
  for (llvm::Function &f : module) {
    // What the other part has is named as it is there.
    if (!f.isDeclaration() || f.hasHiddenVisibility())
      f.setName(variantName(f.getName(), info.name));
    if (f.isDeclaration())
      continue;
    f.setDoesNotThrow();
    f.addFnAttr("target-cpu", info.cpu);
    if (!info.tune.empty())
      f.addFnAttr("tune-cpu", info.tune);
    if (!info.features.empty())
      f.addFnAttr("target-features", info.features);
    f.addFnAttr("prefer-vector-width", std::to_string(info.vectorBits));
  }
  for (llvm::GlobalVariable &g : module.globals())
    if (!g.isDeclaration())
      g.setLinkage(llvm::GlobalValue::PrivateLinkage);
}

llvm::Expected<VariantModule>
target::translate(llvm::ArrayRef<mlir::ModuleOp> parts,
                  const VariantInfo &info) {
  VariantModule result{info, {}};
  for (mlir::ModuleOp module : parts) {
    CodePart part;
    part.module = mlir::translateModuleToLLVMIR(module, *part.context, "model");
    if (!part.module)
      return llvm::createStringError(
          "the code could not be translated to LLVM");
    markCode(*part.module, info);
    result.parts.push_back(std::move(part));
  }
  return result;
}

static llvm::StringRef stringOf(const Bytes &bytes) {
  return llvm::StringRef(bytes.data(), bytes.size());
}

/// The function `name`, which one of the parts has.
static llvm::Function *findCode(VariantModule &variant, llvm::StringRef name) {
  for (CodePart &part : variant.parts)
    if (llvm::Function *f = part.module->getFunction(name))
      if (!f->isDeclaration())
        return f;
  return nullptr;
}

/// What the tables name stays, and what the parts take from each other; it is
/// seen by the other objects of the library and by nobody else.
static llvm::Error
exportEntries(VariantModule &variant,
              llvm::ArrayRef<std::pair<std::string, EntryKind>> entries) {
  for (const auto &[name, kind] : entries) {
    std::string full = variantName(name, variant.info.name);
    llvm::Function *f = findCode(variant, full);
    if (!f)
      return llvm::createStringError("the compiled code has no function `" +
                                     full + "`");
    f->setLinkage(llvm::GlobalValue::ExternalLinkage);
    f->setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
  for (CodePart &part : variant.parts)
    llvm::internalizeModule(*part.module, [](const llvm::GlobalValue &value) {
      return value.hasHiddenVisibility();
    });
  return llvm::Error::success();
}

/// The runtime as it was embedded.
static llvm::Expected<std::unique_ptr<llvm::Module>>
readRuntime(llvm::LLVMContext &context, const Architecture &architecture) {
  if (llvm::Error error = checkRuntime(architecture))
    return std::move(error);
  llvm::Expected<std::unique_ptr<llvm::Module>> runtime =
      llvm::parseBitcodeFile(
          llvm::MemoryBufferRef(runtimeBitcode(architecture.name), "runtime"),
          context);
  // What clang said about the runtime is of no use, and not the same on
  // every machine.
  if (runtime)
    if (auto *ident = (*runtime)->getNamedMetadata("llvm.ident"))
      (*runtime)->eraseNamedMetadata(ident);
  return runtime;
}

/// What the code of the variants calls is seen by it, and by nobody else.
static void keepCalled(llvm::Module &whole,
                       const std::vector<VariantModule> &variants,
                       llvm::StringSet<> &kept) {
  auto keep = [&](const llvm::Function &called) {
    llvm::Function *f = whole.getFunction(called.getName());
    if (!called.isDeclaration() || !f || f->isDeclaration())
      return;
    f->setVisibility(llvm::GlobalValue::HiddenVisibility);
    kept.insert(f->getName());
  };
  for (const VariantModule &variant : variants)
    for (const CodePart &part : variant.parts)
      for (const llvm::Function &called : *part.module)
        keep(called);
}

/// Adds the tables of the library and its API to `whole`, which has the
/// runtime or is linked with it; the names of the API.
static std::vector<std::string>
fillMain(llvm::Module &whole, const Library &library,
         const std::vector<VariantModule> &variants) {
  llvm::StringSet<> kept;
  kept.insert(kLibraryTable);
  keepCalled(whole, variants, kept);
  std::vector<VariantInfo> infos;
  for (const VariantModule &variant : variants)
    infos.push_back(variant.info);
  emitTables(whole, library, infos);
  std::vector<std::string> api = emitWrappers(whole, library);
  kept.insert_range(api);
  for (llvm::Function &f : whole)
    if (f.isDeclaration() && f.getName().starts_with("rnnc_rt_"))
      f.setVisibility(llvm::GlobalValue::HiddenVisibility);
  llvm::internalizeModule(whole, [&](const llvm::GlobalValue &value) {
    return kept.contains(value.getName());
  });
  return api;
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

/// Compiles all modules, the last of which has the tables, as many at once as
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

/// Devices and pipes are written to; a file must not take their place.
static llvm::Error writeInPlace(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code, llvm::sys::fs::CD_OpenExisting,
                          llvm::sys::fs::FA_Write, llvm::sys::fs::OF_None);
  if (code)
    return llvm::createFileError(path, code);
  os << bytes;
  os.flush();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return llvm::createFileError(path, code);
  }
  return llvm::Error::success();
}

llvm::Error target::writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  llvm::sys::fs::file_status status;
  if (path != "-" && !llvm::sys::fs::status(path, status) &&
      !llvm::sys::fs::is_regular_file(status))
    return writeInPlace(path, bytes);
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
  auto between = stack.deepest({"rnnc_rt_cut_loop", "rnnc_rt_parallel_for"});
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

/// What an object of the library may take from another one.
static llvm::StringSet<> definedBy(llvm::ArrayRef<llvm::Module *> modules) {
  llvm::StringSet<> defined;
  for (const llvm::Module *module : modules)
    for (const llvm::GlobalObject &one : module->global_objects())
      if (!one.isDeclaration() && !one.hasLocalLinkage())
        defined.insert(one.getName());
  return defined;
}

/// The runtime that was made before, and what its functions need of the stack.
static llvm::Error addRuntime(const llvm::Module &runtime,
                              const Architecture &architecture,
                              std::vector<Bytes> &objects, StackUse &stack) {
  llvm::StringRef object = runtimeObject(architecture.name);
  stack.readCalls(runtime);
  if (llvm::Error error = stack.readFrames(object))
    return error;
  objects.emplace_back(object.begin(), object.end());
  return llvm::Error::success();
}

static llvm::Error writeOutput(llvm::ArrayRef<Bytes> objects,
                               const EmitOptions &options) {
  if (options.output == Output::SharedLibrary)
    return writeShared(objects, options);
  llvm::StringRef bytes = stringOf(objects.front());
  return options.output == Output::Object
             ? writeFile(options.path, bytes)
             : writeArchiveFile(options.path, bytes);
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
    for (CodePart &part : variant.parts)
      modules.push_back(part.module.get());
  }
  bool shared = options.output == Output::SharedLibrary;
  const Architecture &architecture = *options.architecture;
  llvm::LLVMContext context, runtimeContext;
  auto runtime = readRuntime(shared ? runtimeContext : context, architecture);
  if (!runtime)
    return runtime.takeError();
  std::unique_ptr<llvm::Module> main =
      shared ? std::make_unique<llvm::Module>("library", context)
             : std::move(*runtime);
  main->setModuleIdentifier("library");
  main->setSourceFileName("library");
  std::vector<std::string> api = fillMain(*main, library, variants);
  modules.push_back(main.get());
  llvm::StringSet<> defined = definedBy(modules);
  StackUse stack;
  auto objects = compileModules(modules, options, shared, stack);
  if (objects && !shared)
    objects = joinModules(*objects, options, stack);
  if (!objects)
    return objects.takeError();
  if (shared) {
    defined.insert_range(definedBy(runtime->get()).keys());
    if (llvm::Error error =
            addRuntime(**runtime, architecture, *objects, stack))
      return error;
  }
  std::vector<std::string> compiled;
  for (const auto &[name, kind] : entries)
    for (const VariantInfo &info : infos)
      compiled.push_back(variantName(name, info.name));
  if (llvm::Error error = checkStack(stack, compiled, api, options))
    return error;
  for (const Bytes &bytes : *objects)
    if (llvm::Error error =
            checkObject(stringOf(bytes), architecture, infos, defined))
      return error;
  return writeOutput(*objects, options);
}
