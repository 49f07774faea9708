/* SPDX-License-Identifier: Apache-2.0
 *
 * The NPU's driver: hands command streams to the device and waits for their end. Generated models call it; a firmware
 * supplies the functions of etpu_hal.h, or takes those of etpu_hal_mmio.c. It has no state of its own. */
#ifndef TVM_TINY_NPU_ETPU_H_
#define TVM_TINY_NPU_ETPU_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory that a stream reads or, if `written`, writes too. */
struct etpu_buffer {
  const void *data;
  uint32_t size; /* bytes */
  bool written;
};

/* What the device is to do. `load` fills the parameter cache, which then carries `token`; it is skipped while the
 * device still holds that. A token of 0 means that nothing is cached: then there is no `load`. */
struct etpu_job {
  uint32_t array; /* the variant it was compiled for: rows of the array */
  const void *run;
  uint32_t run_size; /* bytes */
  const void *load;
  uint32_t load_size; /* bytes */
  uint32_t token;
  const struct etpu_buffer *buffers;
  uint32_t buffer_count;
};

enum etpu_status {
  ETPU_OK = 0,
  ETPU_BUSY = 1,         /* somebody else's job is running */
  ETPU_NO_DEVICE = 2,    /* the registers do not answer as an NPU does */
  ETPU_WRONG_DEVICE = 3, /* another variant than the job is for */
  ETPU_BAD_JOB = 4,      /* more buffers than the device has registers for */
  ETPU_FAULTED_JOB = 5,  /* the device refused a stream: read ETPU_FAULT and ETPU_FAULT_AT */
  ETPU_TIMEOUT = 6       /* the HAL gave up waiting; the device has been reset */
};

/* Runs a job to its end. */
enum etpu_status etpu_submit(const struct etpu_job *job);

/* The same in two steps, so that the core can do something else, or sleep, in between. The job must stay where it is. A
 * job whose parameters are not cached yet is loaded before etpu_start returns. Whoever gets ETPU_OK from etpu_start
 * must call etpu_finish. */
enum etpu_status etpu_start(const struct etpu_job *job);
enum etpu_status etpu_finish(const struct etpu_job *job);

/* Whether a stream is running. */
bool etpu_is_running(void);

/* For firmwares that wait by interrupt: the interrupt's handler. It takes the request away; etpu_hal_wait wakes up. */
void etpu_interrupt(void);

/* Cycles of the device's clock that the last stream took. */
uint64_t etpu_cycles(void);

#ifdef __cplusplus
}
#endif

#endif /* TVM_TINY_NPU_ETPU_H_ */
