// A time loop whose steps many blocks run together, and the loop beside it for
// devices without room.
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --split-input-file | FileCheck %s
// RUN: rnn-opt %s --convert-kernel-to-gpu --split-input-file --remarks-filter=.* -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 2, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>
#tile = #kernel.schedule<"sm_80" tile_rows = 8, unroll = 1, block_threads = 128>
#grid = #kernel.schedule<"sm_80" block_threads = 64, loop_plan = 3, loop_rows = 2, loop_blocks = 3>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  // CHECK: func.func private @rnnc_rt_gpu_grid(index, index, index) -> index
  // CHECK-LABEL: func.func @steps
  func.func @steps(%x: memref<?x?x8xf32>, %h: memref<2x?x8xf32>, %w: memref<96xf32>)
      attributes {rnnc.function = #rnnc.function<"M" "steps", []>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %T = memref.dim %x, %c0 : memref<?x?x8xf32>
    %B = memref.dim %x, %c1 : memref<?x?x8xf32>
    // CHECK: %[[COUNTER:.*]] = call @rnnc_rt_gpu_grid(%c3, %c64, %c0) {rnnc.grid = @kernels::@steps_0_grid}
    // CHECK: %[[FITS:.*]] = arith.cmpi ne, %[[COUNTER]], %c0
    // CHECK: scf.if %[[FITS]] {
    // CHECK-NEXT: gpu.launch_func @kernels::@steps_0_grid blocks in (%c3, %c1, %c1) threads in (%c64, %c1, %c1) args(%[[COUNTER]] : index
    // CHECK-SAME: {rnnc.grid = @kernels::@steps_0_grid}
    // CHECK: } else {
    // CHECK: scf.for
    // CHECK: gpu.launch_func @kernels::@steps_0_product
    scf.for %t = %c0 to %T step %c1 {
      %n = arith.addi %t, %c1 : index
      %i = arith.remui %t, %c2 : index
      %j = arith.remui %n, %c2 : index
      %before = memref.subview %h[%i, 0, 0] [1, %B, 8] [1, 1, 1]
          : memref<2x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      %after = memref.subview %h[%j, 0, 0] [1, %B, 8] [1, 1, 1]
          : memref<2x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      %now = memref.subview %x[%t, 0, 0] [1, %B, 8] [1, 1, 1]
          : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      kernel.phase products(%before : memref<?x8xf32, strided<[8, 1], offset: ?>>) with(%w : memref<96xf32>)
          ins(%now : memref<?x8xf32, strided<[8, 1], offset: ?>>)
          outs(%after : memref<?x8xf32, strided<[8, 1], offset: ?>>) columns([array<i64: 0>])
          maps([affine_map<(i, j) -> (i, j)>]) attributes {packed, kernel.schedule = #tile} {
      ^bb0(%a: f32, %b: f32):
        %c = arith.addf %a, %b : f32
        kernel.yield %c : f32
      }
      linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
          outs(%after : memref<?x8xf32, strided<[8, 1], offset: ?>>) {
      ^bb0(%a: f32):
        %c = arith.mulf %a, %a : f32
        linalg.yield %c : f32
      }
    } {kernel.schedule = #grid}
    return
  }
  // Two processors for three blocks; three units of 8 terms each, which follow
  // each other in shared memory.
  // CHECK-LABEL: gpu.func @steps_0_grid(%arg0: index
  // CHECK-SAME: workgroup(%[[PLACE:.*]] : memref<24xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
  // CHECK-SAME: nvvm.minctasm = 2 : i32, nvvm.reqntid = array<i32: 64, 1, 1>
  // CHECK-DAG: %[[BLOCK:.*]] = gpu.block_id x
  // CHECK-DAG: %[[LANE:.*]] = gpu.thread_id x
  // CHECK-DAG: %[[AT:.*]] = llvm.inttoptr %{{.*}} : i64 to !llvm.ptr<1>
  // CHECK: memref.store %{{.*}}, %[[PLACE]]
  // CHECK: gpu.barrier
  // CHECK: scf.for
  // Everyone waits for everyone, once a step: before the product reads what others
  // made.
  // CHECK: gpu.barrier
  // CHECK: scf.if
  // CHECK-NEXT: llvm.fence syncscope("device") acq_rel
  // CHECK-NEXT: %[[OLD:.*]] = llvm.atomicrmw add %[[AT]], %{{.*}} syncscope("device") monotonic
  // CHECK-NEXT: %[[ROUND:.*]] = arith.divui %[[OLD]], %c3_i64
  // CHECK: scf.while
  // CHECK-NEXT: llvm.load %[[AT]] atomic syncscope("device") acquire
  // CHECK: gpu.barrier
  // Two rows a thread, though the op has eight: the weights come from shared memory.
  // CHECK: scf.for
  // CHECK: memref.load %[[PLACE]]
  // CHECK: math.fma
  // CHECK: math.fma
  // CHECK-NOT: math.fma
  // What is doubled are the block's own units: its threads wait for each other.
  // CHECK: gpu.barrier
  // CHECK-NOT: atomicrmw
  // CHECK: scf.for
  // CHECK: arith.mulf
  // CHECK-NOT: gpu.barrier
  // CHECK: gpu.return
}

