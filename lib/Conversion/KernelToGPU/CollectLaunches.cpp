// CollectLaunches.cpp: what a caller has to launch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HostSizes.h"
#include "Places.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_GPUCOLLECTLAUNCHES
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

struct GPUCollectLaunches
    : public impl::GPUCollectLaunchesBase<GPUCollectLaunches> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Attribute> functions;
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal() || !interface::hasDims(function))
        continue;
      if (failed(checkHost(function)))
        return signalPassFailure();
      DictionaryAttr described =
          describe(function, interface::functionOf(function).getDims());
      if (!described)
        return signalPassFailure();
      functions.push_back(described);
    }
    module->setAttr(kLaunches, ArrayAttr::get(&getContext(), functions));
  }

private:
  using Entry = std::pair<StringRef, Attribute>;

  /// What a list of launches cannot say, in words of the source; or empty.
  static StringRef hostNeed(Operation *op) {
    return llvm::TypeSwitch<Operation *, StringRef>(op)
        .Case([](scf::ForOp) { return "a loop over time"; })
        .Case([](scf::IfOp choice) {
          bool hasLoop =
              choice->walk([](scf::ForOp) { return WalkResult::interrupt(); })
                  .wasInterrupted();
          return hasLoop ? "a loop over time" : "a choice between kernels";
        })
        .Case([](memref::LoadOp) { return "a number that is read back"; })
        .Case([](memref::AllocOp) { return "memory between kernels"; })
        .Case([](memref::GetGlobalOp) { return "a table of constants"; })
        .Default([](Operation *) { return ""; });
  }

  static LogicalResult checkHost(func::FuncOp function) {
    // A loop over time tells more than what comes before it.
    Operation *first = nullptr;
    for (Operation &op : function.getBody().front())
      if (!hostNeed(&op).empty() && (!first || isa<scf::ForOp>(op)) &&
          !isa_and_nonnull<scf::ForOp>(first))
        first = &op;
    if (first) {
      StringRef need = hostNeed(first);
      // Tables have no place in the source: what reads them has.
      Location place = first->getLoc();
      for (Operation *user : first->getUsers())
        if (isa<memref::GetGlobalOp>(first) && isa<UnknownLoc>(place))
          place = user->getLoc();
      return refuse(function, place, need);
    }
    return success();
  }

  static LogicalResult refuse(func::FuncOp function, Location place,
                              StringRef need) {
    StringRef name = interface::functionOf(function).getName();
    InFlightDiagnostic error =
        mlir::emitError(place)
        << "[E908] `" << (name == "update" ? "train_step" : name) << "` needs "
        << need << " on the host, and there is none beside PTX alone";
    error.attachNote() << "help: --target=cpu,nvptx64 makes a library that "
                          "has it; `export` says which functions are wanted";
    return error;
  }

  DictionaryAttr dictionary(ArrayRef<Entry> entries) {
    NamedAttrList list;
    for (auto [name, value] : entries)
      if (value)
        list.append(name, value);
    return list.getDictionary(&getContext());
  }
  StringAttr text(const Twine &value) {
    return StringAttr::get(&getContext(), value);
  }
  ArrayAttr list(ArrayRef<Attribute> values) {
    return ArrayAttr::get(&getContext(), values);
  }

  /// Null, with a message, where a size does not follow from dimensions.
  DictionaryAttr describe(func::FuncOp function, ArrayAttr dims) {
    HostSizes sizes(function, dims);
    SmallVector<Attribute> launches, buffers;
    for (auto launch : function.getOps<gpu::LaunchFuncOp>()) {
      DictionaryAttr one = describe(function, launch, sizes);
      if (!one) {
        (void)refuse(function, launch.getLoc(), "sizes that are computed");
        return {};
      }
      launches.push_back(one);
    }
    std::optional<Expression> bytes = workspaceOf(function, dims);
    if (!bytes) {
      function.emitError("needs a workspace whose size does not follow from "
                         "dimensions");
      return {};
    }
    for (BlockArgument argument : function.getArguments())
      buffers.push_back(describeBuffer(argument, bytes->text));
    return dictionary({{"symbol", function.getSymNameAttr()},
                       {"dims", dims},
                       {"buffers", list(buffers)},
                       {"launches", list(launches)}});
  }

  /// The role and the name of an argument.
  SmallVector<Entry> nameOf(BlockArgument argument) {
    interface::SlotAttr slot = interface::slotOf(argument);
    if (!slot)
      return {};
    SmallVector<Entry> out = {
        {"role", text(interface::stringifyRole(slot.getRole()))}};
    if (!slot.getName().empty())
      out.push_back({"name", slot.getName()});
    return out;
  }

  /// What a caller has to have for an argument.
  DictionaryAttr describeBuffer(BlockArgument argument, StringRef workspace) {
    SmallVector<Entry> out = nameOf(argument);
    interface::SlotAttr slot = interface::slotOf(argument);
    if (!slot || !slot.getShape()) { // of bytes, which the dimensions say
      out.push_back({"bytes", text(workspace)});
      return dictionary(out);
    }
    Type element = cast<MemRefType>(argument.getType()).getElementType();
    int64_t known = bytesOf(element);
    std::string bytes;
    for (Attribute size : slot.getShape())
      if (auto name = dyn_cast<StringAttr>(size))
        bytes += (name.getValue() + " * ").str();
      else
        known *= cast<IntegerAttr>(size).getInt();
    out.push_back({"bytes", text(bytes + Twine(known))});
    std::string type;
    llvm::raw_string_ostream(type) << element;
    out.push_back({"dtype", text(element.isInteger(8) ? "bool" : type)});
    return dictionary(out);
  }

  std::optional<Expression> workspaceOf(func::FuncOp function, ArrayAttr dims) {
    auto query = getOperation().lookupSymbol<func::FuncOp>(
        (function.getName() + ".workspace").str());
    if (!query)
      return Expression{"0"};
    Operation *end = query.getBody().front().getTerminator();
    return HostSizes(query, dims).of(end->getOperand(0));
  }

  DictionaryAttr describe(func::FuncOp function, gpu::LaunchFuncOp launch,
                          HostSizes &sizes) {
    std::optional<Expression> blocks = sizes.of(launch.getGridSizeX());
    std::optional<Expression> threads = sizes.of(launch.getBlockSizeX());
    SmallVector<Attribute> args;
    for (Value operand : launch.getKernelOperands()) {
      DictionaryAttr one = describeOperand(operand, sizes);
      if (!one)
        return {};
      args.push_back(one);
    }
    if (!blocks || !threads)
      return {};
    auto extent = [&](const Expression &x) {
      return list({text(x.text), text("1"), text("1")});
    };
    return dictionary({{"kernel", launch.getKernelName()},
                       {"grid", extent(*blocks)},
                       {"block", extent(*threads)},
                       {"args", list(args)}});
  }

  DictionaryAttr describeOperand(Value operand, HostSizes &sizes) {
    if (!isa<MemRefType>(operand.getType())) {
      std::optional<Expression> size = sizes.of(operand);
      return size ? dictionary({{"size", text(size->text)}}) : DictionaryAttr();
    }
    std::optional<Place> place = placeOf(givenOf(operand));
    if (!place)
      return {};
    std::string offset;
    for (auto [number, bytes] : place->offset) {
      std::optional<Expression> size = sizes.of(number);
      if (!size)
        return {};
      if (size->text == "0")
        continue;
      offset += (offset.empty() ? "" : " + ") +
                (bytes == 1 ? size->text
                            : size->factor() + " * " + std::to_string(bytes));
    }
    SmallVector<Entry> out = nameOf(place->buffer);
    out.push_back({"offset", text(offset.empty() ? "0" : offset)});
    return dictionary(out);
  }
};

} // namespace
} // namespace rnnc
