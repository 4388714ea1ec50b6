// Tables.cpp: the constant tables of rnnc/Runtime/Descriptors.h as LLVM IR.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function below writes one structure, field by field in its order. LLVM
// lays a struct of these types out as C does.
#include "Tables.h"

#include "Straight.h"

#include "rnnc/Target/CPU/PackText.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/xxhash.h"

using namespace rnnc;
using namespace rnnc::target;

static std::string entryName(llvm::StringRef symbol, EntryKind kind) {
  return (symbol + (kind == EntryKind::Run ? ".entry" : ".workspace")).str();
}

namespace {

class Emitter {
public:
  Emitter(llvm::Module &module, const Library &library,
          const std::vector<VariantInfo> &variants)
      : module(module), context(module.getContext()), library(library),
        variants(variants) {}

  void run();

private:
  using Fields = llvm::SmallVector<llvm::Constant *, 16>;

  llvm::Constant *i64(int64_t v) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), uint64_t(v));
  }
  llvm::Constant *i32(int64_t v) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context),
                                  uint64_t(v) & 0xffffffffu);
  }
  llvm::Constant *f64(double v) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context), v);
  }
  llvm::Constant *null() {
    return llvm::ConstantPointerNull::get(
        llvm::PointerType::getUnqual(context));
  }
  llvm::Constant *structure(const Fields &fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  llvm::GlobalVariable *global(llvm::Constant *value, llvm::StringRef name) {
    auto *g = new llvm::GlobalVariable(module, value->getType(), true,
                                       llvm::GlobalValue::PrivateLinkage, value,
                                       name);
    g->setAlignment(llvm::Align(8));
    return g;
  }
  /// An array of constants of one type; null if empty.
  llvm::Constant *array(const Fields &values, llvm::StringRef name) {
    if (values.empty())
      return null();
    auto *type = llvm::ArrayType::get(values.front()->getType(), values.size());
    return global(llvm::ConstantArray::get(type, values), name);
  }
  llvm::Constant *string(llvm::StringRef text, llvm::StringRef name = "text") {
    auto *g = global(llvm::ConstantDataArray::getString(context, text), name);
    g->setAlignment(llvm::Align(1));
    return g;
  }
  llvm::Constant *numbers(llvm::ArrayRef<int64_t> values) {
    Fields out;
    for (int64_t v : values)
      out.push_back(i64(v));
    return array(out, "shape");
  }

  llvm::Constant *parameter(const Parameter &p);
  llvm::Constant *argument(const Arg &arg);
  llvm::Function *codeOf(llvm::StringRef symbol, EntryKind kind,
                         const VariantInfo &variant);
  llvm::Constant *code(llvm::StringRef symbol, EntryKind kind);
  llvm::Constant *entry(const Entry &e);
  void handOver(const Entry &e, llvm::Constant *table,
                const VariantInfo &variant);
  llvm::Constant *gpu();
  llvm::Constant *places(llvm::ArrayRef<rt::PlaceDesc> places);
  llvm::Constant *draw(const Function &f);
  llvm::Constant *straight(const Module &m, const Function &f);
  llvm::Constant *function(const Module &m, const Function &f);
  llvm::Constant *moduleTable(const Module &m);
  llvm::Constant *baked(const Module &m);

  llvm::Module &module;
  llvm::LLVMContext &context;
  const Library &library;
  const std::vector<VariantInfo> &variants;
};

llvm::Constant *Emitter::parameter(const Parameter &p) {
  Fields table;
  for (double value : p.table)
    table.push_back(f64(value));
  return structure({string(p.name), numbers(p.shape), array(table, "first"),
                    i64(p.offset), i64(p.count()), f64(p.a), f64(p.b),
                    i32(int64_t(p.shape.size())), i32(p.init), i32(p.labelled),
                    i32(p.trainable), i64(p.kept)});
}

llvm::Constant *Emitter::argument(const Arg &arg) {
  return structure({string(arg.name), numbers(arg.shape), i64(arg.indexSize),
                    f64(arg.defaultValue), i32(arg.role), i32(arg.dtype),
                    i32(int64_t(arg.shape.size())), i32(arg.optional),
                    i32(arg.time), i32(arg.drawn)});
}

