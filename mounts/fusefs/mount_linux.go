package fusefs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// readOnlyFlags are those of fusermount with MS_RDONLY.
const readOnlyFlags = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_RDONLY

// ownPrivileges says that set-user-ID bits end here when a file is changed. Otherwise the
// kernel asks for security.capability before each write.
const ownPrivileges = fuse.CAP_HANDLE_KILLPRIV_V2
