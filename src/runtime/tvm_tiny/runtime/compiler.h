/* SPDX-License-Identifier: Apache-2.0
 *
 * What C99 has no word for, spelt for each compiler. A compiler that is not known here builds the same program without
 * it: then layers may be inlined, and arrays have the alignment of their type. */
#ifndef TVM_TINY_RUNTIME_COMPILER_H_
#define TVM_TINY_RUNTIME_COMPILER_H_

/* Every layer stays a function of its own: a debugger, a profiler and the linker's map see it, and the layers' stack
 * frames do not add up in one. Nor may gcc conclude from a layer's code what it need not do: gcc 12 takes a loop whose
 * addresses it has rewritten for one that writes nothing, and then leaves out the call. */
#if defined(__GNUC__) && !defined(__clang__) && (__GNUC__ >= 8)
#define TVM_TINY_NOINLINE __attribute__((noipa))
#elif defined(__GNUC__) || defined(__clang__) || defined(__ICCARM__)
#define TVM_TINY_NOINLINE __attribute__((noinline))
#else
#define TVM_TINY_NOINLINE
#endif

#if defined(__GNUC__) || defined(__clang__) || defined(__ICCARM__)
#define TVM_TINY_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define TVM_TINY_SECTION(name) __attribute__((section(name)))
#else
#define TVM_TINY_ALIGNED(bytes)
#define TVM_TINY_SECTION(name)
#endif

/* In front of every constant array. Arrays start on a word, so that int8 weights can be read four at a time. Define
 * TVM_TINY_WEIGHTS_SECTION as a string, -DTVM_TINY_WEIGHTS_SECTION='".extflash"', to put them into a section of your
 * own. */
#ifdef TVM_TINY_WEIGHTS_SECTION
#define TVM_TINY_WEIGHTS TVM_TINY_SECTION(TVM_TINY_WEIGHTS_SECTION) TVM_TINY_ALIGNED(4)
#else
#define TVM_TINY_WEIGHTS TVM_TINY_ALIGNED(4)
#endif

/* In front of the workspace of microTVM's interface, where the firmware brings none. */
#ifdef TVM_TINY_WORKSPACE_SECTION
#define TVM_TINY_WORKSPACE TVM_TINY_SECTION(TVM_TINY_WORKSPACE_SECTION)
#else
#define TVM_TINY_WORKSPACE
#endif

/* For an inner loop whose accumulators must stay in its caller's registers. */
#if defined(__GNUC__)
#define TVM_TINY_ALWAYS_INLINE __attribute__((always_inline))
#else
#define TVM_TINY_ALWAYS_INLINE
#endif

/* For an inner loop that all layers share: one copy of it. Not every model calls each one of a header. */
#if defined(__GNUC__) && !defined(__clang__) && (__GNUC__ >= 8)
#define TVM_TINY_KERNEL __attribute__((noipa, unused))
#elif defined(__GNUC__) && !defined(__clang__)
#define TVM_TINY_KERNEL __attribute__((noinline, noclone, unused))
#elif defined(__clang__) || defined(__ICCARM__)
#define TVM_TINY_KERNEL __attribute__((noinline, unused))
#else
#define TVM_TINY_KERNEL
#endif

/* For a kernel that is all assembly and takes its arguments from where the procedure call standard puts them: nobody
 * may look into it, inline it or change what it is given. */
#if defined(__clang__)
#define TVM_TINY_NAKED __attribute__((naked, noinline, unused))
#elif defined(__GNUC__) && (__GNUC__ >= 8)
#define TVM_TINY_NAKED __attribute__((naked, noipa, unused))
#elif defined(__GNUC__)
#define TVM_TINY_NAKED __attribute__((naked, noinline, noclone, used))
#endif

#endif /* TVM_TINY_RUNTIME_COMPILER_H_ */
