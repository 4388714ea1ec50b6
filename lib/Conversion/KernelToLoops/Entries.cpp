// Entries.cpp: the C entry point of every function.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Callers know pointers and sizes only. An entry makes the memrefs of the
// function from them: the static part of a shape stands in the type, the
// dynamic part is named by the argument's slot (Interface.td) and looked up in
// the dimensions of the function.

#include "Lowering.h"

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELMAKEENTRIES
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

/// `a * b` or `a + b` of sizes; what 63 bits cannot hold stops at the largest
/// number, so that it can be told from a size.
Value saturated(OpBuilder &b, Operation *op) {
  Location loc = op->getLoc();
  Type i64 = b.getI64Type(), type = op->getResult(0).getType();
  auto wide = [&](Value v) -> Value {
    return v.getType() == i64 ? v : arith::IndexCastOp::create(b, loc, i64, v);
  };
  Value lhs = wide(op->getOperand(0)), rhs = wide(op->getOperand(1)), value;
  if (isa<arith::MulIOp>(op)) {
    // A product of numbers with no digits behind the point.
    Value digits =
        LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(0)).getResult();
    value = LLVM::CallIntrinsicOp::create(b, loc, i64,
                                          b.getStringAttr("llvm.smul.fix.sat"),
                                          ValueRange{lhs, rhs, digits})
                .getResult(0);
  } else {
    value = LLVM::SAddSat::create(b, loc, lhs, rhs);
  }
  return type == i64 ? value : arith::IndexCastOp::create(b, loc, type, value);
}

/// Makes a size query give the largest number for what cannot be held.
void saturate(func::FuncOp query) {
  SmallVector<Operation *> ops;
  query.walk([&](Operation *op) {
    if (isa<arith::MulIOp, arith::AddIOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    OpBuilder b(op);
    Value value = saturated(b, op);
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
  }
}

class EntryBuilder {
public:
  EntryBuilder(func::FuncOp function, LLVMTypeConverter &converter)
      : function(function), converter(converter), b(function),
        loc(function.getLoc()),
        ptr(LLVM::LLVMPointerType::get(function.getContext())),
        i64(b.getI64Type()), known(interface::functionOf(function)) {}

  /// Where nothing else calls the function its body becomes the entry's: a
  /// step of a small cell takes less time than handing on its memrefs, which
  /// are seven words each.
  LogicalResult makeEntry(bool isCalled) {
    std::string name = (function.getName() + ".entry").str();
    b.setInsertionPointAfter(function);
    auto entry = func::FuncOp::create(
        b, loc, name, b.getFunctionType({ptr, ptr, ptr, ptr}, {}));
    b.setInsertionPointToStart(entry.addEntryBlock());
    SmallVector<Value> operands;
    if (failed(makeOperands(entry, operands)))
      return failure();
    if (!isCalled) {
      moveBody(entry, operands);
      function.erase();
      return success();
    }
    func::CallOp::create(b, loc, function, operands);
    func::ReturnOp::create(b, loc);
    function.setPrivate();
    return success();
  }

  /// The size query takes the array of sizes too.
  LogicalResult makeWorkspaceQuery() {
    auto module = function->getParentOfType<ModuleOp>();
    std::string name = (function.getName() + ".workspace").str();
    auto query = module.lookupSymbol<func::FuncOp>(name);
    if (!query)
      return success();
    if (query.getNumArguments() != known.getDims().size() ||
        query.getNumResults() != 1)
      return query.emitError("takes the sizes of the dimensions and gives one");
    saturate(query);
    std::string inner = name + ".size";
    query.setName(inner);
    query.setPrivate();
    b.setInsertionPointAfter(query);
    auto wrapper =
        func::FuncOp::create(b, loc, name, b.getFunctionType({ptr}, {i64}));
    b.setInsertionPointToStart(wrapper.addEntryBlock());
    SmallVector<Value> operands;
    for (auto [i, type] : llvm::enumerate(query.getArgumentTypes())) {
      Value v = load(i64, wrapper.getArgument(0), i);
      if (type != i64)
        v = arith::IndexCastOp::create(b, loc, type, v);
      operands.push_back(v);
    }
    Value result = func::CallOp::create(b, loc, query, operands).getResult(0);
    if (result.getType() != i64)
      result = arith::IndexCastOp::create(b, loc, i64, result);
    func::ReturnOp::create(b, loc, result);
    return success();
  }

private:
  /// What the entry's pointers stand for, in the order of the function.
  LogicalResult makeOperands(func::FuncOp entry,
                             SmallVectorImpl<Value> &operands) {
    Value args = entry.getArgument(0);
    sizes = entry.getArgument(1);
    Value workspace = entry.getArgument(2), context = entry.getArgument(3);
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
      if (type == ptr) {
        operands.push_back(context);
        continue;
      }
      auto memref = dyn_cast<MemRefType>(type);
      if (!memref)
        return function.emitError("argument ")
               << i << " of an exported function is no memref";
      interface::SlotAttr slot = interface::slotOf(function, unsigned(i));
      bool isWorkspace = slot && slot.getRole() == interface::Role::Workspace;
      Value pointer = isWorkspace ? workspace : load(ptr, args, int64_t(i));
      FailureOr<Value> made = memrefFrom(pointer, memref, i, isWorkspace);
      if (failed(made))
        return failure();
      operands.push_back(*made);
    }
    return success();
  }

  void moveBody(func::FuncOp entry, ArrayRef<Value> operands) {
    Block &first = function.getBody().front(), &unpack = entry.front();
    for (auto [argument, value] : llvm::zip(first.getArguments(), operands))
      argument.replaceAllUsesWith(value);
    unpack.getOperations().splice(unpack.end(), first.getOperations());
    Region::BlockListType &blocks = function.getBody().getBlocks();
    entry.getBody().getBlocks().splice(entry.end(), blocks,
                                       std::next(blocks.begin()), blocks.end());
  }

  Value load(Type type, Value base, int64_t at) {
    Value address = LLVM::GEPOp::create(b, loc, ptr, type, base,
                                        ArrayRef<LLVM::GEPArg>{int32_t(at)});
    return LLVM::LoadOp::create(b, loc, type, address);
  }
  Value constant(int64_t v) {
    return LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(v));
  }

  FailureOr<Value> memrefFrom(Value pointer, MemRefType type, unsigned argument,
                              bool isWorkspace) {
    if (!converter.convertType(type) || !type.getLayout().isIdentity())
      return function.emitError("argument ")
             << argument << " has a layout that the entry cannot make";
    SmallVector<Value> sizeValues(type.getRank()), strides(type.getRank());
    for (int64_t i = 0; i != type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        continue;
      if (isWorkspace) {
        sizeValues[i] = constant(int64_t(1) << 62);
        continue;
      }
      int64_t number =
          known.numberOf(interface::sizeName(function, argument, i));
      if (number < 0)
        return function.emitError("size ")
               << i << " of argument " << argument
               << " is no dimension of the function";
      sizeValues[i] = load(i64, sizes, number);
    }
    return memrefAt(b, loc, converter, type, pointer, sizeValues, strides);
  }

  func::FuncOp function;
  LLVMTypeConverter &converter;
  OpBuilder b;
  Location loc;
  Type ptr, i64;
  interface::FunctionAttr known;
  Value sizes;
};

