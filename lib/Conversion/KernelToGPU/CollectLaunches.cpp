// CollectLaunches.cpp: what a caller has to launch, as a JSON text.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Places.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
namespace json = llvm::json;

namespace rnnc {

#define GEN_PASS_DEF_GPUCOLLECTLAUNCHES
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

/// An expression of C, of the names of dimensions.
struct Expression {
  std::string text;
  bool isSum = false; ///< needs brackets as a factor

  std::string factor() const { return isSum ? "(" + text + ")" : text; }
};

/// What a number of the host is.
class Sizes {
public:
  Sizes(func::FuncOp function, ArrayAttr dims)
      : function(function), dims(dims) {}

  std::optional<Expression> of(Value value);
  std::optional<Expression> of(OpFoldResult value);

private:
  std::optional<Expression> argument(BlockArgument value);
  std::optional<Expression> dimension(Value buffer, int64_t number);
  std::optional<Expression> joined(Operation *op, StringRef sign, bool isSum);

  func::FuncOp function;
  ArrayAttr dims;
};

std::optional<Expression> Sizes::of(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return Expression{std::to_string(*constant), *constant < 0};
  return of(cast<Value>(value));
}

/// The functions that give the bytes of a workspace take the dimensions.
std::optional<Expression> Sizes::argument(BlockArgument value) {
  if (!value.getType().isIndex() || value.getArgNumber() >= dims.size())
    return std::nullopt;
  return Expression{cast<StringAttr>(dims[value.getArgNumber()]).str()};
}

static std::optional<Expression> multiplied(std::optional<Expression> x,
                                            std::optional<Expression> y) {
  if (!x || !y)
    return std::nullopt;
  if (x->text == "1" || y->text == "1")
    return x->text == "1" ? y : x;
  return Expression{x->factor() + " * " + y->factor()};
}

/// The size of a buffer, through its views.
std::optional<Expression> Sizes::dimension(Value buffer, int64_t number) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || number < 0 || number >= type.getRank())
    return std::nullopt;
  if (!type.isDynamicDim(number))
    return Expression{std::to_string(type.getDimSize(number))};
  if (auto argument = dyn_cast<BlockArgument>(buffer)) {
    auto shape = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                      "rnnc.shape");
    auto name = shape && number < int64_t(shape.size())
                    ? dyn_cast<StringAttr>(shape[number])
                    : StringAttr();
    return name ? std::optional(Expression{name.str()}) : std::nullopt;
  }
  using Result = std::optional<Expression>;
  return llvm::TypeSwitch<Operation *, Result>(buffer.getDefiningOp())
      .Case([&](memref::ViewOp view) {
        return of(view.getSizes()[type.getDynamicDimIndex(number)]);
      })
      .Case([&](memref::SubViewOp view) -> Result {
        // Dimensions that were dropped have one entry.
        llvm::SmallBitVector dropped = view.getDroppedDims();
        int64_t at = -1;
        for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
          if (!dropped.test(i) && ++at == number)
            return of(size);
        return std::nullopt;
      })
      .Case([&](memref::CollapseShapeOp shape) -> Result {
        Result product = Expression{"1"};
        SmallVector<ReassociationIndices> groups =
            shape.getReassociationIndices();
        for (int64_t i : groups[number])
          product = multiplied(product, dimension(shape.getSrc(), i));
        return product;
      })
      .Case([&](memref::ExpandShapeOp shape) {
        return of(shape.getMixedOutputShape()[number]);
      })
      .Case([&](memref::CastOp cast) {
        return dimension(cast.getSource(), number);
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Expression> Sizes::joined(Operation *op, StringRef sign,
                                        bool isSum) {
  std::optional<Expression> x = of(op->getOperand(0)), y = of(op->getOperand(1));
  if (!x || !y)
    return std::nullopt;
  if (sign == " + " && x->text == "0")
    return y;
  if (sign == " + " && y->text == "0")
    return x;
  // Only sums may stand in a sum as they are.
  std::string left = sign == " + " ? x->text : x->factor();
  bool divides = sign == " / " || sign == " % ";
  std::string right = sign == " + " ? y->text : y->factor();
  if (divides && !llvm::all_of(y->text, llvm::isAlnum))
    right = "(" + y->text + ")";
  return Expression{left + sign.str() + right, isSum};
}

std::optional<Expression> Sizes::of(Value value) {
  if (auto constant = getConstantIntValue(value))
    return of(OpFoldResult(value));
  if (auto block = dyn_cast<BlockArgument>(value))
    return argument(block);
  using Result = std::optional<Expression>;
  return llvm::TypeSwitch<Operation *, Result>(value.getDefiningOp())
      .Case([&](memref::DimOp op) {
        return dimension(op.getSource(), op.getConstantIndex().value_or(-1));
      })
      .Case([&](arith::IndexCastOp op) { return of(op.getIn()); })
      .Case([&](arith::AddIOp op) { return joined(op, " + ", true); })
      .Case([&](arith::SubIOp op) { return joined(op, " - ", true); })
      .Case([&](arith::MulIOp op) { return joined(op, " * ", false); })
      .Case([&](arith::AndIOp op) -> Result {
        Result both = joined(op, " & ", true);
        if (both) // binds less than a sum
          both = Expression{"(" + both->text + ")"};
        return both;
      })
      .Case<arith::DivUIOp, arith::DivSIOp>(
          [&](auto op) { return joined(op, " / ", false); })
      .Default([](Operation *) { return std::nullopt; });
}

struct GPUCollectLaunches
    : public impl::GPUCollectLaunchesBase<GPUCollectLaunches> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    json::Array functions;
    for (auto function : module.getOps<func::FuncOp>()) {
      auto dims = function->getAttrOfType<ArrayAttr>("rnnc.dims");
      if (function.isExternal() || !dims)
        continue;
      if (!llvm::all_of(dims, llvm::IsaPred<StringAttr>)) {
        function.emitError("rnnc.dims is a list of names");
        return signalPassFailure();
      }
      std::optional<json::Object> described = describe(function, dims);
      if (!described)
        return signalPassFailure();
      functions.push_back(std::move(*described));
    }
    std::string text;
    llvm::raw_string_ostream(text)
        << json::Value(json::Object{{"functions", std::move(functions)}});
    module->setAttr(kLaunches, StringAttr::get(&getContext(), text));
  }

private:
  std::optional<json::Object> describe(func::FuncOp function, ArrayAttr dims) {
    Sizes sizes(function, dims);
    json::Array launches, names;
    for (Attribute dim : dims)
      names.push_back(cast<StringAttr>(dim).getValue());
    for (auto launch : function.getOps<gpu::LaunchFuncOp>()) {
      std::optional<json::Object> one = describe(function, launch, sizes);
      if (!one) {
        launch.emitError("is launched with what does not follow from "
                         "dimensions and arguments");
        return std::nullopt;
      }
      launches.push_back(std::move(*one));
    }
    std::optional<Expression> bytes = workspaceOf(function, dims);
    if (!bytes) {
      function.emitError("needs a workspace whose size does not follow from "
                         "dimensions");
      return std::nullopt;
    }
    json::Array buffers;
    for (BlockArgument argument : function.getArguments())
      buffers.push_back(describeBuffer(function, argument, bytes->text));
    return json::Object{{"symbol", function.getSymName()},
                        {"dims", std::move(names)},
                        {"buffers", std::move(buffers)},
                        {"launches", std::move(launches)}};
  }

  /// The name and role of an argument.
  static json::Object nameOf(func::FuncOp function, unsigned number) {
    json::Object out;
    for (StringRef key : {"role", "name"})
      if (auto text = function.getArgAttrOfType<StringAttr>(
              number, ("rnnc." + key).str()))
        out[key] = text.getValue();
    return out;
  }

  /// What a caller has to have for an argument.
  static json::Object describeBuffer(func::FuncOp function,
                                     BlockArgument argument,
                                     StringRef workspace) {
    unsigned number = argument.getArgNumber();
    json::Object out = nameOf(function, number);
    auto shape = function.getArgAttrOfType<ArrayAttr>(number, "rnnc.shape");
    if (!shape) { // of bytes, which the dimensions say
      out["bytes"] = workspace.str();
      return out;
    }
    Type element = cast<MemRefType>(argument.getType()).getElementType();
    int64_t known = bytesOf(element);
    std::string bytes;
    for (Attribute size : shape)
      if (auto name = dyn_cast<StringAttr>(size))
        bytes += (name.getValue() + " * ").str();
      else
        known *= cast<IntegerAttr>(size).getInt();
    out["bytes"] = bytes + std::to_string(known);
    std::string type;
    llvm::raw_string_ostream(type) << element;
    out["dtype"] = element.isInteger(8) ? "bool" : type;
    return out;
  }

  std::optional<Expression> workspaceOf(func::FuncOp function, ArrayAttr dims) {
    auto query = getOperation().lookupSymbol<func::FuncOp>(
        (function.getName() + ".workspace").str());
    if (!query)
      return Expression{"0"};
    Operation *end = query.getBody().front().getTerminator();
    return Sizes(query, dims).of(end->getOperand(0));
  }

  std::optional<json::Object> describe(func::FuncOp function,
                                       gpu::LaunchFuncOp launch, Sizes &sizes) {
    std::optional<Expression> blocks = sizes.of(launch.getGridSizeX());
    std::optional<Expression> threads = sizes.of(launch.getBlockSizeX());
    json::Array args;
    for (Value operand : launch.getKernelOperands()) {
      std::optional<json::Object> one = describeOperand(function, operand, sizes);
      if (!one)
        return std::nullopt;
      args.push_back(std::move(*one));
    }
    if (!blocks || !threads)
      return std::nullopt;
    return json::Object{{"kernel", launch.getKernelName().getValue()},
                        {"grid", json::Array{blocks->text, "1", "1"}},
                        {"block", json::Array{threads->text, "1", "1"}},
                        {"args", std::move(args)}};
  }

  std::optional<json::Object>
  describeOperand(func::FuncOp function, Value operand, Sizes &sizes) {
    if (!isa<MemRefType>(operand.getType())) {
      std::optional<Expression> size = sizes.of(operand);
      return size ? std::optional(json::Object{{"size", size->text}})
                  : std::nullopt;
    }
    std::optional<Place> place = placeOf(operand);
    if (!place)
      return std::nullopt;
    std::string offset;
    for (auto [number, bytes] : place->offset) {
      std::optional<Expression> size = sizes.of(number);
      if (!size)
        return std::nullopt;
      if (size->text == "0")
        continue;
      offset += (offset.empty() ? "" : " + ") +
                (bytes == 1 ? size->text
                            : size->factor() + " * " + std::to_string(bytes));
    }
    unsigned number = place->buffer.getArgNumber();
    json::Object out = nameOf(function, number);
    out["offset"] = offset.empty() ? "0" : offset;
    return out;
  }
};

} // namespace
} // namespace rnnc