/// The code of a variant; other objects of the library define it.
llvm::Function *Emitter::codeOf(llvm::StringRef symbol, EntryKind kind,
                                const VariantInfo &variant) {
  auto *ptr = llvm::PointerType::getUnqual(context);
  auto *type = kind == EntryKind::Run
                   ? llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                             {ptr, ptr, ptr, ptr}, false)
                   : llvm::FunctionType::get(llvm::Type::getInt64Ty(context),
                                             {ptr}, false);
  std::string name = variantName(entryName(symbol, kind), variant.name);
  auto *f = llvm::cast<llvm::Function>(
      module.getOrInsertFunction(name, type).getCallee());
  f->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return f;
}

/// What the runtime calls for code on a device.
static std::string handedOver(llvm::StringRef symbol, EntryKind kind) {
  return variantName(entryName(symbol, kind), "device");
}

/// The function of every variant.
llvm::Constant *Emitter::code(llvm::StringRef symbol, EntryKind kind) {
  Fields out;
  for (const VariantInfo &variant : variants) {
    llvm::Function *f = codeOf(symbol, kind, variant);
    if (variant.device)
      f = llvm::cast<llvm::Function>(
          module
              .getOrInsertFunction(handedOver(symbol, kind),
                                   f->getFunctionType())
              .getCallee());
    out.push_back(f);
  }
  return array(out, "code");
}

/// The entry of a device gives the runtime its code on the host. What that
/// needs as a workspace lies on the device: the caller has to give none.
void Emitter::handOver(const Entry &e, llvm::Constant *table,
                       const VariantInfo &variant) {
  auto define = [&](EntryKind kind) {
    llvm::Function *f = module.getFunction(handedOver(e.symbol, kind));
    f->setLinkage(llvm::GlobalValue::InternalLinkage);
    f->setDoesNotThrow();
    return f;
  };
  llvm::Function *size = define(EntryKind::Workspace);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "", size));
  b.CreateRet(b.getInt64(0));
  llvm::Function *run = define(EntryKind::Run);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "", run));
  llvm::SmallVector<llvm::Value *> arguments = {
      table,
      codeOf(e.symbol, EntryKind::Run, variant),
      codeOf(e.symbol, EntryKind::Workspace, variant),
      run->getArg(0),
      run->getArg(1),
      run->getArg(3)};
  llvm::SmallVector<llvm::Type *> types(arguments.size(), b.getPtrTy());
  b.CreateCall(module.getOrInsertFunction(
                   "rnnc_rt_gpu_run",
                   llvm::FunctionType::get(b.getVoidTy(), types, false)),
               arguments);
  b.CreateRetVoid();
}

/// The kernels, as packed text that the driver makes code of.
llvm::Constant *Emitter::gpu() {
  if (!library.gpu)
    return null();
  Fields names;
  for (const std::string &name : library.gpu->kernels)
    names.push_back(string(name, "kernel"));
  // With the byte behind it that ends a text.
  llvm::StringRef text(library.gpu->ptx.c_str(), library.gpu->ptx.size() + 1);
  auto *ptx = llvm::cast<llvm::GlobalVariable>(string(packText(text), "ptx"));
  ptx->setSection(".rodata.rnnc.ptx");
  auto *ptr = llvm::PointerType::getUnqual(context);
  auto *type = llvm::FunctionType::get(
      ptr, {llvm::Type::getInt32Ty(context), ptr}, false);
  auto *open = llvm::cast<llvm::Function>(
      module.getOrInsertFunction("rnnc_rt_gpu_open", type).getCallee());
  // Those of the runtime: they are called with types that it knows.
  auto runtime = [&](llvm::StringRef name) {
    auto *none = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
    return llvm::cast<llvm::Constant>(
        module.getOrInsertFunction(name, none).getCallee());
  };
  return global(
      structure({ptx, array(names, "kernels"), i32(int64_t(names.size())),
                 i32(library.gpu->capability), open,
                 runtime("rnnc_rt_gpu_keep"), runtime("rnnc_rt_gpu_fetch"),
                 runtime("rnnc_rt_gpu_stream_keep"),
                 runtime("rnnc_rt_gpu_stream_fetch")}),
      "gpu");
}