struct KernelMakeEntries
    : public impl::KernelMakeEntriesBase<KernelMakeEntries> {
  using Base::Base;

  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    SmallVector<func::FuncOp> functions;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f.isPublic() && !f.isExternal() && interface::hasDims(f) &&
          llvm::all_of(f.getArgumentTypes(), [](Type t) {
            return isa<MemRefType, LLVM::LLVMPointerType>(t);
          }))
        functions.push_back(f);
    SymbolTableCollection tables;
    SymbolUserMap users(tables, getOperation());
    for (func::FuncOp f : functions) {
      EntryBuilder builder(f, converter);
      if (failed(builder.makeWorkspaceQuery()) ||
          failed(builder.makeEntry(!users.useEmpty(f))))
        return signalPassFailure();
    }
  }
};

} // namespace

Value memrefAt(OpBuilder &b, Location loc, const LLVMTypeConverter &converter,
               MemRefType type, Value pointer, ArrayRef<Value> sizes,
               ArrayRef<Value> strides) {
  Type i64 = b.getI64Type();
  auto constant = [&](int64_t v) -> Value {
    return LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(v));
  };
  SmallVector<int64_t> known;
  int64_t offset;
  (void)type.getStridesAndOffset(known, offset);
  bool identity = type.getLayout().isIdentity();
  MemRefDescriptor d =
      MemRefDescriptor::poison(b, loc, converter.convertType(type));
  d.setAllocatedPtr(b, loc, pointer);
  d.setAlignedPtr(b, loc, pointer);
  d.setConstantOffset(b, loc, 0);
  Value run = constant(1);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    Value size = sizes[i] ? sizes[i] : constant(type.getDimSize(i));
    Value stride = identity ? run : strides[i];
    d.setSize(b, loc, i, size);
    d.setStride(b, loc, i, stride ? stride : constant(known[i]));
    if (i && identity)
      run = LLVM::MulOp::create(b, loc, run, size);
  }
  return UnrealizedConversionCastOp::create(b, loc, TypeRange{type},
                                            ValueRange{Value(d)})
      .getResult(0);
}

} // namespace rnnc