// -----

// A step that is of one thread is not.

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 2, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>
#grid = #kernel.schedule<"sm_80" block_threads = 64, loop_plan = 3, loop_rows = 2, loop_blocks = 3>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  // REMARK: `name`: each step is launched by itself after all: `memref.store` is of one thread
  // CHECK-LABEL: func.func @numbers
  // CHECK-NOT: rnnc_rt_gpu_grid
  // CHECK: return
  func.func @numbers(%x: memref<?x4xf32>, %y: memref<?xf32>)
      attributes {rnnc.function = #rnnc.function<"M" "numbers", []>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %T = memref.dim %x, %c0 : memref<?x4xf32>
    scf.for %t = %c0 to %T step %c1 {
      memref.store %zero, %y[%t] : memref<?xf32>
    } {kernel.schedule = #grid, kernel.name = "name"}
    return
  }
}

// -----

// More weights than a block has room for without asking: the launch asks.

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 2, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>
#tile = #kernel.schedule<"sm_80" tile_rows = 8, unroll = 1, block_threads = 128>
#grid = #kernel.schedule<"sm_80" block_threads = 64, loop_plan = 3, loop_rows = 2, loop_blocks = 1>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  // CHECK-LABEL: func.func @large
  // CHECK: call @rnnc_rt_gpu_grid(%c1, %c64, %c65536)
  // CHECK: gpu.launch_func @kernels::@large_0_grid {{.*}} dynamic_shared_memory_size %c65536_i32
  // CHECK: gpu.func @large_0_grid
  // CHECK-NOT: workgroup(
  // CHECK: %[[ALL:.*]] = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
  // CHECK: memref.view %[[ALL]][%c0][] : memref<?xi8, #gpu.address_space<workgroup>> to memref<16384xf32, #gpu.address_space<workgroup>>
  func.func @large(%x: memref<?x?x128xf32>, %w: memref<16416xf32>) attributes {rnnc.function = #rnnc.function<"M" "large", []>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %T = memref.dim %x, %c0 : memref<?x?x128xf32>
    %B = memref.dim %x, %c1 : memref<?x?x128xf32>
    scf.for %t = %c1 to %T step %c1 {
      %p = arith.subi %t, %c1 : index
      %before = memref.subview %x[%p, 0, 0] [1, %B, 128] [1, 1, 1]
          : memref<?x?x128xf32> to memref<?x128xf32, strided<[128, 1], offset: ?>>
      %after = memref.subview %x[%t, 0, 0] [1, %B, 128] [1, 1, 1]
          : memref<?x?x128xf32> to memref<?x128xf32, strided<[128, 1], offset: ?>>
      kernel.phase products(%before : memref<?x128xf32, strided<[128, 1], offset: ?>>) with(%w : memref<16416xf32>)
          outs(%after : memref<?x128xf32, strided<[128, 1], offset: ?>>) columns([array<i64: 0>])
          maps([]) attributes {packed, kernel.schedule = #tile} {
      ^bb0(%a: f32):
        kernel.yield %a : f32
      }
    } {kernel.schedule = #grid}
    return
  }
}
