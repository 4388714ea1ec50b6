// CollectLaunches.cpp: what a caller has to launch, as a JSON text.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HostSizes.h"
#include "Places.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
namespace json = llvm::json;

namespace rnnc {

#define GEN_PASS_DEF_GPUCOLLECTLAUNCHES
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

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
    HostSizes sizes(function, dims);
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
    return HostSizes(query, dims).of(end->getOperand(0));
  }

  std::optional<json::Object>
  describe(func::FuncOp function, gpu::LaunchFuncOp launch, HostSizes &sizes) {
    std::optional<Expression> blocks = sizes.of(launch.getGridSizeX());
    std::optional<Expression> threads = sizes.of(launch.getBlockSizeX());
    json::Array args;
    for (Value operand : launch.getKernelOperands()) {
      std::optional<json::Object> one =
          describeOperand(function, operand, sizes);
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

  std::optional<json::Object> describeOperand(func::FuncOp function,
                                              Value operand, HostSizes &sizes) {
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
