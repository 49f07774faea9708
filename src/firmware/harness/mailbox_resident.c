/* The mailbox's stop above a resident firmware: a call of it. */
#include "mailbox.h"

/* The resident's address for that, which the loader puts in place of this 1; not 0, which would need no loading. */
void (*volatile tiny_resident_call)(volatile struct mailbox *) = (void (*)(volatile struct mailbox *))1;

void mailbox_stop(void) {
  tiny_resident_call(&tiny_mailbox);
}
