/* The system registers of Cortex-M that start-up, fault handling and measurement touch.
 *
 * Addresses and bits: Armv7-M Architecture Reference Manual (DDI 0403E.e) chapters B3.2, B3.3, B3.4, B3.5, C1.6 and
 * C1.8; Armv8-M (DDI 0553B) chapters D1.2 for the secure fault registers, the MPU and the low-overhead-branch bit. */
#ifndef TVM_TINY_FIRMWARE_CORTEX_M_H_
#define TVM_TINY_FIRMWARE_CORTEX_M_H_

#include <stdint.h>

#define CORTEX_M_REGISTER(address) (*(volatile uint32_t *)(address))

#define SYST_CSR CORTEX_M_REGISTER(0xE000E010u)
#define SYST_RVR CORTEX_M_REGISTER(0xE000E014u)
#define SYST_CVR_ADDRESS 0xE000E018u
#define SYST_CVR CORTEX_M_REGISTER(SYST_CVR_ADDRESS)

#define DWT_CTRL CORTEX_M_REGISTER(0xE0001000u)
#define DWT_CYCCNT_ADDRESS 0xE0001004u
#define DWT_CYCCNT CORTEX_M_REGISTER(DWT_CYCCNT_ADDRESS)
#define DWT_LAR CORTEX_M_REGISTER(0xE0001FB0u)
#define DEMCR CORTEX_M_REGISTER(0xE000EDFCu)

#define SCB_ICSR CORTEX_M_REGISTER(0xE000ED04u)
#define SCB_AIRCR CORTEX_M_REGISTER(0xE000ED0Cu)
#define SCB_VTOR CORTEX_M_REGISTER(0xE000ED08u)
#define SCB_CCR CORTEX_M_REGISTER(0xE000ED14u)
#define SCB_SHCSR CORTEX_M_REGISTER(0xE000ED24u)
#define SCB_CFSR CORTEX_M_REGISTER(0xE000ED28u)
#define SCB_HFSR CORTEX_M_REGISTER(0xE000ED2Cu)
#define SCB_MMFAR CORTEX_M_REGISTER(0xE000ED34u)
#define SCB_BFAR CORTEX_M_REGISTER(0xE000ED38u)
#define SCB_CPACR CORTEX_M_REGISTER(0xE000ED88u)
#define SCB_SFSR CORTEX_M_REGISTER(0xE000EDE4u)

/* For interrupts 32 x bank to 32 x bank + 31, one bit each: enable, disable, no longer pending. */
#define NVIC_ISER(bank) CORTEX_M_REGISTER(0xE000E100u + 4u * (bank))
#define NVIC_ICER(bank) CORTEX_M_REGISTER(0xE000E180u + 4u * (bank))
#define NVIC_ICPR(bank) CORTEX_M_REGISTER(0xE000E280u + 4u * (bank))

#define MPU_TYPE CORTEX_M_REGISTER(0xE000ED90u)
#define MPU_CTRL CORTEX_M_REGISTER(0xE000ED94u)
#define MPU_RNR CORTEX_M_REGISTER(0xE000ED98u)
#define MPU_RBAR CORTEX_M_REGISTER(0xE000ED9Cu)
#define MPU_RASR CORTEX_M_REGISTER(0xE000EDA0u) /* Armv7-M */
#define MPU_RLAR CORTEX_M_REGISTER(0xE000EDA0u) /* Armv8-M */
#define MPU_MAIR0 CORTEX_M_REGISTER(0xE000EDC0u)

/* Cores with fault registers, configurable traps and a movable vector table: all but Armv6-M and Armv8-M Baseline. */
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__) || \
    defined(__ARM_ARCH_8_1M_MAIN__)
#define CORTEX_M_MAINLINE 1
#else
#define CORTEX_M_MAINLINE 0
#endif

#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
#define CORTEX_M_ARMV8 1
#else
#define CORTEX_M_ARMV8 0
#endif

static inline void cortex_m_barrier(void) {
  __asm volatile("dsb\n\tisb" ::: "memory");
}

#endif /* TVM_TINY_FIRMWARE_CORTEX_M_H_ */
