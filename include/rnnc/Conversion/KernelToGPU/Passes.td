// Passes.td: from the kernel dialect to kernels of a GPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_KERNELTOGPU_PASSES_TD
#define RNNC_CONVERSION_KERNELTOGPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertKernelToGPU : Pass<"convert-kernel-to-gpu", "::mlir::ModuleOp"> {
  let summary = "make a GPU kernel of every op that works on buffers";
  let description = [{
    `linalg` ops, copies, products, phases and data movement ops become functions
    of the module `@kernels`, and a launch each. Kernels that are the same share
    one function. A thread computes one element, or a column of as many rows of a
    product as was decided (`tile_rows`), in blocks of one dimension, of
    `block_threads` threads; what threads of the last block have nothing to do
    for, they leave. A sum of many terms, and a row whose points are combined,
    have a block each: its threads take turns and combine what they have in
    shared memory, in an order that follows from the sizes alone. A product
    whose rows are combined is two kernels, with a buffer between them that the
    device provides (`memref.alloc`). No addition is atomic: rows of a table that
    are added to are shared out among threads.

    A product by itself that has `block_rows` and `block_columns` has a block of
    256 threads for each such tile of the result: what `block_steps` terms need
    is copied to shared memory while those before are multiplied. Where the
    number of rows is not known, both kernels are launched, one of them with no
    blocks: that with tiles is for `flat_rows` rows and more.
    Where the module has `kernel.product_type`, warps multiply 16 x 8 numbers of
    such a tile at a time (`nvvm.mma.sync`), with factors that are rounded to
    tf32 or bf16.

    A loop over time whose schedule says `loop_plan = 2` is one kernel, of which
    each block takes `loop_rows` examples through all steps: its code is the
    loop's on the rows of the block, with a barrier behind each op, and packed
    weights stay in shared memory if they fit. Examples must not need each
    other, and nothing in a step the host; where they do, a remark says why, and
    each step is launched by itself.

    One whose schedule says `loop_plan = 3` is a kernel of `loop_blocks` blocks,
    which share every op, each for its units, and wait for each other before
    units of others are read; each has its columns of packed weights in shared
    memory, as far as they fit: more than 40 KB are asked for with the launch
    (`gpu.dynamic_shared_memory`), up to what the target has. All have to be there at
    a time: a call asks for room (`rnnc_rt_gpu_grid`), and where there is none
    the loop stays as it was. A step that stores numbers one by one, or needs
    the host, is refused with a remark.

    Other loops over time, and branches, stay on the host. What is stored between
    kernels is computed on the device, by one thread; what decides about loops,
    branches and sizes the host reads (`memref.load`). Any other op is an error
    (E908).

    ```mlir
    linalg.generic {...} ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %a : f32
      linalg.yield %c : f32
    }
    // becomes
    gpu.launch_func @kernels::@M_predict_0_map blocks in (%blocks, %c1, %c1)
        threads in (%c256, %c1, %c1)
        args(%x : memref<?x8xf32>, %y : memref<?x8xf32>, %items : index)
    // of
    gpu.func @M_predict_0_map(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %items: index) kernel {
      %i = ... // block_id x * 256 + thread_id x
      %is = arith.cmpi ult, %i, %items : index
      scf.if %is {
        %row = arith.divui %i, %c8 : index
        %column = arith.remui %i, %c8 : index
        ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::nvgpu::NVGPUDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect",
  ];
}

def GPUCollectLaunches : Pass<"gpu-collect-launches", "::mlir::ModuleOp"> {
  let summary = "write down what a caller has to launch";
  let description = [{
    For callers that have the kernels and no host code of ours. Where the
    functions on the host hold nothing but launches, whose sizes and addresses
    follow from the dimensions, they become the attribute
    `rnnc.launches` of the module: of each function the bytes of every argument, and its
    launches in order, each with kernel, grid, block and arguments. What depends
    on dimensions is an expression in C of their names. A buffer is passed as
    its address, then the sizes and strides that its type does not hold. Loops,
    branches, and numbers that the host reads are an error (E908).

    ```mlir
    func.func @M.predict(%x: memref<?x4xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 4]>}, ...)
      gpu.launch_func @kernels::@M_predict_0_map ... args(%x : memref<?x4xf32>, ..., %items : index)
    // adds to the attributes of the module
    rnnc.launches = [{symbol = "M.predict", dims = ["batch"],
      buffers = [{role = "input", name = "x", dtype = "f32", bytes = "batch * 16"}, ...],
      launches = [{kernel = "M_predict_0_map", grid = ["(batch * 4 + 255) / 256", "1", "1"], block = ["256", "1", "1"],
                   args = [{role = "input", name = "x", offset = "0"}, {size = "batch"}, ... ]}  ]} ]
    ```
  }];
}

def GPULaunchesToCalls : Pass<"gpu-launches-to-calls", "::mlir::ModuleOp"> {
  let summary = "drop the kernels, and make calls of the runtime of the launches";
  let description = [{
    What is left on the host: loops, sizes, addresses of the device as numbers.
    Every function on buffers gets the context of the call. A launch becomes a
    call with the kernel's number, the blocks, the threads of each, and an
    array of the parameters; a load waits for the device and copies the number
    back; memory between kernels, and a copy of a table of constants, are asked
    for by their place in the module and by their address.

    ```mlir
    gpu.launch_func @kernels::@M_predict_0_map blocks in (%n, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x : memref<4xf32>, %items : index)
    %a = memref.load %y[] : memref<i32>
    // become
    llvm.store %address_of_x, %parameters[0] : i64, !llvm.ptr
    llvm.store %number_of_items, %parameters[1] : i64, !llvm.ptr
    llvm.call @rnnc_rt_gpu_launch(%context, %kernel, %n, %c256, %parameters, %two)
    %0 = llvm.call @rnnc_rt_gpu_read(%context, %address_of_y, %four) : (!llvm.ptr, i64, i64) -> i64
    %a = llvm.trunc %0 : i64 to i32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
  ];
}

