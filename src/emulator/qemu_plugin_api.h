/* The part of QEMU's plugin interface, version 1, that this plugin calls.
 *
 * Distributions ship an emulator with plugins enabled but not its header; these are the prototypes, written from QEMU's
 * public description of the interface ("QEMU TCG Plugins"). Version 1 is that of QEMU 6.0 to 8.2. QEMU 9 raised the
 * version and refuses plugins of version 1 when it loads them: the caller then counts without this plugin. */
#ifndef TVM_TINY_QEMU_PLUGIN_API_H_
#define TVM_TINY_QEMU_PLUGIN_API_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define QEMU_PLUGIN_EXPORT
#endif

typedef uint64_t qemu_plugin_id_t;

/* The emulator and the machine; we ask nothing of it. */
typedef struct qemu_info_t qemu_info_t;

/* What a callback wants to do with the guest's registers; we never look at them. */
enum qemu_plugin_cb_flags {
  QEMU_PLUGIN_CB_NO_REGS = 0,
};

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu_index, void *userdata);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *userdata);

/* Provided by the emulator. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t cb,
                                          enum qemu_plugin_cb_flags flags, void *userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

/* Provided by the plugin. */
QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

#endif /* TVM_TINY_QEMU_PLUGIN_API_H_ */
