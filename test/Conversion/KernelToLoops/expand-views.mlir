// RUN: rnn-opt %s --kernel-expand-views | FileCheck %s

// A view becomes an address in what it is a view of; ops that are no views
// stay as they are, also those that a folder would change.

// CHECK-LABEL: func.func @row
// CHECK-SAME:    %[[X:.*]]: memref<?x64xf32>, %[[I:.*]]: index
// CHECK:         %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %[[X]]
// CHECK:         %[[AT:.*]] = affine.apply #{{.*}}()[%[[I]]]
// CHECK:         memref.reinterpret_cast %[[BASE]] to offset: [%[[AT]]], sizes: [64], strides: [1]
// CHECK-NOT:     memref.subview
// CHECK:         %[[TWO:.*]] = arith.addi %{{.*}}, %{{.*}} : index
// CHECK:         return %{{.*}}, %[[TWO]]
func.func @row(%x: memref<?x64xf32>, %i: index)
    -> (memref<64xf32, strided<[1], offset: ?>>, index) {
  %row = memref.subview %x[%i, 0] [1, 64] [1, 1]
      : memref<?x64xf32> to memref<64xf32, strided<[1], offset: ?>>
  %c1 = arith.constant 1 : index
  %two = arith.addi %c1, %c1 : index
  return %row, %two : memref<64xf32, strided<[1], offset: ?>>, index
}

// CHECK-LABEL: func.func @flat
// CHECK-NOT:     memref.collapse_shape
// CHECK:         memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [%{{.*}}], strides: [1]
func.func @flat(%x: memref<?x8xf32>) -> memref<?xf32> {
  %flat = memref.collapse_shape %x [[0, 1]] : memref<?x8xf32> into memref<?xf32>
  return %flat : memref<?xf32>
}
