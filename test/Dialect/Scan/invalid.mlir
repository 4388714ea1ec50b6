// RUN: rnn-opt %s --split-input-file --verify-diagnostics

func.func @unroll(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{unroll must be from 0 to 1024}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%h : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {unroll = -1}
  return %r : tensor<?x8xf32>
}

// -----

func.func @unroll_far(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{unroll must be from 0 to 1024}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%h : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {unroll = 1000000000}
  return %r : tensor<?x8xf32>
}

// -----

func.func @segment(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{segment must be positive}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%h : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {segment = -3}
  return %r : tensor<?x8xf32>
}

// -----

func.func @carry_type(%h0: tensor<?x8xf32>, %g: tensor<?x4xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{carry 0 is 'tensor<?x8xf32>' but its next value is 'tensor<?x4xf32>'}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%g : tensor<?x4xf32>)
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

// -----

func.func @carry_missing(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{yields 0 of 1 carries}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

// -----

func.func @dot_lengths(%a: tensor<?x?x8xf32>, %b: tensor<?x8xf32>, %len: tensor<?xi32>) {
  // expected-error @+1 {{the first two dimensions}}
  %r = scan.dot %a, %b lengths(%len) batch = [[], []] contract = [[1], [0]] : tensor<?x?x8xf32>, tensor<?x8xf32> -> tensor<?x8x8xf32>
  return
}

// -----

func.func @dot_lengths_of_step(%a: tensor<?x8xf32>, %b: tensor<8x8xf32>, %len: tensor<?xi32>) {
  // expected-error@+1 {{'scan.dot' op over examples alone wants the lengths of the loop around it}}
  %r = scan.dot %a, %b lengths(%len) batch = [[], []] contract = [[1], [0]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @split(%x: tensor<?x?x8xf32>, %n: index) {
  // expected-error @+1 {{has 'tensor<?x?x8xf32>' for the segments of 'tensor<?x?x8xf32>'}}
  %r = scan.split %x into(%n, %n) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return
}

// -----

func.func @join(%x: tensor<?x?x?x8xf32>, %n: index) {
  // expected-error @+1 {{has 'tensor<?x?x?x8xf32>' for the segments of 'tensor<?x?x4xf32>'}}
  %r = scan.join %x size(%n) : tensor<?x?x?x8xf32> -> tensor<?x?x4xf32>
  return
}

// -----

func.func @split_fixed(%x: tensor<6x?x8xf32>, %n: index) {
  // expected-error @+1 {{has 'tensor<?x6x?x8xf32>' for the segments of 'tensor<6x?x8xf32>'}}
  %r = scan.split %x into(%n, %n) : tensor<6x?x8xf32> -> tensor<?x6x?x8xf32>
  return
}

// -----

func.func @segments_number(%n: index) {
  // expected-error @+1 {{needs a positive number}}
  %c, %s = scan.segments %n <every>
  return
}

// -----

func.func @segments_root(%n: index) {
  // expected-error @+1 {{sqrt takes no number}}
  %c, %s = scan.segments %n <sqrt, 3>
  return
}
