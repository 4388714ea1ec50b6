// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse | FileCheck %s
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --gpu-collect-launches | FileCheck %s --check-prefix=JSON
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --gpu-collect-launches --gpu-keep-kernels | FileCheck %s --check-prefix=KEPT
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --gpu-collect-launches --rnnc-nvvm | FileCheck %s --check-prefix=NVVM
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A thread for each element; what is behind the last block's elements is not
// touched. Both functions launch the same kernel for the same work.

// CHECK: module attributes {gpu.container_module
// CHECK-LABEL: func.func @M.square(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32> {{.*}}, %[[Y:.*]]: memref<?x8xf32>
// CHECK-DAG: %[[N:.*]] = memref.dim %[[X]]
// CHECK-DAG: %[[ITEMS:.*]] = arith.muli %[[N]], %c8
// CHECK-DAG: %[[MORE:.*]] = arith.addi %[[ITEMS]], %c255
// CHECK-DAG: %[[BLOCKS:.*]] = arith.divui %[[MORE]], %c256
// CHECK: gpu.launch_func @kernels::@M_square_0_map blocks in (%[[BLOCKS]], %c1, %c1) threads in (%c256, %c1, %c1) args(%[[X]] : memref<?x8xf32>, %[[N]] : index, %[[Y]] : memref<?x8xf32>, %{{.*}} : index, %[[ITEMS]] : index)
// CHECK-LABEL: func.func @M.again(
// CHECK: gpu.launch_func @kernels::@M_square_0_map

// JSON: rnnc.launches = "{\22functions\22:[
// JSON-SAME: {\22buffers\22:[{\22bytes\22:\22batch * 32\22,\22dtype\22:\22f32\22,\22name\22:\22x\22,\22role\22:\22input\22},
// JSON-SAME: \22dims\22:[\22batch\22],\22launches\22:[{\22args\22:[{\22name\22:\22x\22,\22offset\22:\220\22,\22role\22:\22input\22},{\22size\22:\22batch\22},{\22name\22:\22y\22,\22offset\22:\220\22,\22role\22:\22output\22},{\22size\22:\22batch\22},{\22size\22:\22batch * 8\22}],\22block\22:[\22256\22,\221\22,\221\22],\22grid\22:[\22(batch * 8 + 255) / 256\22,\221\22,\221\22],\22kernel\22:\22M_square_0_map\22}],\22symbol\22:\22M.square\22}

// Sizes and addresses of views.
// JSON-SAME: {\22name\22:\22x\22,\22offset\22:\220\22,\22role\22:\22output\22},{\22size\22:\22batch * 2\22},{\22size\22:\22batch * 2 * 4\22}]
// JSON-SAME: {\22name\22:\22x\22,\22offset\22:\221 * 16\22,\22role\22:\22output\22},{\22size\22:\22batch\22},{\22size\22:\22batch * 4\22}]

// CHECK: gpu.module @kernels
// CHECK: gpu.func @M_square_0_map(%[[A:.*]]: memref<?x8xf32>, %{{.*}}: index, %[[B:.*]]: memref<?x8xf32>, %{{.*}}: index, %[[COUNT:.*]]: index) kernel attributes {nvvm.reqntid = array<i32: 256, 1, 1>}
// CHECK-DAG: %[[BLOCK:.*]] = gpu.block_id x
// CHECK-DAG: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c256
// CHECK: %[[I:.*]] = arith.addi %[[FIRST]], %[[THREAD]]
// CHECK: %[[THERE:.*]] = arith.cmpi ult, %[[I]], %[[COUNT]]
// CHECK: scf.if %[[THERE]]
// CHECK-DAG: %[[ROW:.*]] = arith.divui %[[I]], %c8
// CHECK-DAG: %[[COLUMN:.*]] = arith.remui %[[I]], %c8
// CHECK: %[[V:.*]] = memref.load %[[A]][%[[ROW]], %[[COLUMN]]]
// CHECK: %[[W:.*]] = arith.mulf %[[V]], %[[V]]
// CHECK: memref.store %[[W]], %[[B]][%[[ROW]], %[[COLUMN]]]

// An address and a size for each buffer; the host is gone.
// KEPT-NOT: func.func
// KEPT: gpu.func @M_square_0_map(%{{.*}}: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: i64) kernel
// NVVM: llvm.func @M_square_0_map(%{{.*}}: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: i64) attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 256, 1, 1>}
// NVVM: nvvm.read.ptx.sreg.ctaid.x
// NVVM: llvm.fmul

