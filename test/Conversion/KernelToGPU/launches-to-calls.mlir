// What is left on the host: loops, addresses as numbers, calls of the runtime.
// RUN: rnn-opt %s --gpu-launches-to-calls | FileCheck %s
// RUN: not rnn-opt %S/launches-errors.mlir --gpu-launches-to-calls --split-input-file 2>&1 | FileCheck %s --check-prefix=NONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// NONE: error: has no kernels: convert-kernel-to-gpu makes them

module attributes {gpu.container_module} {
  memref.global "private" constant @table : memref<3xf32> = dense<[1.0, 2.0, 3.0]>
  // CHECK-NOT: gpu.
  // CHECK: func.func @M.f(%[[X:.*]]: memref<?xf32> {{.*}}, %{{.*}}: memref<i32>{{.*}}, %[[CONTEXT:.*]]: !llvm.ptr)
  // CHECK: %[[ROOM:.*]] = llvm.mlir.constant(3 : i64)
  // CHECK: %[[PARAMETERS:.*]] = llvm.alloca %[[ROOM]] x i64
  func.func @M.f(%x: memref<?xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch"]>}, %n: memref<i32>)
      attributes {rnnc.function = #rnnc.function<"M" "f", ["batch"]>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c256 = arith.constant 256 : index
    %size = memref.dim %x, %c0 : memref<?xf32>
    // CHECK: llvm.call @rnnc_rt_gpu_read(%[[CONTEXT]]
    // CHECK: llvm.trunc %{{.*}} : i64 to i32
    %count = memref.load %n[] : memref<i32>
    %steps = arith.index_cast %count : i32 to index
    // CHECK: llvm.call @rnnc_rt_gpu_scratch(%[[CONTEXT]]
    %between = memref.alloc(%size) : memref<?xf32>
    // CHECK: memref.get_global
    // CHECK: llvm.call @rnnc_rt_gpu_constant(%[[CONTEXT]]
    %table = memref.get_global @table : memref<3xf32>
    // CHECK: scf.for
    scf.for %t = %c0 to %steps step %c1 {
      // Eight bytes each, of the table too, which is a descriptor by now.
      // CHECK-COUNT-3: llvm.store %{{.*}}, %{{.*}} : i64, !llvm.ptr
      // CHECK: llvm.call @rnnc_rt_gpu_launch(%[[CONTEXT]], %{{.*}}, %{{.*}}, %{{.*}}, %[[PARAMETERS]]
      gpu.launch_func @kernels::@k blocks in (%size, %c1, %c1) threads in (%c256, %c1, %c1)
          args(%between : memref<?xf32>, %size : index, %table : memref<3xf32>)
    }
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<?xf32>, %n: index, %table: memref<3xf32>) kernel {
      gpu.return
    }
  }
}
