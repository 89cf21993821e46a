"""New threads get as much stack as glibc gives them; the application may set another size afterwards."""

import _thread

_thread.stack_size(8 << 20)
