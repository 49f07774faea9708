/* SPDX-License-Identifier: Apache-2.0 */
#include "tvm_tiny/npu/etpu.h"

#include <stddef.h>

#include "tvm_tiny/npu/etpu_hal.h"
#include "tvm_tiny/npu/registers.h"

static void start(const void *stream, uint32_t size) {
  etpu_hal_write(ETPU_STREAM, etpu_hal_address(stream));
  etpu_hal_write(ETPU_STREAM_SIZE, size);
  etpu_hal_write(ETPU_COMMAND, ETPU_START);
}

/* Waits for the end of the stream that runs. */
static enum etpu_status wait(void) {
  for (uint32_t turn = 0; etpu_is_running(); ++turn) {
    if (!etpu_hal_wait(turn)) {
      etpu_hal_write(ETPU_COMMAND, ETPU_RESET);
      return ETPU_TIMEOUT;
    }
  }
  return etpu_hal_read(ETPU_STATUS) == (uint32_t)ETPU_DONE ? ETPU_OK : ETPU_FAULTED_JOB;
}

/* Whether the job is one for this device. */
static enum etpu_status check(const struct etpu_job *job) {
  if (etpu_hal_read(ETPU_ID) != (uint32_t)ETPU_ID_VALUE)
    return ETPU_NO_DEVICE;
  if (etpu_hal_read(ETPU_SIZE) != job->array)
    return ETPU_WRONG_DEVICE;
  return job->buffer_count <= (uint32_t)ETPU_MAX_REGIONS ? ETPU_OK : ETPU_BAD_JOB;
}

static void hand_over_buffers(const struct etpu_job *job) {
  for (uint32_t i = 0; i < job->buffer_count; ++i) {
    const struct etpu_buffer *const buffer = &job->buffers[i];
    etpu_hal_clean(buffer->data, buffer->size);
    etpu_hal_write((uint32_t)ETPU_REGION + 8u * i, etpu_hal_address(buffer->data));
    etpu_hal_write((uint32_t)ETPU_REGION + 8u * i + 4u, buffer->size);
  }
  etpu_hal_write(ETPU_REGIONS, job->buffer_count);
}

enum etpu_status etpu_start(const struct etpu_job *job) {
  enum etpu_status status = check(job);
  if (status != ETPU_OK)
    return status;
  if (etpu_hal_read(ETPU_LOCK) == 0u)
    return ETPU_BUSY;
  hand_over_buffers(job);
  if ((job->token != 0u) && (etpu_hal_read(ETPU_TOKEN) != job->token)) {
    etpu_hal_clean(job->load, job->load_size);
    start(job->load, job->load_size);
    status = wait();
    if (status != ETPU_OK) {
      etpu_hal_write(ETPU_LOCK, 0);
      return status;
    }
  }
  etpu_hal_clean(job->run, job->run_size);
  start(job->run, job->run_size);
  return ETPU_OK;
}

enum etpu_status etpu_finish(const struct etpu_job *job) {
  const enum etpu_status status = wait();
  for (uint32_t i = 0; i < job->buffer_count; ++i)
    if (job->buffers[i].written)
      etpu_hal_invalidate(job->buffers[i].data, job->buffers[i].size);
  etpu_hal_write(ETPU_LOCK, 0);
  return status;
}

enum etpu_status etpu_submit(const struct etpu_job *job) {
  const enum etpu_status status = etpu_start(job);
  return status == ETPU_OK ? etpu_finish(job) : status;
}

bool etpu_is_running(void) {
  return etpu_hal_read(ETPU_STATUS) == (uint32_t)ETPU_RUNNING;
}

void etpu_interrupt(void) {
  etpu_hal_write(ETPU_INTERRUPT, (uint32_t)ETPU_INTERRUPT_ENABLED | (uint32_t)ETPU_INTERRUPT_PENDING);
}

uint64_t etpu_cycles(void) {
  const uint32_t low = etpu_hal_read(ETPU_CYCLES_LOW);
  return (uint64_t)etpu_hal_read(ETPU_CYCLES_HIGH) << 32 | low;
}
