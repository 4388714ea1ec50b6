// RUN: rnn-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: rnn.module @M
rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <[] real>
  %two = rnn.constant 2.0 : <[] real>
  %three = rnn.constant 3.0 : <[] real>
  %five = rnn.binary add %two, %three : <[] real>, <[] real>
  %n = rnn.unary neg %x : <[] real>
  %nn = rnn.unary neg %n : <[] real>
  %as = rnn.as %nn : <[] real> -> <[] real>
  // CHECK-DAG: %[[X:.*]] = rnn.input
  // CHECK-DAG: %[[FIVE:.*]] = rnn.constant 5.0
  // CHECK: %[[P:.*]] = rnn.binary mul %[[X]], %[[FIVE]]
  %p = rnn.binary mul %as, %five : <[] real>, <[] real>
  // CHECK-NEXT: rnn.loss %[[P]]
  rnn.loss %p : <[] real>
}
