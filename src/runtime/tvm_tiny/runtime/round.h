/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating point to int32, rounded to nearest, without <math.h> and whatever the rounding mode: what does not fit is
 * saturated, and NaN gives 0, as Arm's VCVT does.
 *
 * The fraction is told by a comparison rather than by a subtraction, because a compiler may fuse a subtraction with the
 * multiplication that made x, and would then see a fraction that x does not have. */
#ifndef TVM_TINY_RUNTIME_ROUND_H_
#define TVM_TINY_RUNTIME_ROUND_H_

#include <stdint.h>

/* Halves away from zero: C's round(). */
static inline int32_t tvm_tiny_round_f64(double x) {
  int32_t nearest = 0;
  if ((x > -2147483648.0) && (x < 2147483647.0)) {
    const int32_t whole = (int32_t)x;
    nearest = whole;
    if (x >= ((double)whole + 0.5)) {
      nearest = whole + 1;
    }
    if (x <= ((double)whole - 0.5)) {
      nearest = whole - 1;
    }
  } else if (x > 0.0) {
    nearest = INT32_MAX;
  } else if (x < 0.0) {
    nearest = INT32_MIN;
  } else {
    /* NaN */
  }
  return nearest;
}

/* Halves away from zero: C's roundf(). */
static inline int32_t tvm_tiny_round_f32(float x) {
  int32_t nearest = 0;
  if ((x > -8388608.0f) && (x < 8388608.0f)) {
    const int32_t whole = (int32_t)x;
    nearest = whole;
    if (x >= ((float)whole + 0.5f)) {
      nearest = whole + 1;
    }
    if (x <= ((float)whole - 0.5f)) {
      nearest = whole - 1;
    }
  } else if ((x >= -2147483648.0f) && (x < 2147483648.0f)) {
    nearest = (int32_t)x; /* from 2^23 on a float has no fraction */
  } else if (x > 0.0f) {
    nearest = INT32_MAX;
  } else if (x < 0.0f) {
    nearest = INT32_MIN;
  } else {
    /* NaN */
  }
  return nearest;
}

/* Halves to even: C's nearbyintf() in the mode that every program starts in. */
static inline int32_t tvm_tiny_round_even_f32(float x) {
  int32_t nearest = 0;
  if ((x > -8388608.0f) && (x < 8388608.0f)) {
    const int32_t whole = (int32_t)x;
    const float above = (float)whole + 0.5f;
    const float below = (float)whole - 0.5f;
    const int32_t odd = whole % 2;
    nearest = whole;
    if ((odd != 0) ? (x >= above) : (x > above)) {
      nearest = whole + 1;
    }
    if ((odd != 0) ? (x <= below) : (x < below)) {
      nearest = whole - 1;
    }
  } else if ((x >= -2147483648.0f) && (x < 2147483648.0f)) {
    nearest = (int32_t)x;
  } else if (x > 0.0f) {
    nearest = INT32_MAX;
  } else if (x < 0.0f) {
    nearest = INT32_MIN;
  } else {
    /* NaN */
  }
  return nearest;
}

#endif /* TVM_TINY_RUNTIME_ROUND_H_ */
