/* What a stream must be like before anything of it runs. Functions return 0 or a code of enum etpu_fault_code. */
#ifndef TVM_TINY_NPU_VALIDATE_H_
#define TVM_TINY_NPU_VALIDATE_H_

#include <stddef.h>
#include <stdint.h>

#include "areas.h"
#include "command.h"
#include "device.h"

/* What commands may touch. */
struct etpu_limits {
  const struct etpu_machine *machine;
  struct etpu_header header;
  uint64_t read, write;   /* SRAM below that may be read and written */
  const uint8_t *regions; /* in the stream */
};

/* Validates a stream; regions may be NULL, which leaves out whether they are those of the stream. Fills *limits. */
int etpu_check_stream(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                      const struct etpu_region *regions, uint32_t count, struct etpu_limits *limits,
                      struct etpu_fault *fault);

/* Where the first command begins. */
size_t etpu_first_command(const struct etpu_header *header);

int etpu_check_convolution(const struct etpu_limits *limits, const struct etpu_convolution *command);
int etpu_check_elementwise(const struct etpu_limits *limits, const struct etpu_elementwise *command);
int etpu_check_pool(const struct etpu_limits *limits, const struct etpu_pool *command);
int etpu_check_lookup(const struct etpu_limits *limits, const struct etpu_lookup *command);
int etpu_check_softmax(const struct etpu_limits *limits, const struct etpu_softmax *command);
int etpu_check_resize(const struct etpu_limits *limits, const struct etpu_resize *command);
int etpu_check_transfer(const struct etpu_limits *limits, const struct etpu_transfer *command);

/* Used by several of them. */
int etpu_check_reading(const struct etpu_limits *limits, const struct etpu_area *area);
int etpu_check_writing(const struct etpu_limits *limits, const struct etpu_area *area);
int etpu_check_window(const struct etpu_window *window);
/* Rows [first, first + rows) that a window over the output's rows can read, held within the input. */
void etpu_window_rows(const struct etpu_window *window, uint32_t first_output, uint32_t outputs, uint32_t height,
                      uint64_t *first, uint64_t *rows);

#endif /* TVM_TINY_NPU_VALIDATE_H_ */