llvm::Constant *Emitter::entry(const Entry &e) {
  Fields args;
  for (const EntryArg &arg : e.args)
    args.push_back(
        structure({numbers(arg.shape), i32(arg.source), i32(arg.index),
                   i32(arg.dtype), i32(int64_t(arg.shape.size()))}));
  llvm::Constant *all = array(args, "bindings");
  llvm::Constant *dims = numbers(e.dims);
  llvm::Constant *run = code(e.symbol, EntryKind::Run);
  llvm::Constant *size = code(e.symbol, EntryKind::Workspace);
  llvm::Constant *table =
      global(structure({all, dims, run, size, i32(int64_t(e.args.size())),
                        i32(int64_t(e.dims.size())), i32(e.results), i32(0)}),
             "entry");
  for (const VariantInfo &variant : variants)
    if (variant.device)
      handOver(e, table, variant);
  return table;
}

llvm::Constant *Emitter::places(llvm::ArrayRef<rt::PlaceDesc> places) {
  Fields out;
  for (const rt::PlaceDesc &place : places)
    out.push_back(structure({i64(place.offset), i64(place.base)}));
  return array(out, "places");
}

llvm::Constant *Emitter::straight(const Module &m, const Function &f) {
  std::optional<Straight> s = straightOf(library, m, f);
  if (!s)
    return null();
  Fields indices;
  for (const rt::IndexDesc &index : s->indices)
    indices.push_back(
        structure({i64(index.count), i32(index.argument), i32(index.size)}));
  llvm::Constant *alone = s->alone ? places(*s->alone) : null();
  return global(
      structure({places(s->places), alone, array(indices, "indices"),
                 i64(s->args), i64(s->work), i64(s->prevOut),
                 i64(s->stateBytes), i32(int64_t(indices.size())),
                 i32(s->maxBatch), i32(s->needsPrepared), i32(s->unaligned)}),
      "straight");
}

llvm::Constant *Emitter::draw(const Function &f) {
  if (!f.begin)
    return null();
  const rt::DrawDesc &d = f.draw;
  return global(
      structure({entry(*f.begin), i64(d.elements), i32(d.mode), i32(d.kind),
                 i32(d.time), i32(d.fixed), i32(d.given), i32(d.paths),
                 i32(d.best), i32(d.numKept), i32(d.result), i32(d.counts),
                 i32(d.scores), i32(0)}),
      "draw");
}

llvm::Constant *Emitter::function(const Module &m, const Function &f) {
  Fields args, observed;
  for (const Arg &arg : f.args)
    args.push_back(argument(arg));
  for (int i : f.observed)
    observed.push_back(i32(i));
  llvm::Constant *update = f.update ? entry(*f.update) : null();
  return structure(
      {string(f.name), array(args, "arguments"), entry(f.entry), update,
       array(observed, "observed"), straight(m, f), draw(f), i32(f.kind),
       i32(int64_t(f.times.size())), i32(int64_t(f.args.size())),
       i32(int64_t(f.observed.size())), i32(f.symbols), i32(f.start),
       i32(f.stop), i32(f.optionalSeed), i32(f.nonempty), i32(usesOf(f))});
}

/// Parameters as `_params_init` makes them, in memory that all processes
/// share and nobody writes: the header's line, then the arena.
llvm::Constant *Emitter::baked(const Module &m) {
  if (m.baked.empty())
    return null();
  std::vector<char> bytes(64);
  rt::Header header{};
  header.magic = rt::kParamsMagic;
  header.module = int32_t(&m - library.modules.data());
  header.stamp =
      llvm::xxh3_64bits(llvm::StringRef(m.baked.data(), m.baked.size()));
  header.readOnly = 1;
  static_assert(sizeof(header) <= 64);
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes.insert(bytes.end(), m.baked.begin(), m.baked.end());
  bytes.resize(llvm::alignTo(bytes.size(), 64));
  auto *g = global(llvm::ConstantDataArray::getRaw(
                       llvm::StringRef(bytes.data(), bytes.size()),
                       bytes.size(), llvm::Type::getInt8Ty(context)),
                   "weights");
  g->setAlignment(llvm::Align(64));
  g->setSection(".rodata.rnnc.weights");
  return g;
}

