/* The NPU's device model: validates a command stream, executes it bit by bit as the machine does, counts its cycles.
 * docs/npu.md describes the machine. No allocation, no state but the caller's; needs about 20 KiB of stack. */
#ifndef TVM_TINY_NPU_DEVICE_H_
#define TVM_TINY_NPU_DEVICE_H_

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "format.h"
#include "machine.h"

#if defined(_WIN32)
#define ETPU_API __declspec(dllexport)
#elif defined(__GNUC__)
#define ETPU_API __attribute__((visibility("default")))
#else
#define ETPU_API
#endif

/* Off-chip memory that the host gives to a job. What the stream only reads is not written. */
struct etpu_region {
  uint8_t *data;
  uint32_t size;
};

/* A device. The host that makes one sets token to 0; sram has machine->sram bytes. */
struct etpu_device {
  const struct etpu_machine *machine;
  uint8_t *sram;
  /* What the parameter cache holds: the token of the load stream that filled it, 0 for nothing. A run stream with a
   * token other than 0 is refused where they differ; one with token 0, which may use all of the SRAM, ends what is
   * there. */
  uint32_t token;
  /* 0: the array works as SCALE-Sim's plain weight-stationary one: weights are loaded, inputs streamed and results
   * drained one after the other, fold by fold. */
  uint32_t overlap;
};

/* Why a unit that had commands left did not work. */
enum etpu_stall {
  ETPU_STALL_WAIT = 0,    /* for another unit */
  ETPU_STALL_FEED = 1,    /* for inputs: more reads than ports */
  ETPU_STALL_WEIGHTS = 2, /* for weights and parameters */
  ETPU_STALL_QUEUE = 3,   /* for the command processor */
  ETPU_STALLS = 4
};

/* One command as it ran. Times are cycles from the start of the stream. */
struct etpu_event {
  uint64_t issue; /* it is in its unit's queue */
  uint64_t start; /* the unit begins with it */
  uint64_t end;   /* its results can be used */
  uint64_t busy;  /* cycles in which the unit worked on it */
  uint64_t stalls[ETPU_STALLS];
  uint64_t macs; /* multiplications of the layer that it did, those with padding included */
  uint64_t sram_read, sram_written, offchip_read, offchip_written; /* bytes */
  uint64_t fetched; /* bytes of the stream: the command's, and in front of the first one the header's */
  uint32_t unit, command, opcode, layer;
};

struct etpu_unit_counters {
  uint64_t commands, busy, stalls[ETPU_STALLS], sram_read, sram_written;
};

struct etpu_counters {
  uint64_t cycles; /* until the last command has completed */
  uint64_t macs, offchip_read, offchip_written, fetched;
  struct etpu_unit_counters units[ETPU_UNITS];
};

/* Whether a stream can run on the machine with these regions. Returns 0, or a code of enum etpu_fault_code, and tells
 * in *fault where. */
ETPU_API int etpu_validate(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                           const struct etpu_region *regions, uint32_t count, struct etpu_fault *fault);

/* As etpu_validate, before there are regions. */
ETPU_API int etpu_validate_stream(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                                  struct etpu_fault *fault);

/* Validates, executes and counts. The first `capacity` commands are told in events[]; counters and events may be NULL.
 * Returns 0 or a fault. If it is one of validation nothing has run; if it is one of data (a shift or a sum of
 * exponentials out of range in what the host gave), the commands before it have. */
ETPU_API int etpu_device_run(struct etpu_device *device, const uint8_t *stream, size_t bytes,
                             const struct etpu_region *regions, uint32_t count, struct etpu_counters *counters,
                             struct etpu_event *events, uint32_t capacity, struct etpu_fault *fault);

/* Validates and counts without executing: what etpu_device_run would count. */
ETPU_API int etpu_count(const struct etpu_machine *machine, uint32_t overlap, const uint8_t *stream, size_t bytes,
                        struct etpu_counters *counters, struct etpu_event *events, uint32_t capacity,
                        struct etpu_fault *fault);

/* The reason that goes with a fault's code, in words. */
ETPU_API const char *etpu_reason(int code);

/* As in machine.h, for users of the shared library. */
ETPU_API const struct etpu_machine *etpu_machine(const char *name);

#endif /* TVM_TINY_NPU_DEVICE_H_ */