def GPUKeepKernels : Pass<"gpu-keep-kernels", "::mlir::ModuleOp"> {
  let summary = "drop the host, and give kernels addresses and sizes";
  let description = [{
    From here on there is code for the device only. A buffer that a kernel takes becomes its address,
    which is all that a caller in C has, and the sizes and strides that its
    type does not hold.

    ```mlir
    gpu.func @k(%x: memref<?x8xf32>, %items: index) kernel
    // becomes
    gpu.func @k(%x: !llvm.ptr<1>, %rows: i64, %items: i64) kernel
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
  ];
}

def ConvertKernelsToNVVM : Pass<"convert-kernels-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "from the gpu dialect to LLVM and NVVM, without libdevice";
  let description = [{
    What `convert-gpu-to-nvvm` does, with upstream's patterns, but for one
    thing: that pass makes calls of NVIDIA's `libdevice` of what is in the math
    dialect, down to `math.fma`, and of a kernel that no driver loads if the
    library is not at hand. Here these ops become LLVM's intrinsics, of which
    those are accepted that the NVPTX back end has instructions for;
    `kernel-expand-math` made arithmetic of the others.

    ```mlir
    gpu.func @k(%x: !llvm.ptr<1>, %n: i64) kernel {
      %i = gpu.thread_id x
      %a = math.fma %b, %c, %d : f32
    // becomes
    llvm.func @k(%x: !llvm.ptr<1>, %n: i64) attributes {gpu.kernel, nvvm.kernel} {
      %i = nvvm.read.ptx.sreg.tid.x : i32
      %a = llvm.intr.fma(%b, %c, %d) : (f32, f32, f32) -> f32
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
  ];
}

#endif // RNNC_CONVERSION_KERNELTOGPU_PASSES_TD
