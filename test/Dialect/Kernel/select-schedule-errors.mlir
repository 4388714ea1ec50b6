// RUN: not rnn-opt %s --kernel-select-schedule 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not rnn-opt %s --kernel-select-schedule=targets=v9 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not rnn-opt %s --kernel-select-schedule=targets=v3,v3 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-select-schedule=targets=v3 2>&1 | FileCheck %s --check-prefix=AGAIN
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// NONE: error: names no targets to decide for
// UNKNOWN: error: there is no target `v9`
// TWICE: error: names the target `v3` twice
// AGAIN: error: names its targets already
module {}
