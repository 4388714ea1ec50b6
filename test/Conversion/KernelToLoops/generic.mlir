// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --convert-kernel-to-loops --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=v4 --kernel-choose-target --convert-kernel-to-loops --split-input-file | FileCheck %s --check-prefix=WIDE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Contiguous dimensions become one; a size that is no multiple of the lanes
// gets a masked tail.

#id = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: func.func @pointwise
// CHECK: memref.collapse_shape
// CHECK: scf.for
// CHECK: vector.load {{.*}} vector<8xf32>
// CHECK: arith.mulf {{.*}} vector<8xf32>
// CHECK: vector.store
// CHECK: arith.cmpi slt, {{.*}} : vector<8xi32>
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
// CHECK-NOT: linalg
// WIDE-LABEL: func.func @pointwise
// WIDE: vector.load {{.*}} vector<16xf32>
func.func @pointwise(%x: memref<?x37xf32>, %y: memref<?x37xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x37xf32>) outs(%y : memref<?x37xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.mulf %a, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A multiple of the lanes has no tail; what does not vary along the vector is
// loaded once and broadcast.

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
// CHECK-LABEL: func.func @broadcast
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[S:.*]] = memref.load
// CHECK: vector.broadcast %[[S]] : f32 to vector<8xf32>
// CHECK: vector.store
// CHECK-NOT: masked
// CHECK: return
func.func @broadcast(%x: memref<?x64xf32>, %s: memref<?xf32>, %y: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<?x64xf32>, memref<?xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A reduction along the contiguous dimension: four vectors, then a tree.

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
// CHECK-LABEL: func.func @inner_sum
// CHECK: scf.for
// CHECK: %[[SUMS:.*]]:4 = scf.for
// CHECK-COUNT-4: arith.addf {{.*}} vector<8xf32>
// CHECK: %[[P:.*]] = arith.addf %[[SUMS]]#0, %[[SUMS]]#1
// CHECK: %[[Q:.*]] = arith.addf %[[SUMS]]#2, %[[SUMS]]#3
// CHECK: arith.addf %[[P]], %[[Q]]
// CHECK: vector.shuffle
// CHECK: vector.extract
// CHECK: memref.store
func.func @inner_sum(%x: memref<?x64xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A reduction across rows: vectors are added up in registers.

#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
// CHECK-LABEL: func.func @outer_sum
// CHECK: scf.for
// CHECK-COUNT-4: vector.load
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-4: arith.addf {{.*}} vector<8xf32>
// CHECK-COUNT-4: vector.store
func.func @outer_sum(%x: memref<100x64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #col], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<100x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Of many rows a few are added up at a time; the totals are wider. A maximum
// loses nothing.

#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
#row = affine_map<(i, j) -> (i)>
// CHECK-LABEL: func.func @long_outer_sum
// CHECK: memref.alloca() : memref<256xf64>
// CHECK: vector.store {{.*}} vector<8xf64>
// CHECK: arith.addf {{.*}} vector<8xf32>
// CHECK: arith.extf {{.*}} vector<8xf32> to vector<8xf64>
// CHECK: arith.addf {{.*}} vector<8xf64>
// CHECK: arith.truncf {{.*}} vector<8xf64> to vector<8xf32>
func.func @long_outer_sum(%x: memref<?x64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #col], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func.func @long_inner_sum
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf64>)
// CHECK: arith.addf {{.*}} vector<8xf32>
// CHECK: arith.extf {{.*}} vector<8xf32> to vector<8xf64>
// CHECK: arith.truncf {{.*}} f64 to f32
func.func @long_inner_sum(%x: memref<5x?xf32>, %y: memref<5xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<5x?xf32>) outs(%y : memref<5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func.func @long_maximum
// CHECK-NOT: f64
func.func @long_maximum(%x: memref<?x64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #col], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Copies and fills are loops too.

// CHECK-LABEL: func.func @copy_fill
// CHECK: vector.store
// CHECK-NOT: memref.copy
// CHECK-NOT: linalg.fill
// CHECK: return
func.func @copy_fill(%x: memref<16xf32>, %y: memref<16xf32>, %z: memref<16xf32>) {
  %c = arith.constant 1.0 : f32
  memref.copy %x, %y : memref<16xf32> to memref<16xf32>
  linalg.fill ins(%c : f32) outs(%z : memref<16xf32>)
  return
}
