// Loops stay on the host; lengths, tables, random numbers and sums are kernels.
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>
#tile = #kernel.schedule<"sm_80" tile_rows = 2, unroll = 1, block_threads = 128>
#row = affine_map<(i, j) -> (i, j)>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  // CHECK-LABEL: func.func @steps
  func.func @steps(%x: memref<?x?x4xf32>, %len: memref<?xi32>, %list: memref<?xi32>, %h: memref<?x4xf32>)
      attributes {rnnc.function = #rnnc.function<"M" "steps", []>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %T = memref.dim %x, %c0 : memref<?x?x4xf32>
    %B = memref.dim %x, %c1 : memref<?x?x4xf32>
    // What decides about a branch is read by the host.
    // CHECK: %[[LEAST:.*]] = memref.load
    %least = memref.load %len[%c0] : memref<?xi32>
    %at = arith.index_cast %least : i32 to index
    // CHECK: scf.for %[[T:.*]] =
    scf.for %t = %c0 to %T step %c1 {
      // Strides that a type does not hold follow the sizes.
      %now = memref.subview %x[%t, 0, 0] [1, %B, 4] [1, 1, 1]
          : memref<?x?x4xf32> to memref<?x4xf32, strided<[4, 1], offset: ?>>
      %is = arith.cmpi sge, %t, %at : index
      // CHECK: scf.if
      scf.if %is {
        // CHECK: gpu.launch_func @kernels::@steps_0_valid
        kernel.valid_rows ins(%len : memref<?xi32>) outs(%list : memref<?xi32>) at(%t)
        // CHECK: gpu.launch_func @kernels::@steps_1_mask
        kernel.mask_rows outs(%now : memref<?x4xf32, strided<[4, 1], offset: ?>>) lengths(%len : memref<?xi32>)
            at(%t) previous(%h : memref<?x4xf32>)
      }
      // The parts follow each other.
      // CHECK-NOT: kernel.beside
      kernel.beside terms(%c3) rows(%c3) {
        // CHECK: gpu.launch_func @kernels::@steps_2_copy
        memref.copy %now, %h : memref<?x4xf32, strided<[4, 1], offset: ?>> to memref<?x4xf32>
      }, {
        // CHECK: gpu.launch_func @kernels::@steps_3_fill
        %zero = arith.constant 0.0 : f32
        linalg.fill ins(%zero : f32) outs(%h : memref<?x4xf32>)
      }
    }
    return
  }

  // A number between kernels: one thread, which loads what the host does not.
  // CHECK-LABEL: func.func @numbers
  // CHECK-NOT: memref.load
  // CHECK: gpu.launch_func @kernels::@numbers_0_number blocks in (%c1, %c1, %c1) threads in (%c256, %c1, %c1)
  // CHECK: gpu.launch_func @kernels::@numbers_1_number
  // Something is written in between: the host has read it.
  // CHECK: memref.load
  func.func @numbers(%sum: memref<f32>, %out: memref<f32>, %other: memref<f32>)
      attributes {rnnc.function = #rnnc.function<"M" "numbers", []>} {
    %two = arith.constant 2.0 : f32
    memref.store %two, %other[] : memref<f32>
    %a = memref.load %sum[] : memref<f32>
    %half = arith.divf %a, %two : f32
    memref.store %half, %out[] : memref<f32>
    %b = memref.load %sum[] : memref<f32>
    memref.store %two, %sum[] : memref<f32>
    memref.store %b, %other[] : memref<f32>
    return
  }

  // Many terms have a block, which adds them up in f64.
  // CHECK-LABEL: func.func @sums
  // CHECK: gpu.launch_func @kernels::@sums_0_reduce blocks in (%c4, %c1, %c1) threads in (%c128, %c1, %c1)
  func.func @sums(%x: memref<?x4xf32>, %y: memref<4xf32>) attributes {rnnc.function = #rnnc.function<"M" "sums", []>} {
    linalg.generic {indexing_maps = [#row, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]}
        ins(%x : memref<?x4xf32>) outs(%y : memref<4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      linalg.yield %c : f32
    }
    return
  }

  // A product whose rows are combined is two kernels.
  // CHECK-LABEL: func.func @rows
  // CHECK: %[[BETWEEN:.*]] = memref.alloc(%{{.*}}) : memref<?x8xf32>
  // CHECK: gpu.launch_func @kernels::@rows_0_product {{.*}}%[[BETWEEN]]
  // CHECK: gpu.launch_func @kernels::@rows_1_rows {{.*}} threads in (%c32, %c1, %c1) args(%[[BETWEEN]]
  func.func @rows(%x: memref<?x4xf32>, %w: memref<64xf32>, %y: memref<?x8xf32>)
      attributes {rnnc.function = #rnnc.function<"M" "rows", []>} {
    kernel.phase products(%x : memref<?x4xf32>) with(%w : memref<64xf32>) outs(%y : memref<?x8xf32>)
        columns([array<i64: 0>]) maps([]) attributes {packed, kernel.schedule = #tile} {
    ^bb0(%a: f32):
      %m = kernel.reduce_row max %a : f32
      %d = arith.subf %a, %m : f32
      kernel.yield %d : f32
    }
    return
  }

  // CHECK-LABEL: func.func @data
  // CHECK: gpu.launch_func @kernels::@data_0_layout
  // CHECK: gpu.launch_func @kernels::@data_1_scatter
  // CHECK: gpu.launch_func @kernels::@data_2_random
  // CHECK: gpu.launch_func @kernels::@data_3_reverse
  // CHECK: gpu.launch_func @kernels::@data_4_pick
  // CHECK: gpu.launch_func @kernels::@data_5_place
  // CHECK: gpu.launch_func @kernels::@data_6_valid
  // CHECK: gpu.launch_func @kernels::@data_7_product
  func.func @data(%x: memref<?x?x4xf32>, %y: memref<?x?x4xf32>, %len: memref<?xi32>, %row: memref<?x4xf32>,
                  %i: memref<?xi32>, %table: memref<9x4xf32>, %key: memref<2xi64>, %places: memref<?xi64>,
                  %g: memref<4x4xf32>)
      attributes {rnnc.function = #rnnc.function<"M" "data", []>} {
    %c0 = arith.constant 0 : index
    kernel.enter ins(%x : memref<?x?x4xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x4xf32>)
        {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
    kernel.scatter_add ins(%row, %i : memref<?x4xf32>, memref<?xi32>) outs(%table : memref<9x4xf32>)
    kernel.random ins(%key : memref<2xi64>) outs(%row : memref<?x4xf32>) {site = 3 : i64, batch_dim = 0 : i64}
    kernel.reverse ins(%x : memref<?x?x4xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x4xf32>)
    kernel.pick_step ins(%y : memref<?x?x4xf32>) lengths(%len : memref<?xi32>) outs(%row : memref<?x4xf32>) {last = true}
    kernel.place_step ins(%row : memref<?x4xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x4xf32>) {last = true}
    %T = memref.dim %y, %c0 : memref<?x?x4xf32>
    kernel.valid_places ins(%len : memref<?xi32>) outs(%places : memref<?xi64>) steps(%T)
    // The number of terms is on the device, in front of their list.
    %count = memref.load %places[%c0] : memref<?xi64>
    %n = arith.index_cast %count : i64 to index
    %list = memref.subview %places[1] [%n] [1] : memref<?xi64> to memref<?xi64, strided<[1], offset: 1>>
    kernel.gemm ins(%row, %row : memref<?x4xf32>, memref<?x4xf32>) outs(%g : memref<4x4xf32>)
        valid(%list : memref<?xi64, strided<[1], offset: 1>>) {trans_a, kernel.schedule = #tile}
    return
  }

  // Halves onto halves in shared memory, a barrier before each.
  // CHECK-LABEL: gpu.func @sums_0_reduce
  // CHECK-SAME: workgroup(%[[PLACE:.*]] : memref<128xf64, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
  // CHECK: arith.extf
  // CHECK: memref.store %{{.*}}, %[[PLACE]][
  // CHECK-NEXT: gpu.barrier
  // CHECK: arith.truncf
  // Every thread has the rows of the table whose numbers leave the same rest.
  // CHECK-LABEL: gpu.func @data_1_scatter
  // CHECK: scf.for
  // CHECK: arith.remui %{{.*}}, %c16
  // CHECK: arith.addf
  // Philox: ten rounds, the first of which is of constants in part.
  // CHECK-LABEL: gpu.func @data_2_random
  // CHECK-COUNT-18: arith.mului_extended
  // CHECK: arith.sitofp
}
