// Passes.td: from the kernel dialect to loops and to the LLVM dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_KERNELTOLOOPS_PASSES_TD
#define RNNC_CONVERSION_KERNELTOLOOPS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertKernelToLoops : Pass<"convert-kernel-to-loops", "::mlir::ModuleOp"> {
  let summary = "lower kernel and linalg ops on memrefs to vector loops";
  let description = [{
    `linalg.generic`, `linalg.fill` and `memref.copy` become loops whose
    unit-stride dimension is cut into vectors of the target; reductions use a
    fixed number of accumulators and a fixed tree, so the bits depend on the
    sizes, the target (`kernel.target`) and the schedule (`kernel.schedule`)
    alone. `kernel.gemm` and `kernel.pack` become calls of
    blocked routines that are generated once per element type and schedule. The data
    movement ops become loops over rows. A function of `kernel-outline` whose
    outermost loop has independent trips gets a companion, `NAME.tasks`, which
    its callers call: it shares large work out to the threads of the context.
    How it is cut depends on the sizes alone.

    ```mlir
    linalg.generic {iterator_types = ["parallel", "parallel"], ...}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %a : f32
      linalg.yield %c : f32
    }
    // becomes
    %flat = memref.collapse_shape %x [[0, 1]] : memref<?x8xf32> into memref<?xf32>
    ...
    scf.for %i = %c0 to %whole step %c8 {
      %v = vector.load %flat[%i] : memref<?xf32>, vector<8xf32>
      %w = arith.mulf %v, %v : vector<8xf32>
      vector.store %w, %out[%i] : memref<?xf32>, vector<8xf32>
    }
    // and the rest under a mask
    ```
  }];
  let options = [
    Option<"threads", "threads", "bool", /*default=*/"true",
           "cut large products and kernels into tasks; functions get the "
           "context of the call as their last argument">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect",
  ];
}

def KernelOutline : Pass<"kernel-outline", "::mlir::ModuleOp"> {
  let summary = "make a function of every kernel, once a shape";
  let description = [{
    `linalg` ops, copies and the data movement ops of the kernel dialect move
    to private functions with the attribute `rnnc.kernel`, which take the
    address of each buffer, then the sizes and strides that are not known;
    kernels that are the same share one function. So do the loops of
    `kernel-hold-states`. Products are calls of
    routines anyhow and stay where they are. Loops around kernels that are
    there more than once, as the time loops of a stack's layers are, become
    functions, too (`rnnc.loop`).

    ```mlir
    linalg.generic {...} ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>) {...}
    // becomes
    call @rnnc.kernel.0(%address_of_x, %rows, %address_of_y) : (!llvm.ptr, i64, !llvm.ptr) -> ()
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
  ];
}

def KernelHoldStates : Pass<"kernel-hold-states", "::mlir::ModuleOp"> {
  let summary = "keep the states of pointwise recurrences in registers";
  let description = [{
    A time loop whose body is pointwise code on `[rows, units]`, with carries
    that no other row or unit reads, is written with the loop over steps inside:
    a vector of units of an example goes through all steps, and what a step
    leaves to the next one is a value. What is read at no other time than by the
    next step is not stored at all. Steps past the end of an example fill what
    they have to. The loop as it was stays for steps of more than `most-bytes`,
    whose rows would be read from a page each.

    ```mlir
    scf.for %t = %c0 to %T step %c1 {
      linalg.generic ... ins(%x_t, %h_t) outs(%h_next)   // views of step t and t + 1
    }
    // becomes
    scf.if %small {
      scf.for %row = %c0 to %rows step %c1 {
        %h = vector.load %states[%c0, %row, %c0]
        scf.for %t = %c0 to %T step %c1 iter_args(%before = %h) -> vector<8xf64> {
          ...
          vector.store %after, %states[%next, %row, %c0]
          scf.yield %after
        }
      } {rnnc.independent, rnnc.lowered}
    } else {
      scf.for ...
    }
    ```
  }];
  let options = [
    Option<"mostBytes", "most-bytes", "int64_t", /*default=*/"4096",
           "bytes of a step up to which a unit goes through all steps by "
           "itself: a page. Where it computes functions a quarter: a row of "
           "many units has more to do at a time than one unit's chain">,
  ];
  let statistics = [
    Statistic<"numHeld", "num-held", "Loops with their states in registers">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
  ];
}

def KernelMakeEntries : Pass<"kernel-make-entries", "::mlir::ModuleOp"> {
  let summary = "make the C entry point of every public function";
  let description = [{
    For a function `@"M.f"` on memrefs whose `rnnc.function` names dimensions, makes
    `@"M.f.entry"(args, dims, workspace, ctx)`, where `args` is an array of
    pointers (arguments, then results) and `dims` an array of i64 in the order
    of the dimensions, and turns `@"M.f.workspace"(index...) -> i64` into
    `@"M.f.workspace"(dims)`. The entry has the body of `@"M.f"`; where other
    functions call that one, it stays, private, and the entry calls it, too.

    ```mlir
    func.func @M.f(%x: memref<?x4xf32>, %y: memref<f32>, %w: memref<?xi8>) attributes {rnnc.function = #rnnc.function<"M" "f", ["batch"] results = 1>}
    func.func @M.f.workspace(%batch: index) -> i64
    // become
    func.func @M.f.entry(%args: !llvm.ptr, %dims: !llvm.ptr, %workspace: !llvm.ptr, %ctx: !llvm.ptr)
    func.func @M.f.workspace(%dims: !llvm.ptr) -> i64
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::arith::ArithDialect"];
}

def KernelExpandViews : Pass<"kernel-expand-views", "::mlir::ModuleOp"> {
  let summary = "compute where views of buffers lie, and their sizes";
  let description = [{
    Upstream's patterns of `expand-strided-metadata`, applied to views of
    buffers and to what these become. The upstream pass tries them, and every
    folder, on all ops of the module.

    ```mlir
    %row = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<64xf32, strided<[1], offset: ?>>
    // becomes
    %at = affine.apply affine_map<()[s0] -> (s0 * 64)>()[%i]
    %row = memref.reinterpret_cast %base to offset: [%at], sizes: [64], strides: [1] : memref<f32> to memref<64xf32, strided<[1], offset: ?>>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def KernelFoldDescriptors : Pass<"kernel-fold-descriptors", "::mlir::ModuleOp"> {
  let summary = "read the parts of buffers' descriptors where they were put";
  let description = [{
    A memref is a struct in the LLVM dialect, filled part by part and read part
    by part. Each read gives what was put there, and the structs that nobody
    reads any more go: ops that neither the translation nor LLVM has to look at
    then.

    ```mlir
    %1 = llvm.insertvalue %p, %0[1] : !llvm.struct<(ptr, ptr, i64)>
    %2 = llvm.extractvalue %1[1] : !llvm.struct<(ptr, ptr, i64)>
    llvm.store %v, %2 : f32, !llvm.ptr
    // becomes
    llvm.store %v, %p : f32, !llvm.ptr
    ```
  }];
}

def KernelVerifyLLVM : Pass<"kernel-verify-llvm", "::mlir::ModuleOp"> {
  let summary = "check what generated code may contain";
  let description = [{
    After lowering: only the LLVM dialect is left; nothing allocates or frees
    heap memory; no call of libm is left; every `llvm.alloca` stands in an
    entry block; every undefined symbol is one that the runtime gives.

    ```mlir
    %y = llvm.intr.tanh(%x) : (f32) -> f32
    // error: 'llvm.intr.tanh' op would become a call of libm
    ```
  }];
}

#endif // RNNC_CONVERSION_KERNELTOLOOPS_PASSES_TD
