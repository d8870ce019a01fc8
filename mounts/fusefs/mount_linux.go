package fusefs

import "syscall"

// readOnlyFlags are those of fusermount with MS_RDONLY.
const readOnlyFlags = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_RDONLY
