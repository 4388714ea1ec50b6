// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse | FileCheck %s
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --gpu-collect-launches | FileCheck %s --check-prefix=LAUNCH
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

// LAUNCH: rnnc.launches = [
// LAUNCH-SAME: {buffers = [{bytes = "batch * 32", dtype = "f32", name = "x", role = "input"},
// LAUNCH-SAME: dims = ["batch"], launches = [{args = [{name = "x", offset = "0", role = "input"}, {size = "batch"}, {name = "y", offset = "0", role = "output"}, {size = "batch"}, {size = "batch * 8"}], block = ["256", "1", "1"], grid = ["(batch * 8 + 255) / 256", "1", "1"], kernel = "M_square_0_map"}], symbol = "M.square"}

// Sizes and addresses of views.
// LAUNCH-SAME: {name = "x", offset = "0", role = "output"}, {size = "batch * 2"}, {size = "batch * 2 * 4"}]
// LAUNCH-SAME: {name = "x", offset = "1 * 16", role = "output"}, {size = "batch"}, {size = "batch * 4"}]

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
// of K are unrolled as was decided. What follows is written once: the sums of the
// rows move up.
// CHECK: gpu.func @M_gates_0_product
// CHECK-SAME: nvvm.minctasm = 4 : i32, nvvm.reqntid = array<i32: 64, 1, 1>
// CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} = %c0 to %c6 step %c2
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args(%[[G0:.*]] = %[[SUMS]]#0, %[[G1:.*]] = %[[SUMS]]#1, %[[G2:.*]] = %[[SUMS]]#2, %[[G3:.*]] = %[[SUMS]]#3)
// CHECK: scf.if
// CHECK: arith.mulf %[[G0]], %[[G1]]
// CHECK: memref.store
// CHECK: scf.yield %[[G2]], %[[G3]], %[[G0]], %[[G1]]
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
  func.func @M.square(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 8]>},
                      %y: memref<?x8xf32> {rnnc.slot = #rnnc.slot<output "y", ["batch", 8]>})
      attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %a : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @M.again(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 8]>},
                     %y: memref<?x8xf32> {rnnc.slot = #rnnc.slot<output "y", ["batch", 8]>})
      attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %a : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @M.sums(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 8]>},
                    %y: memref<?xf32> {rnnc.slot = #rnnc.slot<output "y", ["batch"]>})
      attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
    linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<?x8xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %b, %a : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @M.gates(%x: memref<?x6xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 6]>},
                     %p: memref<80xf32> {rnnc.slot = #rnnc.slot<prepared "p", [80]>},
                     %y: memref<?x4xf32> {rnnc.slot = #rnnc.slot<output "y", ["batch", 4]>})
      attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
    kernel.phase products(%x : memref<?x6xf32>) with(%p : memref<80xf32>) outs(%y : memref<?x4xf32>)
        columns([array<i64: 0, 4>]) maps([]) attributes {packed, kernel.schedule = #product} {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %b : f32
      kernel.yield %c : f32
    }
    return
  }
  func.func @M.views(%x: memref<?x2x4xf32> {rnnc.slot = #rnnc.slot<output "x", ["batch", 2, 4]>})
      attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
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
  func.func @M.others(%W: memref<8x6xf32> {rnnc.slot = #rnnc.slot<param "W", [8, 6]>},
                      %p: memref<80xf32> {rnnc.slot = #rnnc.slot<prepared "p", [80]>},
                      %E: memref<9x8xf32> {rnnc.slot = #rnnc.slot<param "E", [9, 8]>},
                      %i: memref<?xi32> {rnnc.slot = #rnnc.slot<input "i", ["batch"]>},
                      %e: memref<?x8xf32> {rnnc.slot = #rnnc.slot<output "e", ["batch", 8]>},
                      %best: memref<?xi32> {rnnc.slot = #rnnc.slot<output "b", ["batch"]>},
                      %f: memref<?x8xf32> {rnnc.slot = #rnnc.slot<output "f", ["batch", 8]>},
                      %g: memref<8x?xf32> {rnnc.slot = #rnnc.slot<output "g", [8, "batch"]>},
                      %h: memref<?x6xf32> {rnnc.slot = #rnnc.slot<output "h", ["batch", 6]>})
      attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
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