llvm::Constant *Emitter::moduleTable(const Module &m) {
  Fields params, states, functions;
  int64_t scratch = 0;
  for (const Parameter &p : m.parameters) {
    params.push_back(parameter(p));
    if (p.init == rt::InitOrthogonal)
      scratch = std::max(scratch, p.count());
  }
  for (const State &s : m.states)
    states.push_back(structure({string(s.name), numbers(s.shape), i64(s.count),
                                i32(int64_t(s.shape.size())), i32(0)}));
  for (const Function &f : m.functions)
    functions.push_back(function(m, f));
  llvm::Constant *prepare = m.prepare ? entry(*m.prepare) : null();
  return structure({string(m.name),
                    array(params, "parameters"),
                    array(states, "states"),
                    array(functions, "functions"),
                    prepare,
                    baked(m),
                    i64(m.prepared),
                    i64(m.kept),
                    i64(m.arena),
                    i64(scratch),
                    f64(m.scheduleA),
                    f64(m.scheduleB),
                    f64(m.scheduleC),
                    f64(m.reach.rate),
                    f64(m.reach.decay),
                    f64(m.reach.shrink),
                    f64(m.reach.unit),
                    i32(int64_t(m.parameters.size())),
                    i32(int64_t(m.states.size())),
                    i32(int64_t(m.functions.size())),
                    i32(m.numSlots),
                    i32(m.hasPrev),
                    i32(m.schedule),
                    i32(m.firstPrev),
                    i32(m.prevSize),
                    i32(m.accumulate),
                    i32(m.perExample)});
}

void Emitter::run() {
  Fields modules, kinds;
  for (const Module &m : library.modules)
    modules.push_back(moduleTable(m));
  int64_t devices = 0;
  for (const VariantInfo &v : variants) {
    // No processor has the level of a device.
    kinds.push_back(
        structure({string(v.name), i64(v.device ? INT64_MAX : v.level)}));
    devices += v.device;
  }
  auto *manifest = llvm::cast<llvm::GlobalVariable>(
      string(manifestText(library), "manifest"));
  manifest->setSection(".rodata.rnnc.manifest");
  llvm::Constant *table =
      structure({manifest, array(modules, "modules"), array(kinds, "variants"),
                 i32(int64_t(modules.size())), i32(int64_t(kinds.size())),
                 i32(library.real()), i32(devices), gpu()});
  llvm::GlobalVariable *declared =
      module.getGlobalVariable(kLibraryTable, true);
  auto *defined =
      new llvm::GlobalVariable(module, table->getType(), true,
                               llvm::GlobalValue::ExternalLinkage, table);
  defined->setAlignment(llvm::Align(8));
  defined->setVisibility(llvm::GlobalValue::HiddenVisibility);
  if (declared) {
    declared->replaceAllUsesWith(defined);
    declared->eraseFromParent();
  }
  defined->setName(kLibraryTable);
}

} // namespace

std::vector<std::pair<std::string, EntryKind>>
target::entryNames(const Library &library) {
  std::vector<std::pair<std::string, EntryKind>> out;
  auto add = [&](const Entry &e) {
    for (EntryKind kind : {EntryKind::Run, EntryKind::Workspace})
      out.push_back({entryName(e.symbol, kind), kind});
  };
  for (const Module &m : library.modules) {
    if (m.prepare)
      add(*m.prepare);
    for (const Function &f : m.functions) {
      add(f.entry);
      if (f.update)
        add(*f.update);
      if (f.begin)
        add(*f.begin);
    }
  }
  return out;
}

void target::emitTables(llvm::Module &module, const Library &library,
                        const std::vector<VariantInfo> &variants) {
  Emitter(module, library, variants).run();
}

std::string target::variantName(llvm::StringRef function,
                                llvm::StringRef variant) {
  return (function + "." + variant).str();
}
