// RUN: rnn-opt %s --kernel-fold-descriptors | FileCheck %s

// What was put into a struct is read without it.
// CHECK-LABEL: llvm.func @known
// CHECK-SAME:    %[[P:.*]]: !llvm.ptr, %[[N:.*]]: i64, %[[V:.*]]: f32
// CHECK-NEXT:    llvm.store %[[V]], %[[P]]
// CHECK-NEXT:    llvm.return %[[N]]
llvm.func @known(%p: !llvm.ptr, %n: i64, %v: f32) -> i64 {
  %0 = llvm.mlir.poison : !llvm.struct<(ptr, ptr, i64)>
  %1 = llvm.insertvalue %p, %0[0] : !llvm.struct<(ptr, ptr, i64)>
  %2 = llvm.insertvalue %p, %1[1] : !llvm.struct<(ptr, ptr, i64)>
  %3 = llvm.insertvalue %n, %2[2] : !llvm.struct<(ptr, ptr, i64)>
  %4 = llvm.extractvalue %3[1] : !llvm.struct<(ptr, ptr, i64)>
  llvm.store %v, %4 : f32, !llvm.ptr
  %5 = llvm.extractvalue %3[2] : !llvm.struct<(ptr, ptr, i64)>
  llvm.return %5 : i64
}

// What comes from elsewhere is read where it is: a struct from memory, and one
// that passes a branch.
// CHECK-LABEL: llvm.func @unknown
// CHECK:         %[[S:.*]] = llvm.load
// CHECK:         llvm.insertvalue %{{.*}}, %[[S]][0]
// CHECK:         llvm.extractvalue %[[S]][1]
// CHECK:         llvm.br
// CHECK:         llvm.extractvalue
llvm.func @unknown(%p: !llvm.ptr, %n: i64) -> i64 {
  %0 = llvm.load %p : !llvm.ptr -> !llvm.struct<(i64, i64)>
  %1 = llvm.insertvalue %n, %0[0] : !llvm.struct<(i64, i64)>
  %2 = llvm.extractvalue %1[1] : !llvm.struct<(i64, i64)>
  llvm.br ^end(%1 : !llvm.struct<(i64, i64)>)
^end(%3: !llvm.struct<(i64, i64)>):
  %4 = llvm.extractvalue %3[0] : !llvm.struct<(i64, i64)>
  %5 = llvm.add %2, %4 : i64
  llvm.return %5 : i64
}
