/* uint32_t measure_painted_call(function, arena, inputs, outputs)
 *
 * Paints the free stack, calls the function and finds how far down the paint is gone. Written in Thumb-1, for all cores.
 *
 * What is measured lies between measure_begin (the call) and measure_end (where it returns): the emulator's plugin is given these
 * two addresses. No frame lies between the caller's stack pointer and the callee, so the stack is exact. */
        .syntax unified
        .thumb
        .text

        .equ    PAINT, 0xC5A35A3C

        .section .text.measure_painted_call, "ax", %progbits
        .global measure_painted_call
        .global measure_begin
        .global measure_end
        .type   measure_painted_call, %function
        .thumb_func
measure_painted_call:
        push    {r3-r7, lr}             /* r3 keeps the stack pointer a multiple of 8 */
        mov     r4, r0
        mov     r0, r1
        mov     r1, r2
        mov     r2, r3

        ldr     r5, =tiny_stack_bottom
        mov     r6, sp
        ldr     r7, =PAINT
1:      cmp     r5, r6
        bhs     2f
        str     r7, [r5]
        adds    r5, #4
        b       1b

2:      ldr     r5, =measure_counter    /* the address of SYST_CVR or DWT_CYCCNT */
        ldr     r5, [r5]
        ldr     r6, [r5]
measure_begin:
        blx     r4
measure_end:
        ldr     r4, [r5]
        ldr     r5, =measure_ticks
        str     r6, [r5]
        str     r4, [r5, #4]

        ldr     r5, =tiny_stack_bottom
        mov     r6, sp
3:      cmp     r5, r6
        bhs     4f
        ldr     r4, [r5]
        cmp     r4, r7
        bne     4f
        adds    r5, #4
        b       3b

4:      subs    r6, r6, r5
        ldr     r5, =measure_stack
        str     r6, [r5]
        pop     {r3-r7, pc}
        .ltorg
        .size   measure_painted_call, . - measure_painted_call