// Sums stay in a register; a thread has a row.
// CHECK: gpu.func @M_sums_0_reduce
// CHECK: scf.if
// CHECK: %[[START:.*]] = memref.load %{{.*}}[%[[R:.*]]] : memref<?xf32>
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = %c0 to %c8 step %c1 iter_args(%[[S:.*]] = %[[START]]) -> (f32) {
// CHECK: memref.load %{{.*}}[%[[R]], %[[K]]]
// CHECK: memref.store %[[SUM]], %{{.*}}[%[[R]]]

// Two rows of a column of both gates; what was packed is read side by side. Steps
// of K are unrolled as was decided.
// CHECK: gpu.func @M_gates_0_product
// CHECK-SAME: nvvm.reqntid = array<i32: 64, 1, 1>
// CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} = %c0 to %c6 step %c2
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
// CHECK: arith.mulf %[[SUMS]]#0, %[[SUMS]]#1
// CHECK: memref.store
// CHECK: scf.if
// CHECK: arith.mulf %[[SUMS]]#2, %[[SUMS]]#3
// CHECK: memref.store
// NVVM: llvm.func @M_gates_0_product
// NVVM: llvm.intr.fma

// CHECK: gpu.func @M_others_0_pack
// CHECK: gpu.func @M_others_1_gather
// CHECK: %[[ASKED:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[ASKED]], %c9
// CHECK: arith.select %[[INSIDE]], %[[ASKED]], %c0
// CHECK: gpu.func @M_others_2_argmax
// CHECK: gpu.func @M_others_3_copy
// CHECK: gpu.func @M_others_4_layout
// CHECK: gpu.func @M_others_5_product

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>
#product = #kernel.schedule<"sm_80" tile_rows = 2, unroll = 2, block_threads = 64>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  func.func @M.square(%x: memref<?x8xf32> {rnnc.name = "x", rnnc.role = "input", rnnc.shape = ["batch", 8]},
                      %y: memref<?x8xf32> {rnnc.name = "y", rnnc.role = "output", rnnc.shape = ["batch", 8]})
      attributes {rnnc.dims = ["batch"]} {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %a : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @M.again(%x: memref<?x8xf32> {rnnc.name = "x", rnnc.role = "input", rnnc.shape = ["batch", 8]},
                     %y: memref<?x8xf32> {rnnc.name = "y", rnnc.role = "output", rnnc.shape = ["batch", 8]})
      attributes {rnnc.dims = ["batch"]} {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %a : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @M.sums(%x: memref<?x8xf32> {rnnc.name = "x", rnnc.role = "input", rnnc.shape = ["batch", 8]},
                    %y: memref<?xf32> {rnnc.name = "y", rnnc.role = "output", rnnc.shape = ["batch"]})
      attributes {rnnc.dims = ["batch"]} {
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %b, %a : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @M.gates(%x: memref<?x6xf32> {rnnc.name = "x", rnnc.role = "input", rnnc.shape = ["batch", 6]},
                     %p: memref<80xf32> {rnnc.name = "p", rnnc.role = "prepared", rnnc.shape = [80]},
                     %y: memref<?x4xf32> {rnnc.name = "y", rnnc.role = "output", rnnc.shape = ["batch", 4]})
      attributes {rnnc.dims = ["batch"]} {
    kernel.phase products(%x : memref<?x6xf32>) with(%p : memref<80xf32>) outs(%y : memref<?x4xf32>)
        columns([array<i64: 0, 4>]) maps([]) attributes {packed, kernel.schedule = #product} {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    return
  }
  func.func @M.views(%x: memref<?x2x4xf32> {rnnc.name = "x", rnnc.role = "output", rnnc.shape = ["batch", 2, 4]})
      attributes {rnnc.dims = ["batch"]} {
    %c0 = arith.constant 0 : index
    %z = arith.constant 1.0 : f32
    %n = memref.dim %x, %c0 : memref<?x2x4xf32>
    %flat = memref.collapse_shape %x [[0, 1], [2]] : memref<?x2x4xf32> into memref<?x4xf32>
    linalg.fill ins(%z : f32) outs(%flat : memref<?x4xf32>)
    %part = memref.subview %x[0, 1, 0] [%n, 1, 4] [1, 1, 1]
        : memref<?x2x4xf32> to memref<?x4xf32, strided<[8, 1], offset: 4>>
    linalg.fill ins(%z : f32) outs(%part : memref<?x4xf32, strided<[8, 1], offset: 4>>)
    return
  }
  func.func @M.others(%W: memref<8x6xf32> {rnnc.name = "W", rnnc.role = "param", rnnc.shape = [8, 6]},
                      %p: memref<80xf32> {rnnc.name = "p", rnnc.role = "prepared", rnnc.shape = [80]},
                      %E: memref<9x8xf32> {rnnc.name = "E", rnnc.role = "param", rnnc.shape = [9, 8]},
                      %i: memref<?xi32> {rnnc.name = "i", rnnc.role = "input", rnnc.shape = ["batch"]},
                      %e: memref<?x8xf32> {rnnc.name = "e", rnnc.role = "output", rnnc.shape = ["batch", 8]},
                      %best: memref<?xi32> {rnnc.name = "b", rnnc.role = "output", rnnc.shape = ["batch"]},
                      %f: memref<?x8xf32> {rnnc.name = "f", rnnc.role = "output", rnnc.shape = ["batch", 8]},
                      %g: memref<8x?xf32> {rnnc.name = "g", rnnc.role = "output", rnnc.shape = [8, "batch"]},
                      %h: memref<?x6xf32> {rnnc.name = "h", rnnc.role = "output", rnnc.shape = ["batch", 6]})
      attributes {rnnc.dims = ["batch"]} {
    kernel.pack ins(%W : memref<8x6xf32>) outs(%p : memref<80xf32>) {trans, columns = array<i64: 0, 4>, units = 4 : i64}
    kernel.gather ins(%E, %i : memref<9x8xf32>, memref<?xi32>) outs(%e : memref<?x8xf32>)
    kernel.argmax ins(%e : memref<?x8xf32>) outs(%best : memref<?xi32>) {dim = 1 : i64}
    memref.copy %e, %f : memref<?x8xf32> to memref<?x8xf32>
    kernel.leave ins(%f : memref<?x8xf32>) outs(%g : memref<8x?xf32>) {perm = array<i64: 1, 0>}
    kernel.gemm ins(%f, %W : memref<?x8xf32>, memref<8x6xf32>) outs(%h : memref<?x6xf32>)
        {kernel.schedule = #product}
    return
  }
}
